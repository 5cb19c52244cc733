package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func payloadOf(t *testing.T, raw string) (header, payload string) {
	t.Helper()
	parts := strings.Split(raw, ".")
	require.Len(t, parts, 3)
	h, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	p, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	return string(h), string(p)
}

func TestSign(t *testing.T) {
	key := testKey(t, "gitlab")
	full := Claims{
		ID: "id", Issuer: "https://gitlab.com", Subject: testInstance, Audience: []string{"a", "b"},
		IssuedAt: testNow, NotBefore: testNow.Add(-5 * time.Second), ExpiresAt: testNow.Add(time.Hour).Add(999 * time.Millisecond),
		Realm: "saas", Scopes: []string{"s", "t"},
	}
	for _, c := range []struct {
		name    string
		change  func(c *Claims)
		options SignOptions
		header  string
		payload string
	}{
		{
			name: "in full", options: SignOptions{WithKeyID: true},
			header:  fmt.Sprintf(`{"alg":"RS256","kid":%q,"typ":"JWT"}`, key.ID()),
			payload: `{"jti":"id","aud":["a","b"],"sub":"` + testInstance + `","iss":"https://gitlab.com","iat":1707955200,"nbf":1707955195,"exp":1707958800,"gitlab_realm":"saas","scopes":["s","t"]}`,
		},
		{
			name: "as GitLab 16 signs", change: func(c *Claims) { c.Subject, c.Audience, c.AudienceAsString = "", c.Audience[:1], true },
			header:  `{"alg":"RS256","typ":"JWT"}`,
			payload: `{"jti":"id","aud":"a","iss":"https://gitlab.com","iat":1707955200,"nbf":1707955195,"exp":1707958800,"gitlab_realm":"saas","scopes":["s","t"]}`,
		},
		{
			name: "nothing granted", change: func(c *Claims) { *c = Claims{} },
			header: `{"alg":"RS256","typ":"JWT"}`, payload: `{"aud":[],"scopes":[]}`,
		},
		{
			name: "extra claims come last", change: func(c *Claims) {
				*c = Claims{Issuer: "a", Scopes: []string{"s"}, Extra: map[string]any{"iss": "b", "sub": nil, "skip_usage_cutoff": true}}
			},
			header: `{"alg":"RS256","typ":"JWT"}`, payload: `{"aud":[],"iss":"b","sub":null,"scopes":["s"],"skip_usage_cutoff":true}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := full
			if c.change != nil {
				c.change(&claims)
			}
			raw, err := Sign(key, claims, c.options)
			require.NoError(t, err)
			header, payload := payloadOf(t, raw)
			require.JSONEq(t, c.header, header)
			require.JSONEq(t, c.payload, payload)
		})
	}

	_, err := Sign(nil, full, SignOptions{})
	require.EqualError(t, err, "sign token: no key")
	full.AudienceAsString = true
	_, err = Sign(key, full, SignOptions{})
	require.EqualError(t, err, "sign token: expected one audience to write as a string, got 2")
	_, err = Sign(key, Claims{Extra: map[string]any{"x": math.Inf(1)}}, SignOptions{})
	require.ErrorContains(t, err, "sign token: ")
}

func TestSignedTokenPasses(t *testing.T) {
	w := newTestWorld(t)
	claims := Claims{
		ID: "id", Issuer: w.gitlab.URL, Subject: testInstance, Audience: []string{"x", testAudience}, IssuedAt: testNow,
		NotBefore: testNow, ExpiresAt: testNow.Add(time.Hour), Realm: "saas", Scopes: []string{testScope},
		Extra: map[string]any{"skip_usage_cutoff": true},
	}
	for _, o := range []SignOptions{{}, {WithKeyID: true}} {
		raw, err := Sign(testKey(t, "gitlab"), claims, o)
		require.NoError(t, err)
		v, err := w.verify(raw)
		require.NoError(t, err)
		require.Equal(t, claims, v.Claims)
		require.NoError(t, v.RequireScope(testScope))
	}
}

func TestForge(t *testing.T) {
	_, err := Forge(nil, map[string]any{"x": math.NaN()}, nil)
	require.ErrorContains(t, err, "forge token: header")
	_, err = Forge(nil, nil, map[string]any{"x": math.NaN()})
	require.ErrorContains(t, err, "forge token: claims")
	raw, err := ForgeBytes(nil, []byte("a"), []byte("b"))
	require.NoError(t, err)
	require.Equal(t, "YQ.Yg.", raw)
}

func TestDecode(t *testing.T) {
	w := newTestWorld(t)
	raw := w.mint(testKey(t, "portal"))
	d, err := Decode(raw)
	require.NoError(t, err)
	id, ok := d.KeyID()
	require.True(t, ok)
	require.Equal(t, testKey(t, "portal").ID(), id)
	require.Equal(t, w.portal.URL, d.Text("iss"))
	require.Empty(t, d.Text("iat"))
	require.Equal(t, []string{testAudience}, d.List("aud"))
	require.Equal(t, []string{testScope, "other_scope"}, d.List("scopes"))
	require.Nil(t, d.List("exp"))
	exp, ok := d.Time("exp")
	require.True(t, ok)
	require.Equal(t, testNow.Add(72*time.Hour), exp)
	_, ok = d.Time("aud")
	require.False(t, ok)

	text, err := json.Marshal(d)
	require.NoError(t, err)
	require.NotContains(t, string(text), raw)

	_, err = Decode("abc")
	requireReason(t, Malformed, err)
}

func TestDigest(t *testing.T) {
	require.Empty(t, Digest(""))
	require.Equal(t, "ba7816bf8f01", Digest("abc"))
}

func TestReasons(t *testing.T) {
	seen := map[Reason]bool{}
	for _, r := range Reasons() {
		require.NotEmpty(t, r)
		require.False(t, seen[r], "%s twice", r)
		seen[r] = true
	}
	var err error = &Refusal{Expired, "token expired 1s ago"}
	require.EqualError(t, err, "expired: token expired 1s ago")
	require.EqualError(t, &Refusal{Reason: Expired}, "expired")
	var refusal *Refusal
	require.True(t, errors.As(fmt.Errorf("call: %w", err), &refusal))
}

// TestUnsignedIsWhatSignSigns: a token that is changed in nothing is the good one.
func TestUnsignedIsWhatSignSigns(t *testing.T) {
	k := testKey(t, "a")
	for _, o := range []SignOptions{{}, {WithKeyID: true}} {
		c := Claims{ID: "id", Issuer: "https://issuer", Audience: []string{"a", "b"}, ExpiresAt: time.Unix(1_700_000_000, 0), Extra: map[string]any{"duo_seat_count": 7}}
		good, err := Sign(k, c, o)
		require.NoError(t, err)
		header, claims, err := Unsigned(k, c, o)
		require.NoError(t, err)
		again, err := ForgeAs(k, header, claims, Forgery{})
		require.NoError(t, err)
		require.Equal(t, good, again)
	}
	_, _, err := Unsigned(k, Claims{AudienceAsString: true}, SignOptions{})
	require.ErrorContains(t, err, "expected one audience")
}
