package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

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
			status := w.portalStatus()
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
