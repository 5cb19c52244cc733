package token

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
)

const (
	testAudience = "gitlab-ai-gateway"
	testScope    = "new_feature_scope"
	testInstance = "8f6e4253-58ce-42b9-869c-97f5c2287ad2"
	testUser     = "7c1a5f4e0d"
)

var (
	testNow  = time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)
	testPool = &Pool{keys: map[string]*poolEntry{}}
)

// testKey returns the key called name, the same in all tests.
func testKey(t testing.TB, name string) *Key {
	t.Helper()
	key, err := testPool.Get(name)
	require.NoError(t, err)
	return key
}

// testIssuer serves discovery and a key set, or what a test puts in their place.
type testIssuer struct {
	*httptest.Server
	ring *Keyring

	mu          sync.Mutex
	discovery   http.HandlerFunc
	keySet      http.HandlerFunc
	discoveries int
	fetches     int
}

func newTestIssuer(t testing.TB, rows ...*Key) *testIssuer {
	t.Helper()
	i := &testIssuer{ring: NewKeyring(rows...)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		i.answer(w, r, &i.discoveries, &i.discovery, func() string {
			return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/oauth/discovery/keys")
		})
	})
	mux.HandleFunc("GET /oauth/discovery/keys", func(w http.ResponseWriter, r *http.Request) {
		i.answer(w, r, &i.fetches, &i.keySet, func() string { return string(i.ring.KeySet().JSON()) })
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *testIssuer) answer(w http.ResponseWriter, r *http.Request, count *int, instead *http.HandlerFunc, body func() string) {
	i.mu.Lock()
	*count++
	handler := *instead
	i.mu.Unlock()
	if handler != nil {
		handler(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(body()))
}

// serve replaces the discovery document and the key set; nil restores the good one.
func (i *testIssuer) serve(discovery, keySet http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.discovery, i.keySet = discovery, keySet
}

// counts says how many requests came: discovery, key set.
func (i *testIssuer) counts() [2]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return [2]int{i.discoveries, i.fetches}
}

func answering(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func closing(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// testWorld is a GitLab.com and a CustomersDot, and a backend that trusts both.
type testWorld struct {
	t        testing.TB
	clock    *clock.Adjustable
	gitlab   *testIssuer
	portal   *testIssuer
	verifier *Verifier
}

func newTestWorld(t testing.TB) *testWorld {
	t.Helper()
	w := &testWorld{
		t:      t,
		clock:  clock.NewFrozen(testNow),
		gitlab: newTestIssuer(t, testKey(t, "gitlab")),
		portal: newTestIssuer(t, testKey(t, "portal")),
	}
	w.verifier = &Verifier{
		Keys:     w.remote(RemoteOptions{}),
		Audience: testAudience,
		Clock:    w.clock,
		Local:    []LocalIssuer{{Name: testAudience, Keys: []*Key{testKey(t, "own")}}},
	}
	return w
}

func (w *testWorld) remote(o RemoteOptions) *RemoteKeys {
	return NewRemoteKeys(w.clock, nil, []Issuer{
		{Name: "gitlab.com", URL: w.gitlab.URL}, {Name: "customersdot", URL: w.portal.URL},
	}, o)
}

// claims are those of a good token of CustomersDot, issued now.
func (w *testWorld) claims() map[string]any {
	now := w.clock.Now()
	return map[string]any{
		"jti": "a0d5a0a2-5b0c-4f1c-8f2e-0f5a3f6a7b11", "aud": testAudience, "sub": testInstance, "iss": w.portal.URL,
		"iat": now.Unix(), "nbf": now.Unix() - 5, "exp": now.Unix() + 3*24*3600,
		"gitlab_realm": "self-managed", "scopes": []string{testScope, "other_scope"},
	}
}

func (w *testWorld) header(k *Key) map[string]any {
	return map[string]any{"alg": "RS256", "typ": "JWT", "kid": k.ID()}
}

func (w *testWorld) forge(k *Key, header, claims map[string]any) string {
	w.t.Helper()
	raw, err := Forge(k, header, claims)
	require.NoError(w.t, err)
	return raw
}

// mint signs a good token of CustomersDot with k.
func (w *testWorld) mint(k *Key) string {
	w.t.Helper()
	return w.forge(k, w.header(k), w.claims())
}

// mintSaaS signs a good token of GitLab.com with k.
func (w *testWorld) mintSaaS(k *Key) string {
	w.t.Helper()
	claims := w.claims()
	claims["iss"], claims["gitlab_realm"] = w.gitlab.URL, "saas"
	return w.forge(k, w.header(k), claims)
}

func (w *testWorld) verify(raw string) (*Verified, error) {
	return w.verifier.Verify(w.t.Context(), raw)
}

// requireReason asserts a refusal and returns its detail.
func requireReason(t testing.TB, want Reason, err error) string {
	t.Helper()
	var refusal *Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, want, refusal.Reason, refusal.Detail)
	require.NotEmpty(t, refusal.Detail)
	return refusal.Detail
}
