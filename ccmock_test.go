package ccmock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock"
)

var beforeCutOff = time.Date(2024, 2, 14, 23, 0, 0, 0, time.UTC)

// use calls the tutorial's feature and returns the status, the body and the request's id.
func use(t *testing.T, e *ccmock.Ecosystem, user string) (status int, body, id string) {
	t.Helper()
	resp, err := e.Use(t.Context(), user, "new_feature_scope", nil)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text), resp.Header.Get("X-Request-Id")
}

func TestAnEcosystemWithoutOptions(t *testing.T) {
	t.Parallel()
	e := ccmock.StartT(t)
	for _, name := range []string{"gitlab", "acme", "dedicated", "customersdot", "gateway", "ai", "foo"} {
		require.NotEmpty(t, e.URL(name), name)
	}
	require.Empty(t, e.URL("nobody"))
	require.NotEmpty(t, e.Services())
	status, body, _ := use(t, e, "grace")
	require.Equal(t, http.StatusOK, status, body)

	resp := get(t, e.ControlURL()+"/v1/health", nil)
	require.Equal(t, http.StatusOK, resp)
}

// entryOf is the journal's entry of a service.
func entryOf(t *testing.T, entries []ccmock.Entry, service string) ccmock.Entry {
	t.Helper()
	n := slices.IndexFunc(entries, func(e ccmock.Entry) bool { return e.Service == service })
	require.GreaterOrEqual(t, n, 0, "%s has no entry", service)
	return entries[n]
}

func get(t *testing.T, url string, header http.Header) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if header != nil {
		req.Header = header
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestWhatIsGivenAndWhatThenHappens(t *testing.T) {
	t.Parallel()
	given := ccmock.Options{
		Now: beforeCutOff,
		Instances: []ccmock.Instance{{
			Name: "globex", Realm: ccmock.SelfManaged, GitLabVersion: "16.9.2",
			License: &ccmock.License{Kind: ccmock.OnlineCloud, Plan: "premium"},
			AddOns:  []ccmock.Purchase{{AddOn: "duo_pro", ExpiresOn: beforeCutOff.AddDate(0, 0, 2)}},
		}},
		Users: []ccmock.User{{Name: "gus", Instance: "globex", Token: "secret"}},
	}
	e := ccmock.StartT(t, given)
	require.Zero(t, given.Instances[0].AddOns[0].Seats, "what the caller gave is the caller's")
	ctx := t.Context()

	status, _, id := use(t, e, "gus")
	require.Equal(t, http.StatusUnauthorized, status, "nothing has been synced")
	why, err := e.Explain(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "globex", why.By)

	synced, err := e.Sync(ctx, "globex")
	require.NoError(t, err)
	require.Equal(t, ccmock.Succeeded, synced.Outcome)
	raw, err := e.AccessToken(ctx, "globex")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(raw, "."))
	status, _, _ = use(t, e, "gus")
	require.Equal(t, http.StatusOK, status)

	// The add-on expires, and with the next sync, which comes by itself, the scope is gone.
	require.NoError(t, e.Advance(ctx, 4*24*time.Hour))
	require.Equal(t, beforeCutOff.AddDate(0, 0, 4), e.Now())
	status, _, id = use(t, e, "gus")
	require.Equal(t, http.StatusForbidden, status)
	why, err = e.Explain(ctx, id)
	require.NoError(t, err)
	require.Contains(t, why.Text, "duo_pro expired on 2024-02-16")
	entries, err := e.Journal(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "missing_scope", entryOf(t, entries, "foo").Reason)
	require.Empty(t, entryOf(t, entries, "globex").Reason, "the instance relays what the backend said")

	require.NoError(t, e.Purchase(ctx, "globex", ccmock.Purchase{AddOn: "duo_pro", Seats: 3}))
	_, err = e.Sync(ctx, "globex")
	require.NoError(t, err)
	status, _, _ = use(t, e, "gus")
	require.Equal(t, http.StatusOK, status)

	// Everything else goes through Do.
	require.NoError(t, e.Do(ctx, "revoke_license", map[string]string{"instance": "globex"}, nil))
	_, err = e.Sync(ctx, "globex")
	require.NoError(t, err)
	var stored struct{ Tokens []any }
	require.NoError(t, e.Do(ctx, "stored", map[string]string{"instance": "globex"}, &stored))
	require.Empty(t, stored.Tokens)
	require.ErrorContains(t, e.Do(ctx, "revoke_licence", nil, nil), "revoke_licence")

	require.NoError(t, e.SetTime(ctx, beforeCutOff))
	require.Equal(t, beforeCutOff, e.Now())
}

func TestARunningClock(t *testing.T) {
	t.Parallel()
	e := ccmock.StartT(t, ccmock.Options{Now: beforeCutOff, Running: true})
	require.False(t, e.Now().Before(beforeCutOff))
	require.Less(t, e.Now().Sub(beforeCutOff), time.Hour)
}

func TestABackendOfOnesOwn(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	mine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		_, _ = io.WriteString(w, `{"mine": true}`)
	}))
	t.Cleanup(mine.Close)
	e := ccmock.StartT(t, ccmock.Options{Backends: map[string]string{"foo": mine.URL}})
	status, body, _ := use(t, e, "grace")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"mine": true}`, body)
	r := <-asked
	require.Equal(t, "/new_feature_endpoint", r.URL.Path)
	require.True(t, strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey"))
	require.Empty(t, e.URL("foo"))
}

func TestForgedTokensAndFaults(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := ccmock.StartT(t, ccmock.Options{Now: beforeCutOff})
	good, err := e.Sign(ctx, ccmock.SignRequest{Service: "customersdot", Instance: "acme"})
	require.NoError(t, err)
	forged, err := e.Sign(ctx, ccmock.SignRequest{Service: "customersdot", Instance: "acme", Claims: map[string]any{"aud": "elsewhere"}})
	require.NoError(t, err)
	for raw, want := range map[string]string{good: "", forged: "wrong_audience"} {
		get(t, e.URL("foo")+"/new_feature_endpoint", http.Header{"Authorization": {"Bearer " + raw}, "X-Request-Id": {want + "!"}})
		entries, err := e.Journal(ctx, want+"!")
		require.NoError(t, err)
		if want == "" {
			want = "missing_header" // the token itself is taken
		}
		require.Equal(t, want, entryOf(t, entries, "foo").Reason)
	}

	require.NoError(t, e.AddFault(ctx, ccmock.Fault{
		Name: "down", Where: ccmock.FaultMatch{Service: "foo"}, Do: ccmock.FaultAction{Status: http.StatusServiceUnavailable},
	}))
	status, _, _ := use(t, e, "grace")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NoError(t, e.RemoveFault(ctx, "down"))
	status, _, _ = use(t, e, "grace")
	require.Equal(t, http.StatusOK, status)
}

const shine = `format: 1
feature: shine
backend: {name: lamp, endpoint: GET /shine, reply: {bright: true}}
rails: {endpoint: GET /api/v4/shine}
cloud_connector: {service_start_time: 2024-02-15 00:00:00 UTC, bundled_with: 'duo_pro'}
`

func TestFeaturesAndACatalogOfOnesOwn(t *testing.T) {
	t.Parallel()
	features := fstest.MapFS{"shine.yaml": {Data: []byte(shine)}}
	e := ccmock.StartT(t, ccmock.Options{
		Now: beforeCutOff, Features: features,
		Catalog: "defaults:\n  services:\n    shine: {service_start_time: 2024-02-01 00:00:00 UTC, bundled_with: 'duo_pro'}\n",
	})
	_, err := e.Sync(t.Context(), "acme")
	require.NoError(t, err)
	resp, err := e.Use(t.Context(), "ada", "shine", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "the cut-off of the catalog, not that of the feature file")

	_, err = e.Use(t.Context(), "ada", "shone", nil) //nolint:bodyclose // there is no response
	require.ErrorContains(t, err, `unknown feature "shone" (did you mean "shine"?)`)
	_, err = e.Use(t.Context(), "adda", "shine", nil) //nolint:bodyclose // there is no response
	require.ErrorContains(t, err, `unknown user "adda" (did you mean "ada"?)`)
}

func TestWhatIsWrongWithOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]ccmock.Options{
		`"self" is not a realm`:         {Instances: []ccmock.Instance{{Name: "acme", Realm: "self"}}},
		`unknown instance "acne"`:       {Users: []ccmock.User{{Name: "ada", Instance: "acne"}}},
		"holds no .yaml file":           {Features: fstest.MapFS{}},
		"no feature names":              {Backends: map[string]string{"fo": "http://127.0.0.1:1"}},
		`unknown key "featur"`:          {Features: fstest.MapFS{"x.yaml": {Data: []byte("featur: x\n")}}},
		`did you mean "services"?`:      {Catalog: "defaults:\n  servces: {}\n"},
		`the URL of backend "foo" is "`: {Backends: map[string]string{"foo": "elsewhere"}},
	} {
		_, err := ccmock.Start(t.Context(), o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "ccmock: ")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ccmock.Start(ctx, ccmock.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// fakeTest is a Tester that keeps what it is told.
type fakeTest struct {
	mu     sync.Mutex
	fatal  string
	logged []string
	ends   []func()
}

func (f *fakeTest) Helper() {}

func (f *fakeTest) Fatalf(format string, args ...any) { f.fatal = fmt.Sprintf(format, args...) }

func (f *fakeTest) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logged = append(f.logged, fmt.Sprintf(format, args...))
}

func (f *fakeTest) Cleanup(end func()) { f.ends = append(f.ends, end) }

func TestStartTEndsWithTheTest(t *testing.T) {
	t.Parallel()
	f := &fakeTest{}
	e := ccmock.StartT(f, ccmock.Options{})
	require.Empty(t, f.fatal)
	require.NotNil(t, e)
	require.Len(t, f.ends, 1)
	for _, end := range f.ends {
		end()
	}
	_, err := e.Sync(t.Context(), "acme")
	require.Error(t, err, "it is closed")

	broken := &fakeTest{}
	require.Nil(t, ccmock.StartT(broken, ccmock.Options{Users: []ccmock.User{{Name: "ada", Instance: "acne"}}}))
	require.Contains(t, broken.fatal, `unknown instance "acne"`)
	require.Empty(t, broken.ends)

	two := &fakeTest{}
	require.Nil(t, ccmock.StartT(two, ccmock.Options{}, ccmock.Options{}))
	require.Contains(t, two.fatal, "StartT takes one Options, got 2")
}

func TestFlowsOfOnesOwn(t *testing.T) {
	flow := `format: 1
scenario: the lamp shines
features: [shine]
given:
  now: 2024-02-14 23:00:00 UTC
  users: {grace: {instance: gitlab}}
steps:
  - use: shine
    as: grace
    expect: {status: 200, body: {bright: true}}
`
	ccmock.RunFlows(t, fstest.MapFS{"shine.yaml": {Data: []byte(flow)}}, ccmock.Options{
		Features: fstest.MapFS{"shine.yaml": {Data: []byte(shine)}},
	})
}

// fakeFlows is a test that flows run in, and keeps what it is told.
type fakeFlows struct {
	ctx  context.Context
	name string
	told *[]string
}

func (f fakeFlows) Run(name string, part func(fakeFlows)) bool {
	part(fakeFlows{f.ctx, f.name + "/" + strings.ReplaceAll(name, " ", "_"), f.told})
	return true
}
func (f fakeFlows) Helper()                  {}
func (f fakeFlows) Parallel()                {}
func (f fakeFlows) Name() string             { return f.name }
func (f fakeFlows) Context() context.Context { return f.ctx }
func (f fakeFlows) Errorf(format string, args ...any) {
	*f.told = append(*f.told, fmt.Sprintf(format, args...))
}
func (f fakeFlows) Fatalf(format string, args ...any) { f.Errorf(format, args...) }
func (f fakeFlows) Skipf(format string, args ...any)  { f.Errorf(format, args...) }

func TestAFlowThatFailsSaysHowToRunItAgain(t *testing.T) {
	flow := `format: 1
scenario: the lamp is dark
features: [shine]
given:
  now: 2024-02-14 23:00:00 UTC
  users: {grace: {instance: gitlab}}
steps:
  - use: shine
    as: grace
    expect: {body: {bright: false}}
`
	run := func() []string {
		var told []string
		ccmock.RunFlows(fakeFlows{t.Context(), "TestFlows", &told}, fstest.MapFS{"lamps/dark.yaml": {Data: []byte(flow)}}, ccmock.Options{
			Features: fstest.MapFS{"shine.yaml": {Data: []byte(shine)}}, Seed: 3,
		})
		return told
	}
	const again = " go test -count=1 github.com/ccmock/ccmock -run '^TestFlows$/^dark$'"
	told := run()
	require.Len(t, told, 1)
	require.Contains(t, told[0], "seed 3\n")
	require.True(t, strings.HasSuffix(told[0], "\nagain: CCMOCK_SEED=3"+again), told[0])

	left := filepath.Join(t.TempDir(), "left")
	t.Setenv("CCMOCK_SEED", "18446744073709551615")
	t.Setenv("CCMOCK_CAPSULES", left)
	told = run()
	require.Len(t, told, 1)
	file := filepath.Join(left, "dark.capsule")
	require.True(t, strings.HasSuffix(told[0], "\nagain: CCMOCK_SEED=18446744073709551615"+again+"\ncapsule: ccmock replay "+file), told[0])
	capsule, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(capsule), "seed: 18446744073709551615\n")
	require.Contains(t, string(capsule), "the lamp is dark")

	t.Setenv("CCMOCK_SEED", "-1")
	require.Equal(t, []string{`ccmock: CCMOCK_SEED: expected a number from 0 on, got "-1"`}, run())
}

func TestFlowsRunAgainstABackendOfOnesOwn(t *testing.T) {
	mine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"bright": "very"})
	}))
	t.Cleanup(mine.Close)
	flow := `format: 1
scenario: the lamp shines
features: [shine]
given:
  now: 2024-02-14 23:00:00 UTC
  users: {grace: {instance: gitlab}}
steps:
  - use: shine
    as: grace
    expect: {status: 200, body: {bright: very}}
`
	ccmock.RunFlows(t, fstest.MapFS{"shine.yaml": {Data: []byte(flow)}}, ccmock.Options{
		Features: fstest.MapFS{"shine.yaml": {Data: []byte(shine)}},
		Backends: map[string]string{"lamp": mine.URL, "unused": "http://127.0.0.1:1"},
	})
}
