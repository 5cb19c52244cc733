package backends_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func TestGoodCalls(t *testing.T) {
	r := newRig(t, newFeatureScope())
	for name, change := range map[string]func(c *call){
		"self-managed":           func(*call) {},
		"saas":                   func(c *call) { c.saas(t, r) },
		"audience in a list":     func(c *call) { c.claims["aud"] = []string{"other", "gitlab-ai-gateway"} },
		"no sub, as in 16.x":     func(c *call) { delete(c.claims, "sub") },
		"no kid, as up to 17.4":  func(c *call) { delete(c.jose, "kid") },
		"auth type oidc":         func(c *call) { c.header.Set("X-Gitlab-Authentication-Type", "oidc") },
		"no user":                func(c *call) { c.header.Del("X-Gitlab-Global-User-Id") },
		"lower-case bearer":      func(c *call) { c.header.Set("Authorization", "bearer "+sign(t, c)) },
		"no body":                func(c *call) { c.body = "" },
		"a body that is no JSON": func(c *call) { c.body = "x=y"; c.header.Set("Content-Type", "application/x-www-form-urlencoded") },
		"extra claims":           func(c *call) { c.claims["gitlab_namespace_id"] = "1" },
	} {
		t.Run(name, func(t *testing.T) {
			c := r.good(t)
			change(c)
			a := r.send(t, c)
			require.Equal(t, http.StatusOK, a.StatusCode, a.entry.Detail)
			require.Equal(t, `{"created":1707951600,"extra":"Feature","id":"id"}`, a.body)
			require.Equal(t, "application/json", a.Header.Get("Content-Type"))
			require.Equal(t, "call-1", a.Header.Get("X-Request-Id"))
			require.Equal(t, []string{"Wed, 14 Feb 2024 23:00:00 GMT"}, a.Header["Date"])
			require.Equal(t, "new_feature_scope", a.entry.Route)
			require.Empty(t, a.entry.Reason)
			require.Equal(t, "jti-1", a.entry.Token.ID)
			require.Equal(t, c.claims["iss"], a.entry.Token.Claims["iss"])
			require.Equal(t, "RS256", a.entry.Token.Header["alg"])
			require.Len(t, a.entry.Token.Digest, 12)
		})
	}
	require.Equal(t, int64(1), r.gitlab.Fetches(), "keys are fetched once")
	require.Equal(t, int64(1), r.cdot.Fetches())
	require.Equal(t, "call-1", r.cdot.LastRequestID(), "for the call that needed them")
}

func sign(t testing.TB, c *call) string {
	t.Helper()
	raw, err := token.Forge(c.signer, c.jose, c.claims)
	require.NoError(t, err)
	return raw
}

// Each row changes one thing of a good call.
func TestOneThingWrong(t *testing.T) {
	fidelity.Proves(t,
		"verifier/strict/issuer", "verifier/strict/audience", "verifier/strict/expiry",
		"verifier/strict/key", "verifier/strict/algorithm", "verifier/strict/scopes", "verifier/strict/headers",
	)
	const (
		forbidden = `{"error":"Forbidden by auth provider"}`
		noScope   = `{"detail":"Unauthorized to access new_feature_scope"}`
	)
	mismatch := func(header string) string { return fmt.Sprintf(`{"error":"Header mismatch '%s'"}`, header) }
	r := newRig(t, newFeatureScope())
	for _, c := range []struct {
		name   string
		spoil  func(c *call)
		status int
		body   string
		reason token.Reason
	}{
		{"no authorization", func(c *call) { c.header["Authorization"] = nil }, 401, `{"error":"No authorization header presented"}`, token.NoToken},
		{"no token", func(c *call) { c.header.Set("Authorization", "Bearer") }, 401, forbidden, token.NoToken},
		{"basic", func(c *call) { c.header.Set("Authorization", "Basic x") }, 401, `{"error":"Invalid authorization header"}`, token.WrongScheme},
		{"no scheme", func(c *call) { c.header.Set("Authorization", sign(t, c)) }, 401, `{"error":"Invalid authorization header"}`, token.WrongScheme},
		{"two tokens", func(c *call) { c.header["Authorization"] = []string{"Bearer " + sign(t, c), "Bearer x"} }, 401, forbidden, token.Malformed},
		{"auth type", func(c *call) { c.header.Set("X-Gitlab-Authentication-Type", "OIDC") }, 401, `{"error":"Invalid authentication token type - only OIDC is supported"}`, token.WrongAuthType},
		{"garbage", func(c *call) { c.token = "garbage" }, 401, forbidden, token.Malformed},
		{"algorithm none", func(c *call) { c.jose["alg"], c.signer = "none", nil }, 401, forbidden, token.WrongAlgorithm},
		{"HS256", func(c *call) { c.jose["alg"] = "HS256" }, 401, forbidden, token.WrongAlgorithm},
		{"a stranger's key", func(c *call) { c.signer = tokentest.Key(t, "stranger") }, 401, forbidden, token.BadSignature},
		{"a stranger's kid", func(c *call) { c.jose["kid"] = "stranger" }, 401, forbidden, token.UnknownKey},
		{"the other issuer's key", func(c *call) { c.signer = tokentest.Key(t, "gitlab"); c.jose["kid"] = c.signer.ID() }, 401, forbidden, token.IssuerMismatch},
		{"another issuer", func(c *call) { c.claims["iss"] = "https://gitlab.com" }, 401, forbidden, token.WrongIssuer},
		{"no issuer", func(c *call) { delete(c.claims, "iss") }, 401, forbidden, token.WrongIssuer},
		{"expired", func(c *call) { c.claims["exp"] = now.Unix() }, 401, forbidden, token.Expired},
		{"no expiry", func(c *call) { delete(c.claims, "exp") }, 401, forbidden, token.MissingExpiry},
		{"not yet valid", func(c *call) { c.claims["nbf"] = now.Unix() + 1 }, 401, forbidden, token.NotYetValid},
		{"audience", func(c *call) { c.claims["aud"] = "gitlab-observability-backend" }, 401, forbidden, token.WrongAudience},
		{"no audience", func(c *call) { delete(c.claims, "aud") }, 401, forbidden, token.WrongAudience},
		{"no realm", func(c *call) { c.header.Del("X-Gitlab-Realm") }, 401, mismatch("X-Gitlab-Realm"), token.MissingHeader},
		{"realm", func(c *call) { c.header.Set("X-Gitlab-Realm", "saas") }, 401, mismatch("X-Gitlab-Realm"), token.RealmMismatch},
		{"no instance id", func(c *call) { c.header.Del("X-Gitlab-Instance-Id") }, 401, mismatch("X-Gitlab-Instance-Id"), token.MissingHeader},
		{"instance id", func(c *call) { c.header.Set("X-Gitlab-Instance-Id", "other") }, 401, mismatch("X-Gitlab-Instance-Id"), token.InstanceMismatch},
		{"instance id twice", func(c *call) { c.header.Add("X-Gitlab-Instance-Id", "other") }, 401, mismatch("X-Gitlab-Instance-Id"), token.InstanceMismatch},
		{"no realm claim, no instance id", func(c *call) { delete(c.claims, "gitlab_realm"); c.header.Del("X-Gitlab-Instance-Id") }, 401, mismatch("X-Gitlab-Instance-Id"), token.MissingHeader},
		{"scope", func(c *call) { c.claims["scopes"] = []string{"other_scope"} }, 403, noScope, token.MissingScope},
		{"no scopes", func(c *call) { c.claims["scopes"] = []string{} }, 403, noScope, token.MissingScope},
		{"scopes as a text", func(c *call) { c.claims["scopes"] = "new_feature_scope" }, 403, noScope, token.MissingScope},
		{"a longer scope", func(c *call) { c.claims["scopes"] = []string{"new_feature_scope2"} }, 403, noScope, token.MissingScope},

		{"path", func(c *call) { c.path = "/nowhere" }, 404, `{"detail":"Not Found"}`, ""},
		{"path, encoded", func(c *call) { c.path = "/new_feature_endpoint%2F" }, 404, `{"detail":"Not Found"}`, ""},
		{"method", func(c *call) { c.method = "GET" }, 405, `{"detail":"Method Not Allowed"}`, ""},
		{"path and no authorization", func(c *call) { c.path = "/nowhere"; c.header["Authorization"] = nil }, 401, `{"error":"No authorization header presented"}`, token.NoToken},
		{"method and no authorization", func(c *call) { c.method = "PUT"; c.header["Authorization"] = nil }, 401, `{"error":"No authorization header presented"}`, token.NoToken},
		{"healthz is spelt so", func(c *call) { c.path = "/monitoring/healthz/"; c.header["Authorization"] = nil }, 401, `{"error":"No authorization header presented"}`, token.NoToken},
		{"bad JSON", func(c *call) { c.body = `{"prompt":` }, 422, `{"detail":"Validation error"}`, ""},
		{"bad JSON of a kind", func(c *call) { c.body = "x"; c.header.Set("Content-Type", "application/problem+json; charset=utf-8") }, 422, `{"detail":"Validation error"}`, ""},
		{"body before scope", func(c *call) { c.body = "x"; c.claims["scopes"] = []string{} }, 422, `{"detail":"Validation error"}`, ""},
		{"a body over 4 MiB", func(c *call) { c.body = strings.Repeat(" ", 4<<20+1) }, 413, `{"detail":"Request Entity Too Large"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spoilt := r.good(t)
			c.spoil(spoilt)
			a := r.send(t, spoilt)
			require.Equal(t, c.status, a.StatusCode, a.entry.Detail)
			require.Equal(t, c.body, a.body)
			require.Equal(t, "application/json", a.Header.Get("Content-Type"))
			require.Equal(t, "call-1", a.Header.Get("X-Request-Id"))
			require.Equal(t, string(c.reason), a.entry.Reason)
			require.Equal(t, c.status, a.entry.Status)
			if c.reason != "" {
				require.NotEmpty(t, a.entry.Detail)
			}
			if c.status == http.StatusMethodNotAllowed {
				require.Equal(t, "POST", a.Header.Get("Allow"))
				require.Equal(t, stub.MethodNotAllowed, a.entry.Route)
			}
			require.NotContains(t, a.entry.Detail, spoilt.token, "no whole token in the journal")
		})
	}
}

func TestMonitoring(t *testing.T) {
	r := newRig(t, newFeatureScope())
	get := func(path string) answer {
		return r.send(t, &call{backend: "foo", method: http.MethodGet, path: path, header: http.Header{"Authorization": nil}, token: "none"})
	}
	require.Equal(t, http.StatusOK, get("/monitoring/healthz").StatusCode)
	require.Equal(t, "{}", get("/monitoring/healthz").body)
	r.cdot.SetDown(true)
	a := get("/monitoring/ready")
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Contains(t, a.entry.Detail, "CustomersDot")
	require.NotContains(t, a.entry.Detail, "of GitLab")
	r.cdot.SetDown(false)
	require.Equal(t, http.StatusOK, get("/monitoring/ready").StatusCode)
	require.Equal(t, "monitoring/ready", get("/monitoring/ready").entry.Route)
	a = r.send(t, &call{backend: "foo", method: http.MethodPost, path: "/monitoring/healthz", header: http.Header{"Authorization": nil}, token: "none"})
	require.Equal(t, http.StatusMethodNotAllowed, a.StatusCode)
	require.Equal(t, "GET", a.Header.Get("Allow"))
}

func TestKeysThatCannotBeHad(t *testing.T) {
	fidelity.Proves(t, "verifier/strict/keys-missing")
	r := newRig(t, newFeatureScope())
	r.cdot.SetDown(true)
	a := r.send(t, r.good(t))
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Equal(t, `{"error":"Keys of the token's issuer are not available"}`, a.body)
	require.Equal(t, string(token.KeysUnavailable), a.entry.Reason)
	require.NotNil(t, a.entry.Token)

	require.Equal(t, http.StatusOK, r.send(t, r.good(t).saas(t, r)).StatusCode, "the other issuer is not concerned")

	r.cdot.SetDown(false)
	r.clock.Advance(time.Minute)
	require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)

	r.cdot.SetDown(true)
	r.clock.Advance(48 * time.Hour)
	require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode, "old keys are better than none")
}

func TestRotationIsNoticed(t *testing.T) {
	r := newRig(t, newFeatureScope())
	require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
	next := tokentest.Key(t, "customersdot-next")
	r.cdot.Publish(next)
	c := r.good(t)
	c.signer, c.jose["kid"] = next, next.ID()
	require.Equal(t, http.StatusOK, r.send(t, c).StatusCode)
	a := r.send(t, r.good(t))
	require.Equal(t, string(token.UnknownKey), a.entry.Reason)
}

func TestSkewedBackend(t *testing.T) {
	r := newRig(t, newFeatureScope())
	r.Skew("foo").Set(-6 * time.Second)
	a := r.send(t, r.good(t))
	require.Equal(t, string(token.NotYetValid), a.entry.Reason)
	require.Equal(t, []string{"Wed, 14 Feb 2024 22:59:54 GMT"}, a.Header["Date"])
	r.Skew("foo").Set(3 * 24 * time.Hour)
	require.Equal(t, string(token.Expired), r.send(t, r.good(t)).entry.Reason)
}

func TestBrokenRequests(t *testing.T) {
	r := newRig(t, newFeatureScope())
	raw := func(text string) string {
		status, _ := stubtest.Raw(t, r.urls["foo"], text)
		return status
	}
	head := ""
	c := r.good(t)
	for name, values := range c.header {
		head += name + ": " + values[0] + "\r\n"
	}
	head += "Authorization: Bearer " + sign(t, c) + "\r\nHost: x\r\n"
	require.Equal(t, "HTTP/1.1 400 Bad Request", raw("POST /new_feature_endpoint HTTP/1.1\r\n"+head+"Content-Length: 100\r\n\r\n{"))
	require.Equal(t, "HTTP/1.1 431 Request Header Fields Too Large", raw("POST / HTTP/1.1\r\n"+head+"X-Long: "+strings.Repeat("x", 80<<10)+"\r\n\r\n"))
	require.Equal(t, "HTTP/1.1 400 Bad Request", raw("POST /%zz HTTP/1.1\r\n"+head+"\r\n"))
	long := r.good(t)
	long.claims["padding"] = strings.Repeat("x", 30_000)
	require.Equal(t, string(token.Malformed), r.send(t, long).entry.Reason)
}

func TestEntriesAreJSON(t *testing.T) {
	r := newRig(t, newFeatureScope())
	text, err := json.Marshal(r.send(t, r.good(t)).entry)
	require.NoError(t, err)
	require.NotContains(t, string(text), "Bearer")
}
