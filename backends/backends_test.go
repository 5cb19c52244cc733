package backends_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/backends"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func codeSuggestions() feature.Feature {
	return feature.Feature{Name: "code_suggestions", Backend: feature.Backend{
		Name: "ai", Endpoint: feature.Endpoint{Method: "POST", Path: "/v2/code/completions"},
		Scope: "complete_code", Audience: "gitlab-ai-gateway", Profile: feature.AIGateway, Status: 200,
	}}
}

func TestWhichBackendsThereAre(t *testing.T) {
	elsewhere := on(newFeatureScope(), func(b *feature.Backend) { b.Name, b.URL = "real", "http://127.0.0.1:1" })
	r := newRig(t, newFeatureScope(), codeSuggestions(), elsewhere)
	require.Equal(t, []string{"ai", "foo"}, r.Names())
	require.Equal(t, []control.Service{
		{Name: "ai", Kind: journal.Backend, URL: r.urls["ai"]}, {Name: "foo", Kind: journal.Backend, URL: r.urls["foo"]},
	}, r.Services())
	require.Nil(t, r.Handler("real"))
	require.Nil(t, r.Skew("real"))
	r.Names()[0] = "changed"
	require.Equal(t, []string{"ai", "foo"}, r.Names())
}

func TestConform(t *testing.T) {
	r := newRig(t, newFeatureScope(), codeSuggestions())
	for _, name := range r.Names() {
		t.Run(name, func(t *testing.T) {
			stubtest.Conform(t, stubtest.Subject{
				Part: r, Handler: r.Handler(name), Env: r.env, World: r.world, Service: name,
				UnknownPath: "/nowhere", WrongMethod: "/monitoring/healthz", Guarded: true,
				Dialect: []string{`{"error":"No authorization header presented"}`},
			})
		})
	}
}

func TestDeclaredAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(b *feature.Backend)
		status int
		body   string
		header http.Header
	}{
		{"status and headers", func(b *feature.Backend) {
			b.Status, b.Headers = 201, map[string]string{"x-made-by": "foo", "content-type": "application/vnd.api+json"}
		}, 201, `{"created":1707951600,"extra":"Feature","id":"id"}`, http.Header{"X-Made-By": {"foo"}, "Content-Type": {"application/vnd.api+json"}}},
		{"the same every time", func(b *feature.Backend) { b.Reply = []any{"a", 1, nil} }, 200, `["a",1,null]`, nil},
		{"variables", func(b *feature.Backend) { b.Reply = "at ${now.rfc3339} in ${request.id}" }, 200, `"at 2024-02-14T23:00:00Z in call-1"`, nil},
		{"nothing", func(b *feature.Backend) { b.Reply = nil }, 200, `null`, nil},
		{"no content", func(b *feature.Backend) { b.Status = 204 }, 204, ``, nil},
		{"stream", func(b *feature.Backend) {
			b.Reply, b.Stream = nil, []string{"data: ${now.unix}\n\n", "data: done\n\n"}
		}, 200, "data: 1707951600\n\ndata: done\n\n", http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, on(newFeatureScope(), c.change))
			for range 2 { // the first must not spoil the second
				a := r.send(t, r.good(t))
				require.Equal(t, c.status, a.StatusCode)
				require.Equal(t, c.body, a.body)
				for name, values := range c.header {
					require.Equal(t, values, a.Header[name], name)
				}
			}
		})
	}
}

func TestAStreamComesInPieces(t *testing.T) {
	r := newRig(t, on(newFeatureScope(), func(b *feature.Backend) { b.Reply, b.Stream = nil, []string{"one\n", "two\n"} }))
	c := r.good(t)
	req, err := http.NewRequestWithContext(t.Context(), c.method, r.urls["foo"]+c.path, strings.NewReader(c.body))
	require.NoError(t, err)
	req.Header = c.header
	req.Header.Set("Authorization", "Bearer "+sign(t, c))
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, []string{"chunked"}, resp.TransferEncoding)
	lines := bufio.NewScanner(resp.Body)
	require.True(t, lines.Scan() && lines.Text() == "one")
	require.True(t, lines.Scan() && lines.Text() == "two")
	require.False(t, lines.Scan())
}

func TestSeveralFeaturesOfOneBackend(t *testing.T) {
	second := on(newFeatureScope(), func(b *feature.Backend) {
		b.Endpoint, b.Scope, b.Reply = feature.Endpoint{Method: "GET", Path: "/new_feature_endpoint"}, "other_scope", "second"
	})
	second.Name = "second"
	third := on(newFeatureScope(), func(b *feature.Backend) {
		b.Endpoint, b.Scope, b.Reply = feature.Endpoint{Method: "GET", Path: "/monitoring/healthz"}, "third_scope", "third"
	})
	third.Name = "third"
	fourth := on(newFeatureScope(), func(b *feature.Backend) {
		b.Endpoint, b.Reply = feature.Endpoint{Method: "PUT", Path: "/items/{id}"}, "fourth"
	})
	fourth.Name = "fourth"
	r := newRig(t, newFeatureScope(), second, third, fourth)
	ask := func(method, path string) answer {
		c := r.good(t)
		c.method, c.path = method, path
		return r.send(t, c)
	}
	require.Equal(t, "new_feature_scope", ask("POST", "/new_feature_endpoint").entry.Route)
	require.Equal(t, "second", ask("GET", "/new_feature_endpoint").entry.Route)
	require.Equal(t, "GET, POST", ask("DELETE", "/new_feature_endpoint").Header.Get("Allow"))
	require.Equal(t, `{"detail":"Unauthorized to access third_scope"}`, ask("GET", "/monitoring/healthz").body, "a feature's path is the feature's")
	require.Equal(t, `"fourth"`, ask("PUT", "/items/7").body)
	require.Equal(t, "PUT", ask("GET", "/items/7").Header.Get("Allow"))
}

func do(t testing.TB, r *rig, action string, args any) (any, error) {
	t.Helper()
	text, err := json.Marshal(args)
	require.NoError(t, err)
	return r.Actions()[action](t.Context(), text)
}

func TestRestart(t *testing.T) {
	r := newRig(t, newFeatureScope(), codeSuggestions())
	fetches := func() int64 {
		require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
		return r.cdot.Fetches()
	}
	require.Equal(t, int64(1), fetches())
	require.Equal(t, int64(1), fetches())
	_, err := do(t, r, control.ActionRestart, control.RestartRequest{Service: "foo"})
	require.NoError(t, err)
	require.Equal(t, int64(2), fetches())
	_, err = do(t, r, control.ActionRestart, control.RestartRequest{})
	require.NoError(t, err)
	require.Equal(t, int64(3), fetches())
	_, err = do(t, r, control.ActionRestart, control.RestartRequest{Service: "ai"})
	require.NoError(t, err)
	require.Equal(t, int64(3), fetches(), "each backend has a cache of its own")
	require.NoError(t, r.Seed(r.world))
	require.Equal(t, int64(4), fetches())

	for action, args := range map[string]any{
		control.ActionRestart:    control.RestartRequest{Service: "gateway"},
		control.ActionSign:       control.SignRequest{Service: "foo"},
		control.ActionRotateKeys: control.KeysRequest{Service: "customersdot", Step: "list"},
	} {
		_, err := do(t, r, action, args)
		require.ErrorIs(t, err, control.ErrNotHere, action)
	}
	for action, args := range map[string]any{
		control.ActionSign:       control.SignRequest{Service: "ai"},
		control.ActionRotateKeys: control.KeysRequest{Service: "ai", Step: "list"},
	} {
		_, err := do(t, r, action, args)
		require.NoError(t, err, action)
	}
}

func TestReplyThatJSONCannotHold(t *testing.T) {
	env, _ := stubtest.Env(newRig(t).world)
	_, err := backends.New(env, backends.Options{Keys: tokentest.Pool(), Features: []feature.Feature{
		on(newFeatureScope(), func(b *feature.Backend) { b.Reply = func() {} }),
	}})
	require.ErrorContains(t, err, `backend "foo": : the reply of feature "new_feature_scope"`)
}

func TestManyAtOnceWhileSeedingAndRestarting(t *testing.T) {
	r := newRig(t, newFeatureScope(), codeSuggestions())
	c := r.good(t)
	bearer := "Bearer " + sign(t, c)
	const workers, calls = 8, 25
	done := make(chan error, workers)
	for range workers {
		go func() {
			for range calls {
				req, err := http.NewRequestWithContext(t.Context(), c.method, r.urls["foo"]+c.path, strings.NewReader(c.body))
				if err != nil {
					done <- err
					return
				}
				req.Header = c.header.Clone()
				req.Header.Set("Authorization", bearer)
				resp, err := r.client.Do(req)
				if err != nil {
					done <- err
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				// A restart under way may take the keys away from under a call.
				if err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
					done <- errors.Join(err, errors.New(resp.Status))
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		require.NoError(t, r.Seed(r.world))
		_, err := do(t, r, control.ActionRestart, control.RestartRequest{})
		require.NoError(t, err)
		require.NoError(t, <-done)
	}
}
