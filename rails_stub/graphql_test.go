package railsstub_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

func jsonText(t testing.TB, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	return strings.Trim(string(quoted), `"`)
}

func containsKey(t testing.TB, body, key string) bool {
	t.Helper()
	return strings.Contains(body, jsonText(t, key))
}

// ask sends a GraphQL query to acme as a user, or as nobody.
func (r *rig) ask(user, query string) answered {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(r.t, err)
	headers := []string{"Content-Type", "application/json"}
	if user != "" {
		headers = append(headers, "Private-Token", "glpat-"+user)
	}
	return r.request(http.MethodPost, "acme", "/api/graphql", string(body), headers...)
}

// administered is a world in which root may look at the health check.
func administered(version string) world.World {
	w := paid(version)
	w.Users = append(w.Users, world.User{Name: "root", Instance: "acme", ID: 1, Admin: true, Seats: []string{"duo_pro"}})
	return w
}

// result is one of the health check's.
type result struct {
	Name    string   `json:"name"`
	Success bool     `json:"success"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

func (r *rig) health() (success bool, results map[string]result) {
	r.t.Helper()
	got := r.ask("root", "query health { cloudConnectorStatus { success probeResults { name success message errors } } }")
	require.Equal(r.t, http.StatusOK, got.status)
	var read struct {
		Data struct {
			Status struct {
				Success bool     `json:"success"`
				Results []result `json:"probeResults"`
			} `json:"cloudConnectorStatus"`
		} `json:"data"`
	}
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &read), got.body)
	results = map[string]result{}
	for _, one := range read.Data.Status.Results {
		require.Equal(r.t, one.Success, len(one.Errors) == 0, one.Name)
		results[one.Name] = one // of the two hosts, the gateway
	}
	return read.Data.Status.Success, results
}

func TestHealthCheck(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/license", "rails/status/host", "rails/status/access", "rails/status/token", "rails/status/end-to-end")
	r := newRig(t, administered("17.4.0"))
	r.gateway.answers(reply(http.StatusOK, `{"choices":[{"text":"puts 1"}]}`))
	is := func(name, message string, good bool) {
		t.Helper()
		_, results := r.health()
		require.Equal(t, message, results[name].Message)
		require.Equal(t, good, results[name].Success)
	}
	is("license_probe", "Subscription can be synchronized.", true)
	is("access_probe", "Subscription has not yet been synchronized. Synchronize your subscription.", false)
	is("token_probe", "Access credentials not found. Synchronize your subscription.", false)

	r.synced()
	success, results := r.health()
	require.True(t, success, results)
	require.Equal(t, "127.0.0.1 reachable.", results["host_probe"].Message)
	require.Equal(t, http.MethodHead, r.portal.last(t).method, "it asks for headers only")
	is("access_probe", "Subscription synchronized successfully.", true)
	is("token_probe", "Access credentials are valid.", true)
	is("end_to_end_probe", "Authentication with the AI gateway services succeeded.", true)
	require.Contains(t, r.gateway.last(t).body, "def hello_world")
	require.Equal(t, "/ai/v2/code/completions", r.gateway.last(t).path)

	r.gateway.answers(reply(http.StatusUnauthorized, `{"error":"no"}`))
	is("host_probe", "127.0.0.1 reachable.", true) // any answer will do
	is("end_to_end_probe", `Authentication with the AI gateway services failed: AI Gateway returned code 401: {"error":"no"}`, false)
	r.gateway.answers(reply(http.StatusOK, `{"choices":[]}`))
	is("end_to_end_probe", "Authentication with the AI gateway services failed: Response doesn't contain a completion", false)
	r.must(control.ActionNetwork, control.NetworkRequest{Instance: "acme", Unreachable: ptr([]string{"gateway"})})
	_, results = r.health()
	require.Contains(t, results["host_probe"].Message, "127.0.0.1 connection failed: ")
	require.Contains(t, results["host_probe"].Message, "\n\nIf you use firewalls or proxy servers, they must allow traffic to this host.")

	r.clock.Advance(72 * time.Hour)
	is("access_probe", "Subscription synchronized successfully.", true)
	is("token_probe", "Access credentials expired. Synchronize your subscription.", false)
	r.clock.Advance(time.Second)
	is("access_probe", "Subscription has not been synchronized recently. Synchronize your subscription.", false)

	legacy := administered("17.4.0")
	legacy.Instances[0].License = &catalog.License{Kind: catalog.Legacy}
	r = newRig(t, legacy)
	is("license_probe", "Subscription for this instance cannot be synchronized. Contact GitLab customer support to upgrade your license.", false)
	legacy.Instances[0].License, legacy.Instances[0].AddOns = nil, nil
	r = newRig(t, legacy)
	is("license_probe", "Subscription for this instance cannot be synchronized. Contact GitLab customer support to obtain a license.", false)
}

func TestWhoMaySeeTheHealthCheck(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/administrators")
	r := newRig(t, administered("17.4.0"))
	const query = "{ cloudConnectorStatus { success } }"
	for _, user := range []string{"", "ada"} {
		got := r.ask(user, query)
		require.Equal(t, http.StatusOK, got.status)
		require.Contains(t, got.body, "The resource that you are attempting to access does not exist")
		r.refusedFor("user_not_allowed")
	}
	require.Contains(t, newRig(t, administered("17.2.0")).ask("root", query).body, "Field 'cloudConnectorStatus' doesn't exist on type 'Query'")
}

// TestOffered: what the user interface asks goes by the permissions that were synced, and
// not by whether there is a token.
func TestOffered(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/graphql/offered")
	r := newRig(t, administered("17.4.0"))
	const query = "{currentUser{username,duoChatAvailable duoCodeSuggestionsAvailable}}"
	offered := func(user string) string {
		got := r.ask(user, query)
		require.Equal(t, http.StatusOK, got.status)
		return got.body
	}
	require.JSONEq(t, `{"data":{"currentUser":{"username":"ada","duoChatAvailable":false,"duoCodeSuggestionsAvailable":false}}}`, offered("ada"))
	r.synced()
	require.Equal(t, `{"data":{"currentUser":{"username":"ada","duoChatAvailable":true,"duoCodeSuggestionsAvailable":true}}}`, offered("ada"))
	r.clock.Advance(72 * time.Hour)
	require.Contains(t, offered("ada"), `"duoChatAvailable":true`, "the token has expired meanwhile")
	require.JSONEq(t, `{"data":{"currentUser":null}}`, offered(""))
	require.Equal(t, http.StatusUnauthorized, r.ask("nobody", query).status)
}

func TestQueriesThatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, administered("17.4.0"))
	for query, says := range map[string]string{
		"":                                    "Unexpected end of document",
		"{":                                   "Unexpected end of document",
		"{}":                                  "Expected NAME",
		"{ currentUser { username } } more":   "Expected NAME",
		"{ currentUser(id: 1) { username } }": "Expected NAME",
		"{ currentUser }":                     "Field must have selections",
		"{ currentUser { username { a } } }":  "Selections can't be made on scalars",
		"{ projects { id } }":                 "Field 'projects' doesn't exist on type 'Query'",
		"{ currentUser { email } }":           "Field 'email' doesn't exist on type 'CurrentUser'",
		"{ " + strings.Repeat("currentUser ", 300) + "}": "Expected NAME",
	} {
		got := r.ask("ada", query)
		require.Equal(t, http.StatusOK, got.status)
		require.Contains(t, got.body, `{"errors":[{"message":"`, query)
		require.Contains(t, got.body, says, query)
		r.refusedFor("invalid_request")
	}
}
