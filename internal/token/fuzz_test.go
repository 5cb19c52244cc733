package token

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
)

var fuzzTokens = []string{
	"", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30", "bnVsbA.bnVsbA.", "W10.W10.W10",
	"eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjFlMzAwfQ.AAAA", "eyJhbGciOiJub25lIn0.e30.", strings.Repeat("A", 100) + ".." + strings.Repeat(".", 9),
	"eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AA", "eyJhbGciOiJSUzI1NiIsImtpZCI6W119.e30.AA", "é.é.é", "\x00.\xff.\n",
}

func FuzzDecode(f *testing.F) {
	for _, seed := range fuzzTokens {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		d, err := Decode(raw)
		if err != nil {
			requireReason(t, Malformed, err)
			return
		}
		require.NotNil(t, d.Header)
		require.NotNil(t, d.Claims)
		d.KeyID()
		for claim := range d.Claims {
			d.Text(claim)
			d.List(claim)
			d.Time(claim)
		}
		if _, refusal := readClaims(d.Claims); refusal != nil {
			require.Equal(t, Malformed, refusal.Reason)
		}
	})
}

func FuzzFromHeader(f *testing.F) {
	for _, seed := range []string{"", "Bearer", "Bearer ", "bearer a.b.c", "Basic YTpi", "Bearer a b", "\tBearer\ta", "Bearer\u00a0a", "a.b.c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		raw, err := FromHeader(http.Header{"Authorization": {value}})
		if err != nil {
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			require.Empty(t, raw)
			return
		}
		require.NotEmpty(t, raw)
		require.NotContains(t, raw, " ")
		require.Contains(t, value, raw)
	})
}

// fuzzVerifier trusts local keys only, so that no fetch slows fuzzing down.
func fuzzVerifier(t testing.TB) *Verifier {
	return &Verifier{
		Audience: testAudience, Clock: clock.NewFrozen(testNow),
		Local: []LocalIssuer{{Name: "issuer", Keys: []*Key{testKey(t, "portal")}}},
	}
}

// FuzzVerify signs any header and payload with the good key, and looks whether what
// passes is what should.
func FuzzVerify(f *testing.F) {
	for _, seed := range fuzzTokens {
		head, rest, _ := strings.Cut(seed, ".")
		body, _, _ := strings.Cut(rest, ".")
		h, _ := base64.RawURLEncoding.DecodeString(head)
		p, _ := base64.RawURLEncoding.DecodeString(body)
		f.Add(h, p, true)
	}
	f.Add([]byte(`{"alg":"RS256"}`), []byte(`{"iss":"issuer","aud":"gitlab-ai-gateway","exp":1707958800,"scopes":["new_feature_scope"]}`), true)
	f.Add([]byte(`{"alg":"RS256"}`), []byte(`{"iss":"issuer","aud":["gitlab-ai-gateway"],"exp":1707958800.5,"nbf":0,"sub":"a","gitlab_realm":"saas"}`), true)
	f.Add([]byte(`{"alg":"RS256","kid":"x"}`), []byte(`{"iss":"issuer","aud":1,"exp":-1}`), false)
	f.Fuzz(func(t *testing.T, header, payload []byte, sign bool) {
		v := fuzzVerifier(t)
		key := testKey(t, "portal")
		if !sign {
			key = nil
		}
		raw, err := ForgeBytes(key, header, payload)
		require.NoError(t, err)
		verified, err := v.Verify(t.Context(), raw)
		if err != nil {
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			require.NotEmpty(t, refusal.Detail)
			return
		}
		require.True(t, sign, "an unsigned token passed")
		require.True(t, utf8.Valid(payload))
		require.Equal(t, "issuer", verified.Claims.Issuer)
		require.Contains(t, verified.Claims.Audience, testAudience)
		require.True(t, verified.Claims.ExpiresAt.After(testNow))
		require.False(t, verified.Claims.NotBefore.After(testNow))
		_ = verified.RequireScope(testScope)
		_ = verified.CheckHeaders(http.Header{RealmHeader: {"saas"}})
	})
}

// FuzzKeySet feeds what an issuer may publish.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"","e":"AA","x5c":["!"]},1,null,{}]}`))
	f.Add(NewKeySet(testKey(f, "portal")).JSON())
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeySet(body)
		if err != nil {
			return
		}
		for _, k := range set.keys {
			require.NotEmpty(t, k.id)
			require.GreaterOrEqual(t, k.public.N.BitLen(), keyBits)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	key := testKey(b, "portal")
	claims := Claims{
		ID: "a0d5a0a2-5b0c-4f1c-8f2e-0f5a3f6a7b11", Issuer: "https://gitlab.com", Subject: testInstance, Audience: []string{testAudience},
		IssuedAt: testNow, NotBefore: testNow, ExpiresAt: testNow.Add(time.Hour), Realm: "saas", Scopes: []string{testScope},
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		claims.ID = strconv.Itoa(n) // a key remembers what it has signed
		if _, err := Sign(key, claims, SignOptions{WithKeyID: true}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyWarm(b *testing.B) {
	w := newTestWorld(b)
	raw := w.mint(testKey(b, "portal"))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.verifier.Verify(ctx, raw); err != nil {
			b.Fatal(err)
		}
	}
}
