package token

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

// gatewayStep is one call of a key source row, or a change between two calls.
type gatewayStep struct {
	who    string // whose token: saas, self-managed, second (a second key of GitLab); "" for none
	status int
	reason Reason
	change func(w *testWorld)
}

func TestAIGatewayKeySources(t *testing.T) {
	fidelity.Proves(t, "aigateway/keys/partial-set")
	saas := func(status int, reason Reason) gatewayStep { return gatewayStep{"saas", status, reason, nil} }
	selfManaged := func(status int, reason Reason) gatewayStep {
		return gatewayStep{"self-managed", status, reason, nil}
	}
	change := func(f func(w *testWorld)) gatewayStep { return gatewayStep{change: f} }
	gitlabKeys := func(body func(t testing.TB, good string) string) func(w *testWorld) {
		return func(w *testWorld) {
			good := jwkJSON(w.t, testKey(w.t, "gitlab"), nil)
			w.gitlab.serve(nil, answering(200, "application/json", body(w.t, good)))
		}
	}
	discovery := func(handler http.HandlerFunc) func(w *testWorld) {
		return func(w *testWorld) { w.gitlab.serve(handler, nil) }
	}
	plain := func(body string) func(testing.TB, string) string {
		return func(testing.TB, string) string { return body }
	}

	for _, c := range []struct {
		name    string
		options AIGatewayKeysOptions
		prepare func(w *testWorld)
		steps   []gatewayStep
		fetches [4]int // discovery and keys of GitLab, then of CustomersDot
	}{
		{
			name:    "both issuers up",
			steps:   []gatewayStep{saas(200, ""), selfManaged(200, ""), saas(200, ""), selfManaged(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "CustomersDot closes connections at first use",
			prepare: func(w *testWorld) { w.portal.serve(closing, nil) },
			steps: []gatewayStep{
				saas(200, ""), selfManaged(401, KeysUnavailable),
				change(func(w *testWorld) { w.portal.serve(nil, nil) }), selfManaged(401, KeysUnavailable),
			},
			fetches: [4]int{1, 1, 1, 0},
		},
		{
			name:    "GitLab closes connections at first use",
			prepare: discovery(closing),
			steps:   []gatewayStep{saas(401, KeysUnavailable), selfManaged(200, ""), saas(401, KeysUnavailable)},
			fetches: [4]int{1, 0, 1, 1},
		},
		{
			name:    "both close connections, then come back",
			prepare: func(w *testWorld) { w.gitlab.serve(closing, nil); w.portal.serve(closing, nil) },
			steps: []gatewayStep{
				saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable),
				change(func(w *testWorld) { w.gitlab.serve(nil, nil); w.portal.serve(nil, nil) }), saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable),
			},
			fetches: [4]int{1, 0, 1, 0},
		},
		{
			name: "CustomersDot down after the set is cached",
			steps: []gatewayStep{
				saas(200, ""), selfManaged(200, ""), change(func(w *testWorld) { w.portal.serve(closing, closing) }), selfManaged(200, ""),
			},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name: "signing key replaced in key set after caching",
			steps: []gatewayStep{
				saas(200, ""), change(func(w *testWorld) { w.gitlab.ring.Replace(testKey(w.t, "gitlab-next")) }),
				{"second", 401, UnknownKey, nil},
				saas(200, ""),
			},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "second key published before first use, signs with either",
			prepare: func(w *testWorld) { w.gitlab.ring.Create(testKey(w.t, "gitlab-next")) },
			steps:   []gatewayStep{saas(200, ""), {"second", 200, "", nil}},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name: "a key without kid in GitLab key set",
			prepare: gitlabKeys(func(t testing.TB, _ string) string {
				return keysJSON(jwkJSON(t, testKey(t, "gitlab"), func(j *JWK) { j.KeyID = "" }))
			}),
			steps:   []gatewayStep{saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "EC key before the RSA key",
			prepare: gitlabKeys(func(t testing.TB, good string) string { return keysJSON(ecJWK(t), good) }),
			steps:   []gatewayStep{saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "EC key after the RSA key",
			prepare: gitlabKeys(func(t testing.TB, good string) string { return keysJSON(good, ecJWK(t)) }),
			steps:   []gatewayStep{saas(200, ""), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "empty key set at GitLab",
			prepare: gitlabKeys(plain(`{"keys":[]}`)),
			steps:   []gatewayStep{saas(401, UnknownKey), selfManaged(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "key set is {}",
			prepare: gitlabKeys(plain(`{}`)),
			steps:   []gatewayStep{saas(401, KeysUnavailable), selfManaged(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "key set with an extra top-level field",
			prepare: gitlabKeys(func(_ testing.TB, good string) string { return `{"x":"y",` + keysJSON(good)[1:] }),
			steps:   []gatewayStep{saas(200, ""), selfManaged(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "discovery without jwks_uri",
			prepare: discovery(answering(200, "application/json", `{"issuer":"x"}`)),
			steps:   []gatewayStep{saas(401, KeysUnavailable), selfManaged(200, "")},
			fetches: [4]int{1, 0, 1, 1},
		},
		{
			name: "key set answers 503 with a good body",
			prepare: func(w *testWorld) {
				w.gitlab.serve(nil, answering(503, "application/json", keysJSON(jwkJSON(w.t, testKey(w.t, "gitlab"), nil))))
			},
			steps:   []gatewayStep{saas(200, ""), selfManaged(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "discovery answers 200 with HTML",
			prepare: discovery(answering(200, "text/html", "<html>")),
			steps:   []gatewayStep{saas(401, KeysUnavailable), selfManaged(200, "")},
			fetches: [4]int{1, 0, 1, 1},
		},
		{
			name: "issuer in discovery is another",
			prepare: func(w *testWorld) {
				w.gitlab.serve(answering(200, "application/json", fmt.Sprintf(`{"issuer":"https://x","jwks_uri":%q}`, w.gitlab.URL+"/oauth/discovery/keys")), nil)
			},
			steps:   []gatewayStep{saas(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name: "key set redirects",
			prepare: func(w *testWorld) {
				good := keysJSON(jwkJSON(w.t, testKey(w.t, "gitlab"), nil))
				other := newTestIssuer(w.t)
				other.serve(nil, answering(200, "application/json", good))
				w.gitlab.serve(nil, func(rw http.ResponseWriter, r *http.Request) {
					http.Redirect(rw, r, other.URL+"/oauth/discovery/keys", http.StatusFound)
				})
			},
			steps:   []gatewayStep{saas(200, "")},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "GitLab takes too long to answer",
			options: AIGatewayKeysOptions{Timeout: 50 * time.Millisecond},
			prepare: discovery(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			steps:   []gatewayStep{saas(401, KeysUnavailable), selfManaged(200, "")},
			fetches: [4]int{1, 0, 1, 1},
		},
		{
			name: "the set is fetched again after 24 hours",
			steps: []gatewayStep{
				saas(200, ""), change(func(w *testWorld) {
					w.gitlab.ring.Replace(testKey(w.t, "gitlab-next"))
					w.clock.Advance(24*time.Hour - time.Second)
				}),
				{"second", 401, UnknownKey, nil},
				change(func(w *testWorld) { w.clock.Advance(time.Second) }),
				{"second", 200, "", nil},
				saas(401, UnknownKey),
			},
			fetches: [4]int{2, 2, 2, 2},
		},
		{
			name: "an issuer down at the refill is lost for 24 hours",
			steps: []gatewayStep{
				saas(200, ""), selfManaged(200, ""),
				change(func(w *testWorld) { w.portal.serve(closing, nil); w.clock.Advance(24 * time.Hour) }),
				selfManaged(401, KeysUnavailable), saas(200, ""),
			},
			fetches: [4]int{2, 2, 2, 1},
		},
		{
			name:    "later versions keep the old set",
			options: AIGatewayKeysOptions{KeepOldSet: true},
			steps: []gatewayStep{
				saas(200, ""), selfManaged(200, ""),
				change(func(w *testWorld) { w.portal.serve(closing, nil); w.clock.Advance(24 * time.Hour) }),
				selfManaged(200, ""), saas(200, ""),
			},
			fetches: [4]int{2, 2, 3, 1},
		},
		{
			name:    "later versions without an old set",
			options: AIGatewayKeysOptions{KeepOldSet: true},
			prepare: func(w *testWorld) { w.portal.serve(closing, nil) },
			steps:   []gatewayStep{saas(200, ""), selfManaged(401, KeysUnavailable)},
			fetches: [4]int{1, 1, 2, 0},
		},
		{
			name:    "key set with keys null",
			prepare: gitlabKeys(plain(`{"keys":null}`)),
			steps:   []gatewayStep{saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "key set a list",
			prepare: gitlabKeys(plain(`[]`)),
			steps:   []gatewayStep{saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "key set of numbers",
			prepare: gitlabKeys(plain(`{"keys":[1]}`)),
			steps:   []gatewayStep{saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 1, 1, 1},
		},
		{
			name:    "discovery null",
			prepare: discovery(answering(200, "application/json", "null")),
			steps:   []gatewayStep{saas(500, KeysUnavailable), selfManaged(500, KeysUnavailable)},
			fetches: [4]int{1, 0, 1, 1},
		},
		{
			name:    "own keys survive what loses the issuers",
			options: AIGatewayKeysOptions{Local: []*Key{testKey(t, "own"), nil}},
			prepare: gitlabKeys(plain(`[]`)),
			steps:   []gatewayStep{saas(401, KeysUnavailable), {"own", 200, "", nil}},
			fetches: [4]int{1, 1, 1, 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTestWorld(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			v := w.gatewayVerifier(c.options)
			for n, step := range c.steps {
				if step.change != nil {
					step.change(w)
					continue
				}
				verdict := v.Check(t.Context(), gatewayHeaders(w, step.who), testScope)
				require.Equal(t, step.status, verdict.Status, "step %d: %+v", n, verdict)
				require.Equal(t, step.reason, verdict.Reason, "step %d: %+v", n, verdict)
				switch step.status {
				case 401:
					require.Equal(t, "Forbidden by auth provider", verdict.Says)
					require.Equal(t, "JWTError: Signature verification failed.", verdict.Log)
				case 500:
					require.Equal(t, "Internal Server Error", verdict.Says)
				}
			}
			gitlab, portal := w.gitlab.counts(), w.portal.counts()
			require.Equal(t, c.fetches, [4]int{gitlab[0], gitlab[1], portal[0], portal[1]})
			for n, s := range v.Keys.Status() {
				require.Equal(t, c.fetches[2*n:2*n+2], []int{s.DiscoveryFetches, s.KeyFetches})
			}
		})
	}
}

// gatewayHeaders are those of a good call.
func gatewayHeaders(w *testWorld, who string) http.Header {
	w.t.Helper()
	claims := w.claims()
	realm, key := "saas", testKey(w.t, "gitlab")
	claims["iss"] = w.gitlab.URL
	switch who {
	case "self-managed":
		realm, key, claims["iss"] = "self-managed", testKey(w.t, "portal"), w.portal.URL
	case "second":
		key = testKey(w.t, "gitlab-next")
	case "own":
		key, claims["iss"], claims["sub"] = testKey(w.t, "own"), testAudience, testUser
	}
	claims["gitlab_realm"] = realm
	return http.Header{
		"Authorization": {"Bearer " + w.forge(key, w.header(key), claims)}, AuthTypeHeader: {"oidc"},
		RealmHeader: {realm}, InstanceHeader: {testInstance}, UserHeader: {testUser},
	}
}

func TestAIGatewayDropsThePathOfAnIssuer(t *testing.T) {
	w := newTestWorld(t)
	v := w.gatewayVerifier(AIGatewayKeysOptions{})
	v.Keys = NewAIGatewayKeys(w.clock, nil, []Issuer{
		{Name: "gitlab.com", URL: w.gitlab.URL + "/gitlab"}, {Name: "customersdot", URL: w.portal.URL + "/a/b/"},
	}, AIGatewayKeysOptions{})
	require.True(t, v.Check(t.Context(), gatewayHeaders(w, "saas"), testScope).OK())
	require.True(t, v.Check(t.Context(), gatewayHeaders(w, "self-managed"), testScope).OK())
}

func TestAIGatewayKeysStatus(t *testing.T) {
	w := newTestWorld(t)
	v := w.gatewayVerifier(AIGatewayKeysOptions{})
	require.Empty(t, v.Keys.Status()[0].KeyIDs)
	w.portal.serve(answering(200, "text/html", "<html>"), nil)
	err := v.Keys.Prefetch(t.Context())
	require.ErrorContains(t, err, "keys of customersdot: "+w.portal.URL)
	require.ErrorContains(t, err, "expected JSON: Expecting value: line 1 column 1 (char 0)")
	status := v.Keys.Status()
	require.Equal(t, IssuerStatus{
		Name: "gitlab.com", URL: w.gitlab.URL, Identifier: w.gitlab.URL, KeyIDs: []string{testKey(t, "gitlab").ID()},
		FetchedAt: testNow, ValidUntil: testNow.Add(24 * time.Hour), DiscoveryFetches: 1, KeyFetches: 1,
	}, status[0])
	require.Contains(t, status[1].Error, "expected JSON")

	w.portal.serve(nil, nil)
	require.Error(t, v.Keys.Prefetch(t.Context()), "the part is kept for 24 hours")
	v.Keys.Forget()
	require.NoError(t, v.Keys.Prefetch(t.Context()), "or until a restart")
}

func TestAIGatewayUserTokens(t *testing.T) {
	w := newTestWorld(t)
	v := w.gatewayVerifier(AIGatewayKeysOptions{Local: []*Key{testKey(t, "own")}})
	h := gatewayHeaders(w, "own")
	user, verdict := v.Authenticate(t.Context(), h)
	require.Equal(t, Verdict{Status: 200}, verdict)
	require.True(t, user.Own)
	require.True(t, user.Can(testScope).OK())
	refused := user.Can(testScope, testAudience)
	require.Equal(t, 403, refused.Status)
	require.Equal(t, UserTokenNotAllowed, refused.Reason)
	require.Equal(t, MissingScope, user.Can("another_scope").Reason)

	h.Set(UserHeader, "somebody")
	user, verdict = v.Authenticate(t.Context(), h)
	require.Nil(t, user)
	require.Equal(t, UserMismatch, verdict.Reason)
}

func TestAIGatewayTokenIsGoodInTheSecondOfItsExpiry(t *testing.T) {
	fidelity.Proves(t, "verifier/expiry/last-second")
	w := newTestWorld(t)
	v := w.gatewayVerifier(AIGatewayKeysOptions{})
	h := gatewayHeaders(w, "saas")
	w.clock.Advance(72*time.Hour + 999*time.Millisecond)
	require.True(t, v.Check(t.Context(), h, testScope).OK())
	w.clock.Advance(time.Millisecond)
	require.Equal(t, Expired, v.Check(t.Context(), h, testScope).Reason)
}

func TestAIGatewayConcurrently(t *testing.T) {
	w := newTestWorld(t)
	v := w.gatewayVerifier(AIGatewayKeysOptions{})
	h := gatewayHeaders(w, "saas")
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if verdict := v.Check(t.Context(), h, testScope); !verdict.OK() {
				t.Errorf("%+v", verdict)
			}
			v.Keys.Status()
		})
	}
	wait.Wait()
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v.Keys.Forget()
	w.gitlab.serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil)
	v.Keys.options.Timeout = 50 * time.Millisecond
	require.Equal(t, KeysUnavailable, v.Check(ctx, h, testScope).Reason)
}
