package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/world"
)

var noon = time.Date(2024, 2, 15, 12, 0, 0, 0, time.UTC)

// edge is a gateway under test.
type edge struct {
	*gateway.Stub
	url    string
	env    stub.Env
	clock  *clock.Adjustable
	world  world.World
	client *http.Client
}

func newEdge(t testing.TB, o gateway.Options) *edge {
	t.Helper()
	e := &edge{world: world.World{Now: noon}}
	require.Empty(t, e.world.Complete())
	e.env, e.clock = stubtest.Env(e.world)
	ln, err := stub.Listen(t.Context(), gateway.Name, "127.0.0.1:0")
	require.NoError(t, err)
	o.URL = "http://" + ln.Addr().String()
	e.Stub, err = gateway.New(e.env, o)
	require.NoError(t, err)
	require.NoError(t, e.Seed(e.world))
	t.Cleanup(e.Close)
	e.url = serve(t, ln, e.Handler())
	e.client = newClient(t)
	return e
}

func serve(t testing.TB, ln net.Listener, h http.Handler) string {
	t.Helper()
	server := stub.Serve(ln, h, nil, stubLog())
	t.Cleanup(func() { require.NoError(t, server.Close(context.Background())) })
	return server.URL()
}

// newClient is a client with connections of its own.
func newClient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func newOrigin(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// seen is what an origin was asked.
type seen struct {
	Origin, Method, URI, Host, Body string
	Header                          http.Header
}

// mirror answers with what it was asked.
func mirror(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(seen{name, r.Method, r.RequestURI, r.Host, string(body), r.Header})
	}
}

type answer struct {
	*http.Response
	body string
}

func (a answer) seen(t testing.TB) seen {
	t.Helper()
	var s seen
	require.NoError(t, json.Unmarshal([]byte(a.body), &s), a.body)
	return s
}

// send sends a request; header lists names and values in turn.
func (e *edge) send(t testing.TB, method, target string, body io.Reader, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, e.url+target, body)
	require.NoError(t, err)
	for n := 0; n < len(header); n += 2 {
		req.Header.Add(header[n], header[n+1])
	}
	resp, err := e.client.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp, string(text)}
}

// last waits for entry number n of the journal, which is added after the answer was sent.
func (e *edge) last(t testing.TB, n uint64) journal.Entry {
	t.Helper()
	require.Eventually(t, func() bool { return e.env.Journal.Last() >= n }, 5*time.Second, time.Millisecond)
	entries := e.env.Journal.Entries(journal.Filter{After: n - 1})
	require.NotEmpty(t, entries)
	return entries[0]
}

func TestRouting(t *testing.T) {
	fidelity.Proves(t, "gateway/routing/prefix")
	foo, fooV2, ai := newOrigin(t, mirror("foo")), newOrigin(t, mirror("foo/v2")), newOrigin(t, mirror("ai"))
	based := newOrigin(t, mirror("based"))
	e := newEdge(t, gateway.Options{Routes: map[string]string{
		"foo": foo, "foo/v2": fooV2 + "/", "ai": ai, "based": based + "/some%20where/",
		"DuoWorkflow/ExecuteWorkflow": foo, "a.b~c_d-1": foo,
	}})
	for _, c := range []struct{ target, origin, uri string }{
		{"/foo/new_feature_endpoint", "foo", "/new_feature_endpoint"},
		{"/foo", "foo", "/"},
		{"/foo/", "foo", "/"},
		{"/foo?a=1&a=2", "foo", "/?a=1&a=2"},
		{"/foo/x?q=a+b%20c&;bad;&=", "foo", "/x?q=a+b%20c&;bad;&="},
		{"/foo/x?", "foo", "/x?"},
		{"/foo/a%2Fb/c%20d", "foo", "/a%2Fb/c%20d"},
		{"/foo/%C3%BC", "foo", "/%C3%BC"},
		{"/foo//twice", "foo", "//twice"},
		{"/foo/foo/x", "foo", "/foo/x"},
		{"/foo/../ai/x", "foo", "/../ai/x"},
		{"/foo/v2/x", "foo/v2", "/x"},
		{"/foo/v2", "foo/v2", "/"},
		{"/foo/v20/x", "foo", "/v20/x"},
		{"/foo/v2%2Fx", "foo", "/v2%2Fx"},
		{"/ai/v2/code/completions", "ai", "/v2/code/completions"},
		{"/based/x%2Fy", "based", "/some%20where/x%2Fy"},
		{"/based/x", "based", "/some%20where/x"},
		{"/based", "based", "/some%20where"},
		{"/DuoWorkflow/ExecuteWorkflow/x", "foo", "/x"},
		{"/a.b~c_d-1/x", "foo", "/x"},
	} {
		t.Run(c.target, func(t *testing.T) {
			before := e.env.Journal.Last()
			a := e.send(t, http.MethodPost, c.target, strings.NewReader("payload"))
			require.Equal(t, http.StatusOK, a.StatusCode, a.body)
			got := a.seen(t)
			require.Equal(t, c.origin, got.Origin)
			require.Equal(t, c.uri, got.URI)
			require.Equal(t, "payload", got.Body)
			entry := e.last(t, before+1)
			require.Equal(t, http.StatusOK, entry.Status)
			path, _, _ := strings.Cut(c.uri, "?")
			require.True(t, strings.HasSuffix(entry.Upstream, path), entry.Upstream)
			require.True(t, strings.HasPrefix(entry.Upstream, "http://127.0.0.1:"), entry.Upstream)
			require.True(t, strings.HasPrefix(c.target, "/"+entry.Route), entry.Route)
		})
	}
}

func TestUnknownPrefix(t *testing.T) {
	fidelity.Proves(t, "gateway/routing/unknown")
	e := newEdge(t, gateway.Options{Routes: map[string]string{
		"foo": newOrigin(t, mirror("foo")), "ai": newOrigin(t, mirror("ai")),
	}})
	for _, c := range []struct{ target, detail string }{
		{"/foobar/x", `no origin has a prefix of "/foobar/x"; known are /ai, /foo`},
		{"/fo/x", `no origin has a prefix of "/fo/x"; known are /ai, /foo (did you mean "/foo"?)`},
		{"/foo%2Fx", `no origin has a prefix of "/foo/x"; known are /ai, /foo (did you mean "/foo"?)`},
		{"/Foo/x", `no origin has a prefix of "/Foo/x"; known are /ai, /foo (did you mean "/foo"?)`},
		{"/%66oo/x", `no origin has a prefix of "/foo/x"; known are /ai, /foo (did you mean "/foo"?)`},
		{"//foo/x", `no origin has a prefix of "//foo/x"; known are /ai, /foo`},
		{"/", `no origin has a prefix of "/"; known are /ai, /foo`},
	} {
		t.Run(c.target, func(t *testing.T) {
			before := e.env.Journal.Last()
			a := e.send(t, http.MethodGet, c.target, nil)
			require.Equal(t, http.StatusNotFound, a.StatusCode)
			require.Equal(t, "Not Found", a.body)
			require.Equal(t, "text/plain; charset=utf-8", a.Header.Get("Content-Type"))
			entry := e.last(t, before+1)
			require.Equal(t, c.detail, entry.Detail)
			require.Equal(t, stub.NoRoute, entry.Route)
			require.Empty(t, entry.Upstream)
		})
	}
	empty := newEdge(t, gateway.Options{})
	require.Equal(t, http.StatusNotFound, empty.send(t, http.MethodGet, "/foo", nil).StatusCode)
	require.Equal(t, "no origin is known at all", empty.last(t, 1).Detail)
}

func TestConform(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))}})
	stubtest.Conform(t, stubtest.Subject{
		Part: e, Handler: e.Handler(), Env: e.env, World: e.world,
		Service: gateway.Name, UnknownPath: "/nowhere", Dialect: []string{"Not Found"},
	})
	require.Equal(t, []control.Service{{Name: "gateway", Kind: journal.Gateway, URL: e.url}}, e.Services())
}

func TestCloseLetsGoOfOrigins(t *testing.T) {
	closed := make(chan struct{}, 8)
	origin := httptest.NewUnstartedServer(mirror("foo"))
	origin.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	origin.Start()
	t.Cleanup(origin.Close)
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": origin.URL}})
	e.send(t, http.MethodGet, "/foo/x", nil)
	e.Close()
	<-closed
	require.Equal(t, http.StatusOK, e.send(t, http.MethodGet, "/foo/x", nil).StatusCode, "it may be used again")
}

func TestOptionsThatCannotBe(t *testing.T) {
	env, _ := stubtest.Env(world.World{Now: noon})
	origin := "http://127.0.0.1:1"
	for _, c := range []struct {
		name    string
		options gateway.Options
		want    string
	}{
		{"empty prefix", gateway.Options{Routes: map[string]string{"": origin}}, `"" cannot be a path prefix`},
		{"slashes", gateway.Options{Routes: map[string]string{"/foo/": origin}}, `"/foo/" cannot be a path prefix`},
		{"a variable", gateway.Options{Routes: map[string]string{"{x}": origin}}, `"{x}" cannot be a path prefix`},
		{"encoded", gateway.Options{Routes: map[string]string{"f%20o": origin}}, `"f%20o" cannot be a path prefix`},
		{"no scheme", gateway.Options{Routes: map[string]string{"foo": "localhost:80"}}, `the origin of "foo" is "localhost:80"`},
		{"other scheme", gateway.Options{Routes: map[string]string{"foo": "ftp://x"}}, `the origin of "foo" is "ftp://x"`},
		{"query", gateway.Options{Routes: map[string]string{"foo": "http://x?y"}}, `the origin of "foo" is "http://x?y"`},
		{"user", gateway.Options{Routes: map[string]string{"foo": "http://u@x"}}, `the origin of "foo" is "http://u@x"`},
		{"limits", gateway.Options{Limits: gateway.Limits{PerUser: -1, Window: -1}}, "per_user is negative\ngateway limits: window is negative"},
		{"timeout", gateway.Options{OriginTimeout: -time.Second}, "the origin timeout -1s is negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := gateway.New(env, c.options)
			require.ErrorContains(t, err, c.want)
		})
	}
}
