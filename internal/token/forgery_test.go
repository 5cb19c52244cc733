package token_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/token"
)

func TestForgeriesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	key, err := token.GenerateKey()
	require.NoError(t, err)
	header := map[string]any{"alg": "RS256", "typ": "JWT", "kid": key.ID()}
	claims := map[string]any{"sub": "somebody", "scopes": []string{"one"}}
	forge := func(f token.Forgery) string {
		raw, err := token.ForgeAs(key, header, claims, f)
		require.NoError(t, err, "%+v", f)
		return raw
	}
	verify := func(raw string, key any) error {
		_, err := jwt.NewParser().Parse(raw, func(*jwt.Token) (any, error) { return key, nil })
		return err
	}
	good := forge(token.Forgery{})
	require.NoError(t, verify(good, key.Public()))

	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		require.NoError(t, verify(forge(token.Forgery{Algorithm: alg}), key.Public()), alg)
	}
	require.Error(t, verify(forge(token.Forgery{Algorithm: "ES256"}), key.Public()))
	require.NoError(t, verify(forge(token.Forgery{Algorithm: "none"}), jwt.UnsafeAllowNoneSignatureType))
	seen := map[string]bool{}
	for _, form := range token.HMACKeys() {
		raw := forge(token.Forgery{Algorithm: "HS256", HMACKey: form})
		require.False(t, seen[raw], "%s gives the same token as another form", form)
		seen[raw] = true
	}
	require.NoError(t, verify(forge(token.Forgery{Algorithm: "HS256", HMACKey: "empty"}), []byte{}))
	require.NoError(t, verify(forge(token.Forgery{Algorithm: "HS256", HMACKey: "n"}), []byte(token.NewJWK(key).Modulus)))

	for _, spoil := range token.Spoils() {
		require.NotEqual(t, good, forge(token.Forgery{Spoil: spoil}), spoil)
	}
	for _, spoil := range []string{"changed_payload", "changed_signature", "no_signature", "half_a_signature"} {
		raw := forge(token.Forgery{Spoil: spoil})
		_, err := token.Decode(raw)
		require.NoError(t, err, "%s is still a token", spoil)
		require.ErrorIs(t, verify(raw, key.Public()), jwt.ErrTokenSignatureInvalid, spoil)
	}
	for _, spoil := range []string{
		"one_segment", "two_segments", "four_segments", "garbled_header", "garbled_payload", "garbage", "payload_list",
		"payload_with_bom", "scopes_twice_bad_last", "scopes_twice_good_last",
	} {
		_, err := token.Decode(forge(token.Forgery{Spoil: spoil}))
		require.Error(t, err, spoil)
	}
	for spoil, last := range map[string][]string{"scopes_twice_bad_last": {}, "scopes_twice_good_last": {"one"}} {
		payload, err := jwt.NewParser().DecodeSegment(strings.Split(forge(token.Forgery{Spoil: spoil}), ".")[1])
		require.NoError(t, err)
		var got struct{ Scopes []string }
		require.NoError(t, json.Unmarshal(payload, &got))
		require.Equal(t, last, got.Scopes, spoil)
		require.Equal(t, 2, strings.Count(string(payload), `"scopes"`))
	}
	for _, spoil := range []string{"padded_base64", "standard_base64"} {
		raw := forge(token.Forgery{Spoil: spoil})
		require.Equal(t, spoil == "padded_base64", strings.Contains(raw, "="), spoil)
		_, err := token.Decode(raw)
		require.Error(t, err, spoil)
	}
	deep := forge(token.Forgery{Spoil: "deep_payload"})
	require.NoError(t, verify(deep, key.Public()), "the signature covers it")
	nulls := forge(token.Forgery{Nulls: []string{"exp", "made_up"}})
	payload, err := jwt.NewParser().DecodeSegment(strings.Split(nulls, ".")[1])
	require.NoError(t, err)
	require.Contains(t, string(payload), `"exp":null`)
	require.Contains(t, string(payload), `"made_up":null`)
	require.NotContains(t, claims, "made_up", "the claims that were given are left as they are")

	embedded, err := token.Decode(forge(token.Forgery{Spoil: "embedded_jwk"}))
	require.NoError(t, err)
	require.Equal(t, key.ID(), embedded.Header["jwk"].(map[string]any)["kid"])

	kept, err := token.Decode(func() string {
		raw, err := token.ForgeAs(key, map[string]any{"alg": "nOnE"}, claims, token.Forgery{Algorithm: "none"})
		require.NoError(t, err)
		return raw
	}())
	require.NoError(t, err)
	require.Equal(t, "nOnE", kept.Header["alg"])
}

func TestForgeriesThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()
	key, err := token.GenerateKey()
	require.NoError(t, err)
	for _, f := range []token.Forgery{
		{Algorithm: "RS257"}, {Spoil: "changed_mind"}, {Algorithm: "HS256"}, {Algorithm: "HS256", HMACKey: "jwk"}, {HMACKey: "n"},
	} {
		_, err := token.ForgeAs(key, map[string]any{}, map[string]any{}, f)
		require.ErrorContains(t, err, "forge token: ", "%+v", f)
	}
}
