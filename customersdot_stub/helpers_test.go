package customersdotstub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
)

// portal is the URL that CustomersDot believes to be its own.
const portal = "https://customers.gitlab.test"

// now is one hour before the cut-off of the tutorial's feature.
var now = time.Date(2024, 2, 14, 23, 0, 0, 0, time.UTC)

const tutorial = `
format: 1
feature: new_feature_scope
description: the scope of the tutorial
backend: {name: foo, endpoint: POST /new_feature_endpoint}
cloud_connector:
  service_start_time: 2024-02-15 00:00:00 UTC
  min_gitlab_version: '16.8'
  bundled_with: 'duo_pro'
`

const chat = `
format: 1
feature: duo_chat
backend: {name: ai, endpoint: POST /v1/chat/agent, profile: ai-gateway, scope: duo_chat}
cloud_connector:
  cut_off_date: 2024-10-17 00:00:00 UTC
  min_gitlab_version: '16.9'
  min_gitlab_version_for_free_access: '16.8'
  bundled_with:
    duo_pro: {unit_primitives: [documentation_search, duo_chat]}
    duo_enterprise: {unit_primitives: [documentation_search, duo_chat, ask_issue]}
`

const security = `
format: 1
feature: sast
backend: {name: security, endpoint: POST /scan, scope: security_scans}
cloud_connector:
  backend: 'gitlab-security-gateway'
  bundled_with:
    _irrelevant_: {unit_primitives: [security_scans]}
`

func features(t testing.TB, texts ...string) []feature.Feature {
	t.Helper()
	var list []feature.Feature
	for _, text := range texts {
		f, err := feature.Parse("feature.yaml", []byte(text))
		require.NoError(t, err)
		list = append(list, f)
	}
	return list
}

func license(kind catalog.LicenseKind) *catalog.License { return &catalog.License{Kind: kind} }

// given is a world with one instance for each kind of licence.
func given(t testing.TB) world.World {
	t.Helper()
	w := world.World{Now: now, Instances: []world.Instance{
		{Name: "acme", Realm: world.SelfManaged, GitLabVersion: "16.9.2", License: license(catalog.OnlineCloud)},
		{Name: "fort", Realm: world.SelfManaged, Dedicated: true, GitLabVersion: "17.8.0", License: license(catalog.OnlineCloud)},
		{Name: "island", Realm: world.SelfManaged, GitLabVersion: "17.8.0", License: license(catalog.OfflineCloud)},
		{Name: "museum", Realm: world.SelfManaged, GitLabVersion: "17.8.0", License: license(catalog.Legacy)},
		{Name: "pauper", Realm: world.SelfManaged, GitLabVersion: "17.8.0"},
	}}
	complete(t, &w)
	return w
}

func complete(t testing.TB, w *world.World) {
	t.Helper()
	require.Empty(t, w.Complete())
}

// bed is CustomersDot under test.
type bed struct {
	t     testing.TB
	stub  *customersdotstub.Stub
	env   stub.Env
	clock *clock.Adjustable
	world world.World
	url   string
}

func start(t testing.TB, change ...func(*customersdotstub.Options)) *bed {
	t.Helper()
	return startIn(t, given(t), change...)
}

func startIn(t testing.TB, w world.World, change ...func(*customersdotstub.Options)) *bed {
	t.Helper()
	o := customersdotstub.Options{URL: portal, Keys: tokentest.Pool(), Features: features(t, tutorial, chat, security)}
	for _, c := range change {
		c(&o)
	}
	env, clk := stubtest.Env(w)
	s, err := customersdotstub.New(env, o)
	require.NoError(t, err)
	require.NoError(t, s.Seed(w))
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return &bed{t, s, env, clk, w, server.URL}
}

// key is the licence key that an instance was first sold.
func (b *bed) key(instance string) string {
	b.t.Helper()
	i, ok := b.world.Instance(instance)
	require.True(b.t, ok, instance)
	key, ok := i.LicenseKey()
	require.True(b.t, ok, instance)
	return key
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (b *bed) send(method, path, contentType string, body io.Reader, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.url+path, body)
	require.NoError(b.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for n := 0; n < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return answer{resp.StatusCode, resp.Header, text}
}

func (b *bed) post(path string, body any, headers ...string) answer {
	b.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(b.t, err)
	return b.send(http.MethodPost, path, "application/json", bytes.NewReader(text), headers...)
}

func (b *bed) graphql(query string, variables map[string]any, headers ...string) answer {
	b.t.Helper()
	a := b.post("/graphql", map[string]any{"query": query, "variables": variables}, headers...)
	require.Equal(b.t, http.StatusOK, a.status, string(a.body))
	return a
}

// The selections that instances send, by GitLab version.
const (
	head        = "query cloudConnectorAccess($licenseKey: String!, $gitlabVersion: String!) {\n  cloudConnectorAccess(licenseKey: $licenseKey, gitlabVersion: $gitlabVersion) {\n"
	selection16 = head + "    serviceToken { token expiresAt }\n    availableServices { name serviceStartTime bundledWith }\n  }\n}"
	selection17 = head + "    serviceToken { token expiresAt }\n    availableServices { name serviceStartTime bundledWith }\n    catalog\n  }\n}"
	selection18 = head + "    serviceToken { token expiresAt }\n    catalog\n  }\n}"
	bare        = head + "    serviceToken { token }\n  }\n}"
)

// reply is what comes of a token query.
type reply struct {
	Errors []struct {
		Message string `json:"message"`
	} `json:"errors"`
	Data struct {
		Access *struct {
			ServiceToken *struct {
				Token     string    `json:"token"`
				ExpiresAt time.Time `json:"expiresAt"`
			} `json:"serviceToken"`
			AvailableServices []struct {
				Name string `json:"name"`
			} `json:"availableServices"`
		} `json:"cloudConnectorAccess"`
	} `json:"data"`
}

// access asks for a token with a licence key.
func (b *bed) access(key, version string) reply {
	b.t.Helper()
	var r reply
	a := b.graphql(selection16, map[string]any{"licenseKey": key, "gitlabVersion": version})
	require.NoError(b.t, json.Unmarshal(a.body, &r), string(a.body))
	return r
}

// token asks for the token of an instance and returns it decoded.
func (b *bed) token(instance, version string) *token.Decoded {
	b.t.Helper()
	return b.tokenFor(b.key(instance), version)
}

func (b *bed) tokenFor(key, version string) *token.Decoded {
	b.t.Helper()
	r := b.access(key, version)
	require.Empty(b.t, r.Errors)
	require.NotNil(b.t, r.Data.Access.ServiceToken)
	d, err := token.Decode(r.Data.Access.ServiceToken.Token)
	require.NoError(b.t, err)
	return d
}

func (b *bed) last() journal.Entry {
	b.t.Helper()
	entries := b.env.Journal.Entries(journal.Filter{Service: customersdotstub.Name})
	require.NotEmpty(b.t, entries)
	return entries[len(entries)-1]
}

// scope is what the journal says of a scope of the last token.
func (b *bed) scope(name string) journal.Scope {
	b.t.Helper()
	for _, s := range b.last().Scopes {
		if s.Name == name {
			return s
		}
	}
	require.Failf(b.t, "no such scope", "%s in %v", name, b.last().Scopes)
	return journal.Scope{}
}

// do performs an action as the control plane does.
func do[Out any](b *bed, action string, args any) (Out, error) {
	b.t.Helper()
	text, err := json.Marshal(args)
	require.NoError(b.t, err)
	out, err := b.stub.Actions()[action](context.Background(), text)
	if err != nil {
		var none Out
		return none, err
	}
	return out.(Out), nil
}

func (b *bed) must(action string, args any) {
	b.t.Helper()
	_, err := do[control.Done](b, action, args)
	require.NoError(b.t, err)
}

// buy sells an add-on to acme.
func (b *bed) buy(addOn string, seats int) {
	b.t.Helper()
	b.must(control.ActionPurchase, control.PurchaseRequest{
		Instance: "acme", Purchase: catalog.Purchase{AddOn: addOn, Seats: seats},
	})
}

// report is the body of a good seat link.
func report(key string) map[string]any {
	return map[string]any{
		"gitlab_version": "16.9.2-ee", "timestamp": "2024-02-14T23:00:00Z", "license_key": key,
		"max_historical_user_count": 12, "billable_users_count": 10, "hostname": "acme.test",
		"instance_id":     "7f1e7f5e-0000-4000-8000-000000000001",
		"add_on_metrics":  []any{map[string]any{"add_on_type": "code_suggestions", "purchased_seats": 10, "assigned_seats": 3}},
		"some_new_number": 1,
	}
}

// seatLink sends a seat link and returns the newer licence key, if one came.
func (b *bed) seatLink(key string) string {
	b.t.Helper()
	a := b.post("/api/v1/seat_links", report(key))
	require.Equal(b.t, http.StatusOK, a.status, string(a.body))
	var r struct {
		License string `json:"license"`
	}
	require.NoError(b.t, json.Unmarshal(a.body, &r))
	return r.License
}

// golden compares a JSON body, less what differs from run to run, with a file.
func golden(t *testing.T, name string, body []byte, masks ...string) {
	t.Helper()
	text := string(body)
	for n := 0; n < len(masks); n += 2 {
		require.NotEmpty(t, masks[n])
		require.Contains(t, text, masks[n])
		text = strings.ReplaceAll(text, masks[n], masks[n+1])
	}
	goldentest.JSON(t, name+".json", text)
}

// quoted is a text as it stands inside a JSON string.
func quoted(t *testing.T, text string) string {
	t.Helper()
	q, err := json.Marshal(text)
	require.NoError(t, err)
	return string(q[1 : len(q)-1])
}
