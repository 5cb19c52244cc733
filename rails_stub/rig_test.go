package railsstub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

// start is when the worlds of these tests begin: a Monday, after the tutorial's cut-off.
var start = time.Date(2024, 3, 4, 9, 0, 0, 0, time.UTC)

var features = sync.OnceValue(func() []feature.Feature {
	found, err := feature.Load(os.DirFS("testdata/features"), ".")
	if err != nil {
		panic(err)
	}
	return found
})

// other is a service on the other side: it keeps what it was sent and answers as told.
type other struct {
	URL   string
	close func() // nobody listens any more

	mu     sync.Mutex
	seen   []sent
	answer http.HandlerFunc
}

// sent is a request as the other side got it.
type sent struct {
	method, path string
	header       http.Header
	body         string
}

func newOther(t testing.TB, answer http.HandlerFunc) *other {
	t.Helper()
	o := &other{answer: answer}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.URL, o.close = s.URL, s.Close
	return o
}

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	o.seen = append(o.seen, sent{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	answer := o.answer
	o.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer(w, r)
}

func (o *other) answers(answer http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

func (o *other) requests() []sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]sent(nil), o.seen...)
}

func (o *other) last(t testing.TB) sent {
	t.Helper()
	seen := o.requests()
	require.NotEmpty(t, seen, "the other side was not called")
	return seen[len(seen)-1]
}

func (o *other) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = nil
}

// reply answers with a status and a JSON text.
func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// rig is a stub with a gateway and a CustomersDot beside it.
type rig struct {
	t       testing.TB
	stub    *railsstub.Stub
	clock   *clock.Adjustable
	jobs    *clock.Schedule
	journal *journal.Journal
	faults  *fault.Set
	gateway *other
	portal  *other
	url     string
	client  *http.Client
}

// given is a world of one licensed self-managed instance, acme, and GitLab.com, both at one
// version, with ada on the one and com on the other.
func given(version string) world.World {
	return world.World{
		Now: start,
		Instances: []world.Instance{
			{Name: "acme", Realm: world.SelfManaged, GitLabVersion: version, License: &catalog.License{Kind: catalog.OnlineCloud}},
			{Name: "gitlab", Realm: world.SaaS, GitLabVersion: version},
		},
		Users: []world.User{{Name: "ada", Instance: "acme", ID: 7}, {Name: "com", Instance: "gitlab", ID: 8}},
	}
}

func newRig(t testing.TB, w world.World) *rig {
	t.Helper()
	return newRigAt(t, w, "")
}

// newRigAt takes a gateway of one's own, unless it is empty.
func newRigAt(t testing.TB, w world.World, gateway string) *rig {
	t.Helper()
	require.Empty(t, w.Complete())
	r := &rig{
		t: t, clock: clock.NewFrozen(w.Now), jobs: &clock.Schedule{}, journal: journal.New(0), faults: &fault.Set{},
		gateway: newOther(t, reply(http.StatusOK, `{"extra":"Feature"}`)), portal: newOther(t, reply(http.StatusOK, `{}`)),
	}
	if gateway == "" {
		gateway = r.gateway.URL
	}
	env := stub.Env{
		Clock: r.clock, Journal: r.journal, Faults: r.faults, Random: stub.NewRandom(1), Log: slog.New(slog.DiscardHandler),
	}
	var err error
	r.stub, err = railsstub.New(env, r.jobs, railsstub.Options{
		Keys: tokentest.Pool(), Features: features(), CustomersDotURL: r.portal.URL, GatewayURL: gateway,
		InstanceURL: func(name string) string { return "http://" + name + ".test:3000" },
	})
	require.NoError(t, err)
	require.NoError(t, r.stub.Seed(w))
	server := httptest.NewServer(r.stub.Handler("acme"))
	r.url, r.client = server.URL, server.Client()
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		server.Close()
		r.stub.Close()
	})
	return r
}

// answered is a whole answer.
type answered struct {
	status int
	header http.Header
	body   string
}

// request sends a request to the instance of that name.
func (r *rig) request(method, instance, path, body string, headers ...string) answered {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	require.NoError(r.t, err)
	req.Host = instance + ".test"
	for n := 0; n < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	resp, err := r.client.Do(req)
	require.NoError(r.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return answered{resp.StatusCode, resp.Header, string(text)}
}

// use calls the tutorial's feature as a user.
func (r *rig) use(user string) answered {
	r.t.Helper()
	instance := map[string]string{"ada": "acme", "com": "gitlab"}[user]
	return r.request(http.MethodPost, instance, "/api/v4/new_feature_scope", `{"q":1}`, "Private-Token", "glpat-"+user)
}

// do performs an action of the control plane.
func do[Out any](r *rig, action string, args any) (Out, error) {
	r.t.Helper()
	text, err := json.Marshal(args)
	require.NoError(r.t, err)
	var out Out
	answer, err := r.stub.Actions()[action](context.Background(), text)
	if err == nil {
		out, _ = answer.(Out)
	}
	return out, err
}

func (r *rig) sync(force bool) control.SyncResult {
	r.t.Helper()
	got, err := do[control.SyncResult](r, control.ActionSync, control.SyncRequest{Instance: "acme", Force: force})
	require.NoError(r.t, err)
	return got
}

func (r *rig) stored() control.StoredResult {
	r.t.Helper()
	got, err := do[control.StoredResult](r, control.ActionStored, control.InstanceRequest{Instance: "acme"})
	require.NoError(r.t, err)
	return got
}

// lastEntry is the newest entry of the journal.
func (r *rig) lastEntry() journal.Entry {
	r.t.Helper()
	all := r.journal.Entries(journal.Filter{})
	require.NotEmpty(r.t, all)
	return all[len(all)-1]
}

// walk moves the clock to its new time from job to job, as the engine does.
func (r *rig) walk(d time.Duration) {
	end := r.clock.Now().Add(d)
	for {
		next, ok := r.jobs.Next()
		if !ok || next.After(end) {
			break
		}
		r.clock.Set(next)
		r.jobs.RunDue(r.t.Context(), next)
	}
	r.clock.Set(end)
}

// portalToken signs what CustomersDot would.
func portalToken(t testing.TB, now time.Time, jti string) string {
	t.Helper()
	raw, err := token.Sign(tokentest.Key(t, "customersdot"), token.Claims{
		ID: jti, Issuer: "http://customers.test", Subject: "acme-uuid", Audience: []string{"gitlab-ai-gateway"},
		IssuedAt: now, ExpiresAt: now.Add(72 * time.Hour), Realm: "self-managed", Scopes: []string{"new_feature_scope"},
	}, token.SignOptions{WithKeyID: true})
	require.NoError(t, err)
	return raw
}

// access is CustomersDot's answer with a token and what goes with it.
func access(t testing.TB, raw string, expiresAt any) string {
	t.Helper()
	list := func(addOn string) []string { return []string{addOn} }
	text, err := json.Marshal(map[string]any{"data": map[string]any{"cloudConnectorAccess": map[string]any{
		"serviceToken": map[string]any{"token": raw, "expiresAt": expiresAt},
		"availableServices": []any{
			map[string]any{"name": "new_feature_scope", "serviceStartTime": "2024-02-15T00:00:00Z", "bundledWith": list("duo_pro")},
			map[string]any{"name": "code_suggestions", "serviceStartTime": "2024-02-15T00:00:00Z", "bundledWith": list("duo_pro")},
			map[string]any{"name": "duo_chat", "serviceStartTime": nil, "bundledWith": list("duo_pro")},
		},
		"catalog": map[string]any{"unit_primitives": []any{
			map[string]any{"name": "new_feature_scope", "cut_off_date": "2024-02-15T00:00:00Z", "add_ons": list("duo_pro")},
			map[string]any{"name": "complete_code", "cut_off_date": "2024-02-15T00:00:00Z", "add_ons": []string{"duo_core", "duo_pro"}},
			map[string]any{"name": "duo_chat", "add_ons": list("duo_pro")},
		}},
	}}})
	require.NoError(t, err)
	return string(text)
}

// synced makes acme hold a token for three days.
func (r *rig) synced() {
	r.t.Helper()
	now := r.clock.Now()
	r.portal.answers(reply(http.StatusOK, access(r.t, portalToken(r.t, now, "first"), now.Add(72*time.Hour).Format(time.RFC3339))))
	require.Equal(r.t, control.Succeeded, r.sync(true).Outcome)
	r.portal.forget()
	r.gateway.forget()
}
