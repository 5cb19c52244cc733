package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func TestEdgeAuth(t *testing.T) {
	issuer := tokentest.NewIssuer(t, "gitlab")
	e := newEdge(t, gateway.Options{
		Routes:   map[string]string{"foo": newOrigin(t, mirror("foo"))},
		EdgeAuth: []token.Issuer{issuer.As("gitlab")},
		Limits:   gateway.Limits{PerUnauthorized: 100},
	})
	mint := func(k string, spoil func(*token.Claims)) []string {
		c := token.Claims{
			ID: "jti-1", Issuer: issuer.URL, Subject: "instance", Audience: []string{"gitlab-foo"},
			IssuedAt: noon, NotBefore: noon.Add(-5 * time.Second), ExpiresAt: noon.Add(time.Hour), Realm: "saas",
		}
		spoil(&c)
		text, err := token.Sign(tokentest.Key(t, k), c, token.SignOptions{WithKeyID: true})
		require.NoError(t, err)
		return []string{"Authorization", "Bearer " + text}
	}
	good := func(*token.Claims) {}
	for _, c := range []struct {
		name   string
		header []string
		status int
		reason token.Reason
	}{
		{"good", mint("gitlab", good), http.StatusOK, ""},
		{"another audience", mint("gitlab", func(c *token.Claims) { c.Audience = []string{"x", "y"} }), http.StatusOK, ""},
		{"none", nil, http.StatusUnauthorized, token.NoToken},
		{"another scheme", []string{"Authorization", "Basic x"}, http.StatusUnauthorized, token.WrongScheme},
		{"garbage", []string{"Authorization", "Bearer x"}, http.StatusUnauthorized, token.Malformed},
		{"a stranger's key", mint("stranger", good), http.StatusUnauthorized, token.UnknownKey},
		{"expired", mint("gitlab", func(c *token.Claims) { c.ExpiresAt = noon }), http.StatusUnauthorized, token.Expired},
		{"no audience", mint("gitlab", func(c *token.Claims) { c.Audience = nil }), http.StatusUnauthorized, token.WrongAudience},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := e.env.Journal.Last()
			a := e.send(t, http.MethodPost, "/foo/x", nil, c.header...)
			require.Equal(t, c.status, a.StatusCode)
			entry := e.last(t, before+1)
			require.Equal(t, string(c.reason), entry.Reason)
			if c.status != http.StatusOK {
				require.Equal(t, "Unauthorized", a.body)
				require.NotEmpty(t, entry.Detail)
				require.Empty(t, entry.Upstream, "the origin is not asked")
				return
			}
			require.Equal(t, c.header[1], a.seen(t).Header.Get("Authorization"), "the backend gets the token, too")
			require.Equal(t, "jti-1", entry.Token.ID)
			require.Equal(t, issuer.URL, entry.Token.Claims["iss"])
		})
	}
	t.Run("keys that cannot be had", func(t *testing.T) {
		issuer.SetDown(true)
		require.NoError(t, e.Seed(e.world)) // with empty caches
		before := e.env.Journal.Last()
		a := e.send(t, http.MethodPost, "/foo/x", nil, mint("gitlab", good)...)
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
		require.Equal(t, string(token.KeysUnavailable), e.last(t, before+1).Reason)
	})
}
