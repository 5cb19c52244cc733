package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestVerifyGoodTokens(t *testing.T) {
	w := newTestWorld(t)
	t.Run("of CustomersDot", func(t *testing.T) {
		v, err := w.verify(w.mint(testKey(t, "portal")))
		require.NoError(t, err)
		require.Equal(t, "customersdot", v.Issuer)
		require.Equal(t, testKey(t, "portal").ID(), v.KeyID)
		require.False(t, v.Own)
		require.Equal(t, Claims{
			ID: "a0d5a0a2-5b0c-4f1c-8f2e-0f5a3f6a7b11", Issuer: w.portal.URL, Subject: testInstance,
			Audience: []string{testAudience}, AudienceAsString: true,
			IssuedAt: testNow, NotBefore: testNow.Add(-5 * time.Second), ExpiresAt: testNow.Add(72 * time.Hour),
			Realm: "self-managed", Scopes: []string{testScope, "other_scope"},
		}, v.Claims)
	})
	t.Run("of GitLab.com", func(t *testing.T) {
		v, err := w.verify(w.mintSaaS(testKey(t, "gitlab")))
		require.NoError(t, err)
		require.Equal(t, "gitlab.com", v.Issuer)
	})
	t.Run("without kid, as old issuers sign", func(t *testing.T) {
		v, err := w.verify(w.forge(testKey(t, "portal"), map[string]any{"alg": "RS256", "typ": "JWT"}, w.claims()))
		require.NoError(t, err)
		require.Equal(t, "customersdot", v.Issuer)
		require.Equal(t, testKey(t, "portal").ID(), v.KeyID)
	})
	t.Run("of the service itself", func(t *testing.T) {
		claims := w.claims()
		claims["iss"], claims["sub"] = testAudience, testUser
		for _, header := range []map[string]any{{"alg": "RS256", "typ": "JWT"}, w.header(testKey(t, "own"))} {
			v, err := w.verify(w.forge(testKey(t, "own"), header, claims))
			require.NoError(t, err)
			require.True(t, v.Own)
			require.Equal(t, testAudience, v.Issuer)
			requireReason(t, UserTokenNotAllowed, v.RefuseOwn())
		}
	})
	t.Run("of 16 KiB", func(t *testing.T) {
		claims := w.claims()
		claims["extra"] = strings.Repeat("x", 12<<10)
		v, err := w.verify(w.forge(testKey(t, "portal"), w.header(testKey(t, "portal")), claims))
		require.NoError(t, err)
		require.Len(t, v.Claims.Extra["extra"], 12<<10)
		require.NoError(t, v.RefuseOwn())
	})
}

func TestVerifyRefusesOneSpoiltThing(t *testing.T) {
	fidelity.Proves(t,
		"verifier/strict/issuer", "verifier/strict/audience", "verifier/strict/expiry",
		"verifier/strict/key", "verifier/strict/algorithm", "verifier/strict/form",
	)
	w := newTestWorld(t)
	key := testKey(t, "portal")
	header := func(change func(h map[string]any)) string {
		h := w.header(key)
		change(h)
		return w.forge(key, h, w.claims())
	}
	claim := func(name string, value any) string {
		c := w.claims()
		c[name] = value
		return w.forge(key, w.header(key), c)
	}
	without := func(name string) string {
		c := w.claims()
		delete(c, name)
		return w.forge(key, w.header(key), c)
	}
	good := w.mint(key)
	parts := strings.Split(good, ".")
	payload := func(text string) string {
		head, err := json.Marshal(w.header(key))
		require.NoError(t, err)
		raw, err := ForgeBytes(key, head, []byte(text))
		require.NoError(t, err)
		return raw
	}
	hs256 := func(secret []byte) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(w.claims()))
		token.Header["kid"] = key.ID()
		raw, err := token.SignedString(secret)
		require.NoError(t, err)
		return raw
	}
	stranger := testKey(t, "stranger")
	now := testNow.Unix()

	for _, c := range []struct {
		name   string
		raw    string
		want   Reason
		detail string // a part of it
	}{
		{"empty", "", NoToken, "empty"},
		{"one segment", "abc", Malformed, "expected 3 segments, got 1"},
		{"four segments", good + ".e30", Malformed, "expected 3 segments, got 4"},
		{"header not base64", "!." + parts[1] + "." + parts[2], Malformed, "header is not base64url"},
		{"payload padded", parts[0] + "." + parts[1] + "==." + parts[2], Malformed, "payload is not base64url"},
		{"signature not base64", parts[0] + "." + parts[1] + ".+/+", Malformed, "signature is not base64url"},
		{"line break inside", parts[0] + "." + parts[1] + "\n." + parts[2], Malformed, "line break"},
		{"payload a list", payload(`[]`), Malformed, "payload is not a JSON object"},
		{"payload null", payload(`null`), Malformed, "payload is not a JSON object"},
		{"payload cut", payload(`{"iss":"a"`), Malformed, "payload is not a JSON object"},
		{"payload not UTF-8", payload("{\"iss\":\"\xff\"}"), Malformed, "payload is not UTF-8"},
		{"payload with bom", payload("\ufeff{}"), Malformed, "payload is not a JSON object"},
		{"payload and more", payload(`{}{}`), Malformed, "after top-level value"},
		{"claim twice", payload(`{"scopes":[],"scopes":["new_feature_scope"]}`), Malformed, `member "scopes" occurs twice`},
		{"deep nesting", payload(`{"a":` + strings.Repeat("[", 12000) + strings.Repeat("]", 12000) + `}`), Malformed, ""},
		{"too long", claim("extra", strings.Repeat("x", MaxSize)), Malformed, "expected a token of at most 24576 bytes"},

		{"alg none, unsigned", w.forge(nil, map[string]any{"alg": "none", "kid": key.ID()}, w.claims()), WrongAlgorithm, `got "none"`},
		{"alg none, good signature", header(func(h map[string]any) { h["alg"] = "none" }), WrongAlgorithm, `got "none"`},
		{"alg absent", header(func(h map[string]any) { delete(h, "alg") }), WrongAlgorithm, "got none"},
		{"alg lower case", header(func(h map[string]any) { h["alg"] = "rs256" }), WrongAlgorithm, `got "rs256"`},
		{"alg RS512", header(func(h map[string]any) { h["alg"] = "RS512" }), WrongAlgorithm, `got "RS512"`},
		{"alg a list", header(func(h map[string]any) { h["alg"] = []string{"RS256"} }), WrongAlgorithm, ""},
		{"HS256 with the public key", hs256(key.Public().N.Bytes()), WrongAlgorithm, `got "HS256"`},
		{"crit unknown", header(func(h map[string]any) { h["crit"], h["b64"] = []string{"b64"}, false }), UnsupportedExtension, `["b64"]`},
		{"crit empty", header(func(h map[string]any) { h["crit"] = []string{} }), Malformed, "crit"},
		{"crit a word", header(func(h map[string]any) { h["crit"] = "exp" }), Malformed, "crit"},

		{"kid unknown", header(func(h map[string]any) { h["kid"] = "abc" }), UnknownKey, `no key with kid "abc" at ` + w.portal.URL + " (keys there: " + key.ID() + ")"},
		{"kid empty", header(func(h map[string]any) { h["kid"] = "" }), UnknownKey, `kid ""`},
		{"kid a number", header(func(h map[string]any) { h["kid"] = 1 }), Malformed, "kid must be a string, got a number"},
		{"kid null", header(func(h map[string]any) { h["kid"] = nil }), Malformed, "kid must be a string, got null"},
		{"kid SQL", header(func(h map[string]any) { h["kid"] = "x' UNION SELECT 'k" }), UnknownKey, ""},
		{"stranger's key, own kid", w.mint(stranger), UnknownKey, stranger.ID()},
		{"stranger's key, good kid", w.forge(stranger, w.header(key), w.claims()), BadSignature, key.ID()},
		{"stranger's key, no kid", w.forge(stranger, map[string]any{"alg": "RS256"}, w.claims()), BadSignature, key.ID()},
		{"changed signature", good[:len(good)-8] + "AAAAAAAA", BadSignature, ""},
		{"no signature", parts[0] + "." + parts[1] + ".", BadSignature, ""},
		{"payload of another token", parts[0] + "." + strings.Split(claim("sub", "else"), ".")[1] + "." + parts[2], BadSignature, ""},
		{"jwk in the header", w.forge(stranger, map[string]any{"alg": "RS256", "kid": key.ID(), "jwk": NewJWK(stranger)}, w.claims()), BadSignature, ""},
		{"jwk in the header, its kid", w.forge(stranger, map[string]any{"alg": "RS256", "kid": stranger.ID(), "jwk": NewJWK(stranger)}, w.claims()), UnknownKey, ""},

		{"iss absent", without("iss"), WrongIssuer, "got none"},
		{"iss of nobody", claim("iss", "https://evil.example"), WrongIssuer, `got "https://evil.example"`},
		{"iss with a slash", claim("iss", w.portal.URL+"/"), WrongIssuer, ""},
		{"iss upper case", claim("iss", strings.ToUpper(w.portal.URL)), WrongIssuer, ""},
		{"iss null", claim("iss", nil), Malformed, "claim iss must be a string, got null"},
		{"iss the other issuer's", claim("iss", w.gitlab.URL), IssuerMismatch, w.portal.URL},
		{"iss the service itself", claim("iss", testAudience), IssuerMismatch, ""},
		{"iss of nobody, no kid", w.forge(key, map[string]any{"alg": "RS256"}, map[string]any{"iss": "x"}), WrongIssuer, "no kid"},

		{"exp absent", without("exp"), MissingExpiry, ""},
		{"exp a second ago", claim("exp", now-1), Expired, "token expired 1s ago (exp 2024-02-14T23:59:59Z, now 2024-02-15T00:00:00Z)"},
		{"exp now", claim("exp", now), Expired, "token expired 0s ago"},
		{"exp zero", claim("exp", 0), Expired, ""},
		{"exp null", claim("exp", nil), Malformed, "claim exp must be a number, got null"},
		{"exp a word", claim("exp", "tomorrow"), Malformed, "got a string"},
		{"exp huge", claim("exp", 1e300), Malformed, "year 9999"},
		{"exp negative", claim("exp", -1), Malformed, "1970"},
		{"EXP upper case only", func() string {
			c := w.claims()
			c["EXP"] = c["exp"]
			delete(c, "exp")
			return w.forge(key, w.header(key), c)
		}(), MissingExpiry, ""},
		{"nbf in a second", claim("nbf", now+1), NotYetValid, "token is valid in 1s (nbf 2024-02-15T00:00:01Z"},
		{"nbf a word", claim("nbf", "now"), Malformed, "claim nbf"},
		{"iat a word", claim("iat", "now"), Malformed, "claim iat"},

		{"aud absent", without("aud"), WrongAudience, "no aud"},
		{"aud other", claim("aud", "elsewhere"), WrongAudience, `audience "elsewhere" is not "gitlab-ai-gateway"`},
		{"aud prefix", claim("aud", testAudience+"x"), WrongAudience, ""},
		{"aud upper case", claim("aud", strings.ToUpper(testAudience)), WrongAudience, ""},
		{"aud empty list", claim("aud", []string{}), WrongAudience, "audience [] does not hold"},
		{"aud list of others", claim("aud", []string{"a", "b"}), WrongAudience, `audience ["a" "b"] does not hold "gitlab-ai-gateway"`},
		{"aud null", claim("aud", nil), Malformed, "claim aud"},
		{"aud list with null", claim("aud", []any{testAudience, nil}), Malformed, "claim aud"},
		{"sub null", claim("sub", nil), Malformed, "claim sub"},
		{"jti a number", claim("jti", 7), Malformed, "claim jti"},
		{"gitlab_realm a number", claim("gitlab_realm", 7), Malformed, "claim gitlab_realm"},
		{"gitlab_instance_id a number", claim("gitlab_instance_id", 7), Malformed, "claim gitlab_instance_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.verify(c.raw)
			detail := requireReason(t, c.want, err)
			require.Contains(t, detail, c.detail)
			require.NotContains(t, detail, base64.RawURLEncoding.EncodeToString(key.Public().N.Bytes()))
			if len(c.raw) > 64 {
				require.NotContains(t, detail, c.raw[:64])
			}
		})
	}
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts(), "no refetch where the token names the other issuer")
	require.Equal(t, [2]int{1, 2}, w.portal.counts(), "one refetch for all unknown ids")
}

func TestVerifyOrder(t *testing.T) {
	// All is wrong at once: the checks come in their order as things are repaired.
	w := newTestWorld(t)
	key, stranger := testKey(t, "portal"), testKey(t, "stranger")
	header := map[string]any{"alg": "none", "kid": "abc", "crit": []string{"x"}}
	claims := map[string]any{
		"iss": w.gitlab.URL, "exp": testNow.Unix() - 1, "nbf": testNow.Unix() + 9, "aud": "else", "sub": 1,
	}
	signer := stranger
	for _, step := range []struct {
		want   Reason
		repair func()
	}{
		{UnsupportedExtension, func() { delete(header, "crit") }},
		{WrongAlgorithm, func() { header["alg"] = "RS256" }},
		{UnknownKey, func() { header["kid"] = key.ID() }},
		{BadSignature, func() { signer = key }},
		{Malformed, func() { claims["sub"] = testInstance }},
		{IssuerMismatch, func() { claims["iss"] = w.portal.URL }},
		{Expired, func() { claims["exp"] = testNow.Unix() + 60 }},
		{NotYetValid, func() { claims["nbf"] = testNow.Unix() }},
		{WrongAudience, func() { claims["aud"] = testAudience }},
	} {
		_, err := w.verify(w.forge(signer, header, claims))
		requireReason(t, step.want, err)
		step.repair()
	}
	_, err := w.verify(w.forge(signer, header, claims))
	require.NoError(t, err)
}

func TestVerifyLeeway(t *testing.T) {
	w := newTestWorld(t)
	w.verifier.Leeway = 10 * time.Second
	key := testKey(t, "portal")
	for offset, want := range map[int64]Reason{-9: "", -10: Expired} {
		c := w.claims()
		c["exp"] = testNow.Unix() + offset
		_, err := w.verify(w.forge(key, w.header(key), c))
		if want == "" {
			require.NoError(t, err)
		} else {
			requireReason(t, want, err)
		}
	}
	for offset, want := range map[int64]Reason{10: "", 11: NotYetValid} {
		c := w.claims()
		c["nbf"] = testNow.Unix() + offset
		_, err := w.verify(w.forge(key, w.header(key), c))
		if want == "" {
			require.NoError(t, err)
		} else {
			requireReason(t, want, err)
		}
	}
}

func TestVerifyFollowsTheClock(t *testing.T) {
	w := newTestWorld(t)
	raw := w.mint(testKey(t, "portal"))
	_, err := w.verify(raw)
	require.NoError(t, err)
	w.clock.Advance(72*time.Hour - time.Second)
	_, err = w.verify(raw)
	require.NoError(t, err)
	w.clock.Advance(2*time.Hour + time.Second)
	_, err = w.verify(raw)
	require.Equal(t, "token expired 2h0m0s ago (exp 2024-02-18T00:00:00Z, now 2024-02-18T02:00:00Z)", requireReason(t, Expired, err))
}

func TestVerifyNeedsAnAudience(t *testing.T) {
	w := newTestWorld(t)
	w.verifier.Audience = ""
	c := w.claims()
	c["aud"] = []string{"x", ""}
	_, err := w.verify(w.forge(testKey(t, "portal"), w.header(testKey(t, "portal")), c))
	requireReason(t, WrongAudience, err)
}

func TestVerifyWithLocalKeysOnly(t *testing.T) {
	w := newTestWorld(t)
	own := testKey(t, "own")
	v := &Verifier{Audience: testAudience, Clock: w.clock, Local: []LocalIssuer{{Name: testAudience, Keys: []*Key{own}}, {Name: "empty"}}}
	verify := func(k *Key, iss string, withKid bool) error {
		c := w.claims()
		c["iss"] = iss
		h := w.header(k)
		if !withKid {
			delete(h, "kid")
		}
		_, err := v.Verify(t.Context(), w.forge(k, h, c))
		return err
	}
	require.NoError(t, verify(own, testAudience, true))
	require.NoError(t, verify(own, testAudience, false))
	requireReason(t, WrongIssuer, verify(own, "else", true))
	requireReason(t, IssuerMismatch, verify(own, "empty", true))
	requireReason(t, WrongIssuer, verify(own, "else", false))
	requireReason(t, UnknownKey, verify(own, "empty", false))
	requireReason(t, UnknownKey, verify(testKey(t, "stranger"), testAudience, true))
	requireReason(t, BadSignature, verify(testKey(t, "stranger"), testAudience, false))
}

func TestOwnKeyDoesNotSpeakForAnIssuer(t *testing.T) {
	w := newTestWorld(t)
	_, err := w.verify(w.mint(testKey(t, "own")))
	requireReason(t, IssuerMismatch, err)
}
