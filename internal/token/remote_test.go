package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

func (w *testWorld) status(name string) IssuerStatus {
	w.t.Helper()
	for _, s := range w.verifier.Keys.Status() {
		if s.Name == name {
			return s
		}
	}
	w.t.Fatalf("no issuer %q", name)
	return IssuerStatus{}
}

func ecJWK(t testing.TB) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	raw, err := json.Marshal(jose.JSONWebKey{Key: &private.PublicKey, KeyID: "ec-key", Use: "sig", Algorithm: "ES256"})
	require.NoError(t, err)
	return string(raw)
}

func jwkJSON(t testing.TB, k *Key, change func(j *JWK)) string {
	t.Helper()
	j := NewJWK(k)
	if change != nil {
		change(&j)
	}
	raw, err := json.Marshal(j)
	require.NoError(t, err)
	return string(raw)
}

func keysJSON(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func TestKeysAreFetchedOnceAndKept(t *testing.T) {
	w := newTestWorld(t)
	require.Equal(t, IssuerStatus{
		Name: "customersdot", URL: w.portal.URL, Identifier: w.portal.URL, KeyIDs: []string{},
	}, w.status("customersdot"), "nothing is fetched before the first use")

	raw := w.mint(testKey(t, "portal"))
	for range 3 {
		_, err := w.verify(raw)
		require.NoError(t, err)
	}
	require.Equal(t, [2]int{1, 1}, w.portal.counts())
	require.Equal(t, [2]int{0, 0}, w.gitlab.counts(), "an issuer that no token names is not asked")
	require.Equal(t, IssuerStatus{
		Name: "customersdot", URL: w.portal.URL, Identifier: w.portal.URL,
		KeyIDs: []string{testKey(t, "portal").ID()}, FetchedAt: testNow, ValidUntil: testNow.Add(24 * time.Hour),
		DiscoveryFetches: 1, KeyFetches: 1,
	}, w.status("customersdot"))

	w.clock.Advance(24*time.Hour - time.Second)
	_, err := w.verify(raw)
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 1}, w.portal.counts())
	w.clock.Advance(time.Second)
	_, err = w.verify(raw)
	require.NoError(t, err)
	require.Equal(t, [2]int{2, 2}, w.portal.counts())

	w.verifier.Keys.Forget()
	require.Empty(t, w.status("customersdot").KeyIDs)
	_, err = w.verify(raw)
	require.NoError(t, err)
	require.Equal(t, [2]int{3, 3}, w.portal.counts())
	require.Equal(t, 3, w.status("customersdot").KeyFetches, "counts outlive Forget")
}

func TestRotationTimeline(t *testing.T) {
	w := newTestWorld(t)
	older, newer := testKey(t, "portal"), testKey(t, "portal-next")
	ring := w.portal.ring
	sign := func() string {
		key, err := ring.Current()
		require.NoError(t, err)
		return w.mint(key)
	}
	first := sign()
	_, err := w.verify(first)
	require.NoError(t, err)

	ring.Create(newer) // published, not signing
	_, err = w.verify(sign())
	require.NoError(t, err)
	require.Equal(t, []string{older.ID()}, w.status("customersdot").KeyIDs, "nobody has asked for the new key yet")

	require.NoError(t, ring.Rotate())
	second := sign()
	v, err := w.verify(second)
	require.NoError(t, err, "an unknown id makes the verifier look again")
	require.Equal(t, newer.ID(), v.KeyID)
	require.Equal(t, [2]int{1, 2}, w.portal.counts(), "the key set only")
	_, err = w.verify(first)
	require.NoError(t, err, "the old key is still published")

	dropped, err := ring.Trim()
	require.NoError(t, err)
	require.Equal(t, older, dropped)
	_, err = w.verify(first)
	require.NoError(t, err, "and trusted until the set is fetched again")
	w.clock.Advance(24 * time.Hour)
	_, err = w.verify(second)
	require.NoError(t, err)
	_, err = w.verify(first)
	require.Contains(t, requireReason(t, UnknownKey, err), newer.ID())
}

func TestUnknownKeyRefetchIsLimited(t *testing.T) {
	w := newTestWorld(t)
	stranger := w.mint(testKey(t, "stranger"))
	refused := func(note string) {
		t.Helper()
		_, err := w.verify(stranger)
		require.Contains(t, requireReason(t, UnknownKey, err), note)
	}
	refused("(keys there: " + testKey(t, "portal").ID() + ")")
	require.Equal(t, [2]int{1, 1}, w.portal.counts(), "a set that was fetched for this very token is new enough")
	refused("; fetched again just now")
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
	refused("; fetched again 0s ago, and at most once in 1m0s")
	w.clock.Advance(59 * time.Second)
	refused("; fetched again 59s ago")
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
	w.clock.Advance(time.Second)
	refused("; fetched again just now")
	require.Equal(t, [2]int{1, 3}, w.portal.counts())
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts(), "only the issuer that the token names is asked again")

	w.portal.serve(nil, answering(503, "text/plain", "down"))
	w.clock.Advance(time.Minute)
	refused("; fetching them again failed: key set of customersdot: " + w.portal.URL + "/oauth/discovery/keys: expected status 200, got 503")
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err, "the old set stays in use")
}

func TestUnknownIssuerCausesNoRefetch(t *testing.T) {
	w := newTestWorld(t)
	for range 3 {
		claims := w.claims()
		claims["iss"] = "https://evil.example"
		_, err := w.verify(w.forge(testKey(t, "stranger"), w.header(testKey(t, "stranger")), claims))
		detail := requireReason(t, UnknownKey, err)
		require.Contains(t, detail, `iss "https://evil.example" is none of them`)
		require.Contains(t, detail, testKey(t, "gitlab").ID())
	}
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())
	require.Equal(t, [2]int{1, 1}, w.portal.counts())
}

func TestKeysInTheHeaderAreNotFollowed(t *testing.T) {
	w := newTestWorld(t)
	stranger := testKey(t, "stranger")
	asked := make(chan string, 10)
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		_, _ = rw.Write(NewKeySet(stranger).JSON())
	}))
	t.Cleanup(evil.Close)
	header := w.header(stranger)
	header["jku"], header["x5u"], header["jwk"] = evil.URL+"/keys", evil.URL+"/cert", NewJWK(stranger)
	_, err := w.verify(w.forge(stranger, header, w.claims()))
	requireReason(t, UnknownKey, err)
	require.Empty(t, asked)
}

func TestIssuerDown(t *testing.T) {
	for name, discovery := range map[string]http.HandlerFunc{
		"closing connections": closing,
		"answering 503":       answering(503, "text/plain", "down"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			raw := w.mint(testKey(t, "portal"))
			w.portal.serve(discovery, nil)

			_, err := w.verify(raw)
			require.Contains(t, requireReason(t, KeysUnavailable, err), "no keys of customersdot ("+w.portal.URL+"): discovery of customersdot:")
			require.NotEmpty(t, w.status("customersdot").Error)
			_, err = w.verify(w.mintSaaS(testKey(t, "gitlab")))
			require.NoError(t, err, "the other issuer is usable")

			asked := w.portal.counts()[0]
			_, err = w.verify(raw)
			requireReason(t, KeysUnavailable, err)
			require.Equal(t, asked, w.portal.counts()[0], "no second try within the pause")

			w.portal.serve(nil, nil)
			w.clock.Advance(time.Second)
			_, err = w.verify(raw)
			require.NoError(t, err)
			require.Empty(t, w.status("customersdot").Error)
		})
	}
}

func TestRefillFailureKeepsTheOldSet(t *testing.T) {
	w := newTestWorld(t)
	sign := func() string { return w.mint(testKey(t, "portal")) }
	_, err := w.verify(sign())
	require.NoError(t, err)
	w.portal.serve(answering(500, "text/plain", ""), nil)
	w.clock.Advance(24 * time.Hour)

	// Tries come after 1, 2, 4, ... and at last every 60 seconds.
	tries := 1
	pause := time.Second
	for range 9 {
		_, err = w.verify(sign())
		require.NoError(t, err)
		require.Equal(t, 1+tries, w.portal.counts()[0])
		w.clock.Advance(pause - time.Millisecond)
		_, err = w.verify(sign())
		require.NoError(t, err)
		require.Equal(t, 1+tries, w.portal.counts()[0], "pause %s", pause)
		w.clock.Advance(time.Millisecond)
		tries++
		pause = min(2*pause, time.Minute)
	}
	require.Contains(t, w.status("customersdot").Error, "expected status 200, got 500")
	require.Equal(t, testNow, w.status("customersdot").FetchedAt)
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()), "an old set is a set")

	w.portal.serve(nil, nil)
	_, err = w.verify(sign())
	require.NoError(t, err)
}

func TestClockSetBack(t *testing.T) {
	w := newTestWorld(t)
	w.portal.serve(closing, nil)
	_, err := w.verify(w.mint(testKey(t, "portal")))
	requireReason(t, KeysUnavailable, err)
	w.portal.serve(nil, nil)
	w.clock.Set(testNow.Add(-48 * time.Hour))
	_, err = w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err, "a pause that lies ahead does not count")
}

func TestPrefetch(t *testing.T) {
	w := newTestWorld(t)
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()))
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()))
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())
	require.Equal(t, [2]int{1, 1}, w.portal.counts())

	w.verifier.Keys.Forget()
	w.portal.serve(nil, answering(200, "application/json", "{}"))
	for range 2 {
		err := w.verifier.Keys.Prefetch(t.Context())
		require.ErrorContains(t, err, "key set of customersdot")
		require.NotContains(t, err.Error(), "gitlab.com")
	}
	w.portal.serve(nil, nil)
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()), "readiness does not wait for the pause to end")
}

func TestBadDocuments(t *testing.T) {
	key := testKey(t, "portal")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	smallJWK, err := json.Marshal(jose.JSONWebKey{Key: &small.PublicKey, KeyID: "small"})
	require.NoError(t, err)
	privateJWK, err := json.Marshal(jose.JSONWebKey{Key: key.private, KeyID: "private"})
	require.NoError(t, err)
	doc := func(issuer, uri string) http.HandlerFunc {
		return answering(200, "application/json", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, uri))
	}
	set := func(keys ...string) http.HandlerFunc {
		return answering(200, "application/json", keysJSON(keys...))
	}
	good := jwkJSON(t, key, nil)

	for _, c := range []struct {
		name      string
		discovery func(self string) http.HandlerFunc
		keySet    http.HandlerFunc
		want      Reason // "" if the good key still works
		text      string // in the recorded error, or in what was skipped
	}{
		{name: "discovery HTML", discovery: func(string) http.HandlerFunc { return answering(200, "text/html; charset=utf-8", "<html>") }, want: KeysUnavailable, text: `expected a JSON object, got 6 bytes of "text/html"`},
		{name: "discovery a list", discovery: func(string) http.HandlerFunc { return answering(200, "application/json", "[]") }, want: KeysUnavailable, text: "expected a JSON object"},
		{name: "discovery 404", discovery: func(string) http.HandlerFunc { return answering(404, "application/json", "{}") }, want: KeysUnavailable, text: "expected status 200, got 404"},
		{name: "discovery of another issuer", discovery: func(string) http.HandlerFunc { return doc("https://gitlab.com", "https://gitlab.com/keys") }, want: KeysUnavailable, text: `got "https://gitlab.com"`},
		{name: "discovery with a slash", discovery: func(self string) http.HandlerFunc { return doc(self+"/", self+"/oauth/discovery/keys") }, want: KeysUnavailable, text: "expected issuer"},
		{name: "discovery without jwks_uri", discovery: func(self string) http.HandlerFunc { return doc(self, "") }, want: KeysUnavailable, text: `expected an absolute jwks_uri, got ""`},
		{name: "discovery with a relative jwks_uri", discovery: func(self string) http.HandlerFunc { return doc(self, "/oauth/discovery/keys") }, want: KeysUnavailable, text: "expected an absolute jwks_uri"},
		{name: "discovery with a file", discovery: func(self string) http.HandlerFunc { return doc(self, "file:///etc/passwd") }, want: KeysUnavailable, text: "expected an absolute jwks_uri"},
		{name: "discovery redirects", discovery: func(self string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery == "" {
					http.Redirect(w, r, self+r.URL.Path+"?again", http.StatusFound)
					return
				}
				doc(self, self+"/oauth/discovery/keys")(w, r)
			}
		}},

		{name: "set 503 with a good body", keySet: answering(503, "application/json", keysJSON(good)), want: KeysUnavailable, text: "expected status 200, got 503"},
		{name: "set HTML", keySet: answering(200, "text/html", "<html>"), want: KeysUnavailable, text: "text/html"},
		{name: "set cut", keySet: answering(200, "application/json", keysJSON(good)[:200]), want: KeysUnavailable, text: "expected a JSON object"},
		{name: "set {}", keySet: answering(200, "application/json", "{}"), want: KeysUnavailable, text: `got no member "keys"`},
		{name: "set with keys null", keySet: answering(200, "application/json", `{"keys":null}`), want: KeysUnavailable, text: `got no member "keys"`},
		{name: "set with keys an object", keySet: answering(200, "application/json", `{"keys":{}}`), want: KeysUnavailable, text: "expected a key set"},
		{name: "set empty", keySet: set(), want: UnknownKey},
		{name: "set too long", keySet: answering(200, "application/json", keysJSON(good)+strings.Repeat(" ", 1<<20)), want: KeysUnavailable, text: "expected at most 1048576 bytes"},
		{name: "set with extra fields", keySet: answering(200, "application/json", `{"x":"y",`+keysJSON(good)[1:])},
		{name: "EC key only", keySet: set(ecJWK(t)), want: KeysUnavailable, text: `no usable key: keys[0]: expected kty "RSA", got "EC" (kid "ec-key")`},
		{name: "EC key first", keySet: set(ecJWK(t), good), text: `keys[0]: expected kty "RSA", got "EC"`},
		{name: "key without kid only", keySet: set(jwkJSON(t, key, func(j *JWK) { j.KeyID = "" })), want: KeysUnavailable, text: "keys[0]: no kid"},
		{name: "key without kid beside", keySet: set(jwkJSON(t, testKey(t, "stranger"), func(j *JWK) { j.KeyID = "" }), good), text: "keys[0]: no kid"},
		{name: "key for encryption", keySet: set(jwkJSON(t, key, func(j *JWK) { j.Use = "enc" })), want: KeysUnavailable, text: `expected use "sig", got "enc"`},
		{name: "key for RS512", keySet: set(jwkJSON(t, key, func(j *JWK) { j.Algorithm = "RS512" })), want: KeysUnavailable, text: `expected alg "RS256"`},
		{name: "key without use and alg", keySet: set(jwkJSON(t, key, func(j *JWK) { j.Use, j.Algorithm = "", "" }))},
		{name: "key without modulus", keySet: set(jwkJSON(t, key, func(j *JWK) { j.Modulus = "" }), good), text: "at least 2048 bits, got 0"},
		{name: "key not base64", keySet: set(jwkJSON(t, key, func(j *JWK) { j.Modulus = "!!" }), good), text: "keys[0]: unreadable RSA key"},
		{name: "private key", keySet: set(string(privateJWK), good), text: "keys[0]: expected a public key"},
		{name: "small key", keySet: set(string(smallJWK), good), text: "of at least 2048 bits, got 1024"},
		{name: "key a number", keySet: set("1", good), text: "keys[0]: not a JSON Web Key"},
		{name: "same kid twice", keySet: set(jwkJSON(t, testKey(t, "stranger"), func(j *JWK) { j.KeyID = key.ID() }), good)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTestWorld(t)
			var discovery http.HandlerFunc
			if c.discovery != nil {
				discovery = c.discovery(w.portal.URL)
			}
			w.portal.serve(discovery, c.keySet)
			_, err := w.verify(w.mint(key))
			status := w.status("customersdot")
			if c.want == "" {
				require.NoError(t, err)
				require.Empty(t, status.Error)
				require.Contains(t, strings.Join(status.Skipped, "\n"), c.text)
			} else {
				require.Contains(t, requireReason(t, c.want, err), c.text)
				require.Contains(t, status.Error, c.text)
			}
			require.NotContains(t, fmt.Sprint(status, err), NewJWK(key).Modulus)
			_, err = w.verify(w.mintSaaS(testKey(t, "gitlab")))
			require.NoError(t, err, "the other issuer is usable")
		})
	}
}

func TestTrailingSlash(t *testing.T) {
	w := newTestWorld(t)
	w.verifier.Keys = w.remote(RemoteOptions{AnySlash: true})
	w.portal.serve(answering(200, "application/json", fmt.Sprintf(`{"issuer":"%[1]s/","jwks_uri":"%[1]s/oauth/discovery/keys"}`, w.portal.URL)), nil)
	for _, iss := range []string{w.portal.URL, w.portal.URL + "/"} {
		claims := w.claims()
		claims["iss"] = iss
		_, err := w.verify(w.forge(testKey(t, "portal"), w.header(testKey(t, "portal")), claims))
		require.NoError(t, err)
	}
}

func TestIdentifierBesideTheURL(t *testing.T) {
	// In a container network an issuer is reached by another name than it calls itself.
	w := newTestWorld(t)
	w.verifier.Keys = NewRemoteKeys(w.clock, nil, []Issuer{
		{Name: "customersdot", URL: w.portal.URL + "/", Identifier: "https://customers.gitlab.com"},
	}, RemoteOptions{})
	w.portal.serve(answering(200, "application/json", fmt.Sprintf(
		`{"issuer":"https://customers.gitlab.com","jwks_uri":%q}`, w.portal.URL+"/oauth/discovery/keys")), nil)
	claims := w.claims()
	claims["iss"] = "https://customers.gitlab.com"
	_, err := w.verify(w.forge(testKey(t, "portal"), w.header(testKey(t, "portal")), claims))
	require.NoError(t, err)
	_, err = w.verify(w.mint(testKey(t, "portal")))
	requireReason(t, WrongIssuer, err)
}

func TestIssuerCannotTakeAnothersKeyID(t *testing.T) {
	w := newTestWorld(t)
	portal, evil := testKey(t, "portal"), testKey(t, "stranger")
	w.gitlab.serve(nil, answering(200, "application/json", keysJSON(jwkJSON(t, evil, func(j *JWK) { j.KeyID = portal.ID() }))))
	forged := func(iss string) string {
		claims := w.claims()
		claims["iss"] = iss
		return w.forge(evil, w.header(portal), claims)
	}
	_, err := w.verify(forged(w.portal.URL))
	requireReason(t, BadSignature, err)
	_, err = w.verify(forged(w.gitlab.URL))
	require.NoError(t, err, "under its own name it may")
	_, err = w.verify(w.mint(portal))
	require.NoError(t, err)
}

func TestTimeoutAndGivingUp(t *testing.T) {
	w := newTestWorld(t)
	release := make(chan struct{})
	w.portal.serve(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, nil)
	t.Cleanup(func() { close(release) })
	w.verifier.Keys = w.remote(RemoteOptions{Timeout: 20 * time.Millisecond})
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.Contains(t, requireReason(t, KeysUnavailable, err), "no answer within 20ms")

	w.verifier.Keys = w.remote(RemoteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.verifier.Verify(ctx, w.mint(testKey(t, "portal")))
	require.Contains(t, requireReason(t, KeysUnavailable, err), "context canceled")
}

func TestConcurrentCallersShareFetches(t *testing.T) {
	w := newTestWorld(t)
	portal, gitlab := w.mint(testKey(t, "portal")), w.mintSaaS(testKey(t, "gitlab"))
	stranger := w.mint(testKey(t, "stranger"))
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := w.verify(portal); err != nil {
				t.Error(err)
			}
			if _, err := w.verify(gitlab); err != nil {
				t.Error(err)
			}
			if _, err := w.verify(stranger); err == nil {
				t.Error("stranger got in")
			}
			w.verifier.Keys.Status()
		})
	}
	wait.Wait()
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
}

func TestConcurrentCallersAllSeeTheNewKey(t *testing.T) {
	w := newTestWorld(t)
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err)
	w.portal.ring.Create(testKey(t, "portal-next"))
	raw := w.mint(testKey(t, "portal-next"))
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := w.verify(raw); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
}

func TestForgetWhileFetching(t *testing.T) {
	w := newTestWorld(t)
	var wait sync.WaitGroup
	for n := range 40 {
		wait.Go(func() {
			if n%4 == 0 {
				w.verifier.Keys.Forget()
				return
			}
			_, err := w.verify(w.mint(testKey(t, "portal")))
			var refusal *Refusal
			if err != nil {
				require.ErrorAs(t, err, &refusal)
			}
		})
	}
	wait.Wait()
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err)
}
