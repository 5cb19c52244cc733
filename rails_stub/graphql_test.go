package railsstub_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

const (
	apiGraphQL = "/api/graphql"
	me         = `{ currentUser { id username duoChatAvailable duoCodeSuggestionsAvailable } }`
	ask        = `mutation($q: String!) { aiAction(input: {clientMutationId: "m", chat: {resourceId: "gid://gitlab/User/7", content: $q}}) { clientMutationId requestId errors } }`
	messages   = `query($ids: [ID!]) { aiMessages(requestIds: $ids) { nodes { id requestId role content contentHtml timestamp chunkId errors type extras { sources hasFeedback } } } }`
)

// query sends a GraphQL request as a user.
func (r *rig) query(user, query string, variables any) answered {
	r.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(r.t, err)
	return r.post(user, apiGraphQL, string(body))
}

// admin makes ada an administrator.
func admin(w *world.World) { user(w, "ada").Admin = true }

func TestGraphQLCallers(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/graphql/invalid-token", "rails/graphql/blocked", "rails/graphql/anonymous", "rails/graphql/mutation-scopes")
	r := withSeatsIn(t, "18.9.0", func(w *world.World) {
		w.Users = append(w.Users,
			world.User{Name: "reader", Instance: "acme", TokenScopes: []string{"read_api"}},
			world.User{Name: "dev", Instance: "acme", TokenScopes: []string{"ai_features"}, Seats: []string{"duo_pro"}},
			world.User{Name: "runner", Instance: "acme", TokenScopes: []string{"create_runner"}},
			world.User{Name: "old", Instance: "acme", TokenExpiresOn: start.AddDate(0, 0, -1)},
			world.User{Name: "gone", Instance: "acme", Blocked: true},
		)
	})
	r.gateway.answers(agent("yes"))
	const (
		invalid  = `{"errors":[{"message":"Invalid token"}]}`
		noAction = `{"errors":[{"message":"The resource that you are attempting to access does not exist or you don't have permission to perform this action","path":["aiAction"]}],"data":{"aiAction":null}}`
	)
	for _, c := range []struct {
		user, query string
		status      int
		want        string // "": whatever
		reason      token.Reason
	}{
		{"", `{ currentUser { id } aiMessages { nodes { id } } }`, 200, `{"data":{"currentUser":null,"aiMessages":{"nodes":[]}}}`, ""},
		{"", `mutation { aiAction(input: {chat: {content: "?"}}) { errors } }`, 200, noAction, railsstub.UserUnauthenticated},
		{"nobody", me, 401, invalid, railsstub.UserUnauthenticated},
		{"old", me, 401, invalid, railsstub.UserTokenExpired},
		{"runner", me, 401, invalid, railsstub.UserTokenScope},
		{"gone", me, 403, `{"errors":[{"message":"API not accessible for user"}]}`, railsstub.UserBlocked},
		{"reader", me, 200, "", ""},
		{"reader", `mutation { aiAction(input: {chat: {content: "?"}}) { errors } }`, 200, noAction, railsstub.UserTokenScope},
		{"dev", `mutation { aiAction(input: {chat: {content: "?"}}) { errors } }`, 200, `{"data":{"aiAction":{"errors":[]}}}`, ""},
	} {
		got := r.query(c.user, c.query, nil)
		require.Equal(t, c.status, got.status, got.body)
		if c.want != "" {
			require.JSONEq(t, c.want, got.body)
		}
		r.refused(c.reason)
	}
}

func TestGraphQLRequests(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/graphql/too-large", "rails/graphql/get", "rails/graphql/unknown-field", "rails/graphql/variables", "rails/graphql/batch")
	r := withSeatsIn(t, "18.9.0", nil)
	const asked = `{"data":{"currentUser":{"username":"ada"}}}`
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"query", `{"query":"{currentUser{username}}"}`, 200, asked},
		{"variables as a text", `{"query":"query($a:Boolean!){currentUser{username @include(if:$a)}}","variables":"{\"a\":true}"}`, 200, asked},
		{"a list", `[{"query":"{currentUser{username}}"},{"query":"{currentUser{duoChatAvailable}}"}]`, 200, `[` + asked + `,{"data":{"currentUser":{"duoChatAvailable":true}}}]`},
		{"no query", `{}`, 200, `{"errors":[{"message":"No query string was present"}]}`},
		{"no body", ``, 200, `{"errors":[{"message":"No query string was present"}]}`},
		{
			"unknown field", `{"query":"{ currentUser { shoeSize } }"}`, 200,
			`{"errors":[{"message":"Field 'shoeSize' doesn't exist on type 'CurrentUser'","locations":[{"line":1,"column":17}],"extensions":{"code":"undefinedField","typeName":"CurrentUser","fieldName":"shoeSize"}}]}`,
		},
		{"no JSON", `{`, 400, `{"status":400,"error":"Bad Request"}`},
		{"a number", `1`, 400, `{"status":400,"error":"Bad Request"}`},
		{"a list of variables", `{"query":"{currentUser{username}}","variables":[1]}`, 422, `{"errors":[{"message":"Unexpected parameter: [1]"}]}`},
		{"too large", `{"query":"{currentUser{username}} #` + strings.Repeat("x", 10_000) + `"}`, 422, `{"errors":[{"message":"Query too large"}]}`},
	} {
		got := r.post("ada", apiGraphQL, c.body)
		require.Equal(t, c.status, got.status, c.name)
		require.JSONEq(t, c.want, got.body, c.name)
	}
	get := func(query string) answered {
		return r.request(http.MethodGet, "acme", apiGraphQL+"?query="+url.QueryEscape(query), "", "Private-Token", "glpat-ada")
	}
	require.JSONEq(t, asked, get(`{currentUser{username}}`).body)
	got := get(`mutation { aiAction(input: {chat: {content: "?"}}) { errors } }`)
	require.Equal(t, 422, got.status)
	require.JSONEq(t, `{"errors":[{"message":"Mutations are forbidden in GET requests"}]}`, got.body)
	syntax := r.query("ada", `{`, nil)
	require.Equal(t, 200, syntax.status)
	require.Contains(t, syntax.body, `"errors"`)
	require.NotContains(t, syntax.body, `"data"`)
}

// TestSchemaByVersion: a field that a version does not have yet is unknown to it.
func TestSchemaByVersion(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/graphql/status-since", "rails/graphql/features-since", "rails/graphql/contexts-since")
	for _, c := range []struct{ query, before, since, missing string }{
		{`{ cloudConnectorStatus { success } }`, "17.2.0", "17.3.0", "Field 'cloudConnectorStatus' doesn't exist on type 'Query'"},
		{`{ currentUser { duoChatAvailableFeatures } }`, "17.5.0", "17.6.0", "Field 'duoChatAvailableFeatures' doesn't exist on type 'CurrentUser'"},
		{`{ currentUser { codeSuggestionsContexts } }`, "17.8.0", "17.9.0", "Field 'codeSuggestionsContexts' doesn't exist on type 'CurrentUser'"},
	} {
		require.Contains(t, newRig(t, given(c.before)).query("ada", c.query, nil).body, c.missing)
		require.NotContains(t, newRig(t, given(c.since)).query("ada", c.query, nil).body, "doesn't exist on type")
	}
	// An upgrade brings the fields of the new version.
	r := newRig(t, given("16.8.0"))
	require.Contains(t, r.query("ada", `{ currentUser { codeSuggestionsContexts } }`, nil).body, "doesn't exist")
	_, err := do[control.Done](r, control.ActionUpgrade, control.UpgradeRequest{Instance: "acme", GitLabVersion: "18.9.0"})
	require.NoError(t, err)
	require.NotContains(t, r.query("ada", `{ currentUser { codeSuggestionsContexts } }`, nil).body, "doesn't exist")
}

func TestCurrentUser(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/graphql/current-user", "rails/graphql/contexts")
	const all = `{ currentUser { id username duoChatAvailable duoCodeSuggestionsAvailable duoChatAvailableFeatures codeSuggestionsContexts } }`
	r := withSeatsIn(t, "18.9.0", func(w *world.World) { w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme", ID: 9}) })
	goldentest.Text(t, "golden/client/current_user.txt", "with a seat, saas\n"+showAnswer(r.query("com", all, nil))+
		"with a seat, self-managed\n"+showAnswer(r.query("ada", all, nil))+"without one\n"+showAnswer(r.query("bob", all, nil)))
	off := withSeatsIn(t, "18.9.0", func(w *world.World) { acme(w).FlagsGiven = map[string]bool{world.FlagCodeSuggestions: false} })
	require.JSONEq(t, `{"data":{"currentUser":{"duoCodeSuggestionsAvailable":false,"codeSuggestionsContexts":[],"duoChatAvailable":true}}}`,
		off.query("ada", `{ currentUser { duoCodeSuggestionsAvailable codeSuggestionsContexts duoChatAvailable } }`, nil).body)
	require.Empty(t, r.gateway.requests())
}
