package aigateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

// Each row changes one thing of a good call. What the real gateway answers to the token
// itself is measured in package token, row by row; this is about the way out of here.
func TestOneThingChanged(t *testing.T) {
	fidelity.Proves(t,
		"aigateway/auth/every-path", "aigateway/auth/no-header", "aigateway/auth/scheme", "aigateway/auth/type",
		"aigateway/auth/header-mismatch", "aigateway/auth/body-before-scope", "aigateway/auth/seat-count-logged",
		"aigateway/headers/process-time", "verifier/issuer/unchecked", "verifier/audience/optional",
		"verifier/expiry/optional", "verifier/kid/ignored", "verifier/scopes/substring", "verifier/scopes/null",
	)
	const (
		forbidden = `{"error":"Forbidden by auth provider"}`
		noHeader  = `{"error":"No authorization header presented"}`
		crash     = "Internal Server Error"
		noScope   = `{"detail":"Unauthorized to access code completions"}`
	)
	mismatch := func(header string) string { return fmt.Sprintf(`{"error":"Header mismatch '%s'"}`, header) }
	r := newRig(t)
	for _, c := range []struct {
		name   string
		change func(c *call)
		status int
		body   string // "" for an answer
		reason token.Reason
	}{
		{"nothing", func(*call) {}, 200, "", ""},
		{"saas", func(c *call) { c.saas(t, r) }, 200, "", ""},
		{"no authorization", func(c *call) { c.header["Authorization"] = nil }, 401, noHeader, token.NoToken},
		{"basic", func(c *call) { c.header.Set("Authorization", "Basic x") }, 401, `{"error":"Invalid authorization header"}`, token.WrongScheme},
		{"no auth type", func(c *call) { c.header.Del("X-Gitlab-Authentication-Type") }, 401, `{"error":"Invalid authentication token type - only OIDC is supported"}`, token.WrongAuthType},
		{"garbage", func(c *call) { c.token = "garbage" }, 401, forbidden, token.Malformed},
		{"HS256", func(c *call) { c.jose["alg"] = "HS256" }, 401, forbidden, token.WrongAlgorithm},
		{"a stranger's key", func(c *call) { c.signer = tokentest.Key(t, "stranger") }, 401, forbidden, token.BadSignature},
		{"a stranger's kid", func(c *call) { c.jose["kid"] = "stranger" }, 200, "", ""},
		{"another issuer", func(c *call) { c.claims["iss"] = "https://gitlab.com" }, 200, "", ""},
		{"expired", func(c *call) { c.claims["exp"] = now.Unix() - 1 }, 401, forbidden, token.Expired},
		{"no expiry", func(c *call) { delete(c.claims, "exp") }, 200, "", ""},
		{"not yet valid", func(c *call) { c.claims["nbf"] = now.Unix() + 1 }, 401, forbidden, token.NotYetValid},
		{"audience", func(c *call) { c.claims["aud"] = "gitlab-observability-backend" }, 401, forbidden, token.WrongAudience},
		{"no audience", func(c *call) { delete(c.claims, "aud") }, 200, "", ""},
		{"no realm", func(c *call) { c.header.Del("X-Gitlab-Realm") }, 401, mismatch("X-Gitlab-Realm"), token.MissingHeader},
		{"realm", func(c *call) { c.header.Set("X-Gitlab-Realm", "saas") }, 401, mismatch("X-Gitlab-Realm"), token.RealmMismatch},
		{"no instance id", func(c *call) { c.header.Del("X-Gitlab-Instance-Id") }, 401, mismatch("X-Gitlab-Instance-Id"), token.MissingHeader},
		{"instance id", func(c *call) { c.header.Set("X-Gitlab-Instance-Id", "other") }, 401, mismatch("X-Gitlab-Instance-Id"), token.InstanceMismatch},
		{"no user id", func(c *call) { c.header.Del("X-Gitlab-Global-User-Id") }, 200, "", ""},
		{"seat count", func(c *call) { c.claims["duo_seat_count"] = 5; c.header.Set("X-Gitlab-Duo-Seat-Count", "6") }, 200, "", ""},
		{"scope", func(c *call) { c.claims["scopes"] = []string{"duo_chat"} }, 403, noScope, token.MissingScope},
		{"no scopes", func(c *call) { delete(c.claims, "scopes") }, 403, noScope, token.MissingScope},
		{"scopes null", func(c *call) { c.claims["scopes"] = nil }, 500, crash, token.Malformed},
		{"scopes as a text", func(c *call) { c.claims["scopes"] = "xcomplete_codex" }, 200, "", ""},
		{"expiry null", func(c *call) { c.claims["exp"] = nil }, 500, crash, token.Malformed},

		{"path", func(c *call) { c.path = "/nowhere" }, 404, `{"detail":"Not Found"}`, ""},
		{"root", func(c *call) { c.path = "/" }, 404, `{"detail":"Not Found"}`, ""},
		{"documentation", func(c *call) { c.method, c.path = "GET", "/docs" }, 404, `{"detail":"Not Found"}`, ""},
		{"method", func(c *call) { c.method = "GET" }, 405, `{"detail":"Method Not Allowed"}`, ""},
		{"path, no authorization", func(c *call) { c.path = "/nowhere"; c.header["Authorization"] = nil }, 401, noHeader, token.NoToken},
		{"root, no authorization", func(c *call) { c.method, c.path = "GET", "/"; c.header["Authorization"] = nil }, 401, noHeader, token.NoToken},
		{"method, no authorization", func(c *call) { c.method = "GET"; c.header["Authorization"] = nil }, 401, noHeader, token.NoToken},
		{"another monitoring path", func(c *call) { c.path = "/monitoring/healthz/"; c.header["Authorization"] = nil }, 401, noHeader, token.NoToken},
		{"body before scope", func(c *call) { c.body = ""; c.claims["scopes"] = []string{} }, 422, `{"detail":"Validation error"}`, ""},
		{"token before body", func(c *call) { c.body = ""; c.token = "x" }, 401, forbidden, token.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := r.good(t)
			c.change(changed)
			a := r.send(t, changed)
			require.Equal(t, c.status, a.StatusCode, a.entry.Detail)
			require.Equal(t, string(c.reason), a.entry.Reason, a.entry.Detail)
			require.Equal(t, "call-1", a.Header.Get("X-Request-Id"))
			require.Regexp(t, `^0\.[0-9]+$`, a.Header.Get("X-Process-Time"))
			require.Empty(t, a.Header.Get("WWW-Authenticate"))
			if c.body == "" {
				require.Contains(t, a.body, `"object":"text_completion"`)
				require.NotNil(t, a.entry.Token.Claims, "laxer tokens, too, are told to the journal")
				return
			}
			require.Equal(t, c.body, a.body)
			want := "application/json"
			if c.status == http.StatusInternalServerError {
				want = "text/plain; charset=utf-8"
			}
			require.Equal(t, want, a.Header.Get("Content-Type"))
			if c.reason != "" {
				require.NotEmpty(t, a.entry.Detail)
			}
		})
	}
}

func TestTheJournalHasWhatTheGatewayLogs(t *testing.T) {
	r := newRig(t)
	c := r.good(t)
	c.claims["exp"] = now.Unix() - 60
	require.Contains(t, r.send(t, c).entry.Detail, "(its log: ExpiredSignatureError: Signature has expired.)")
}

func TestOpenPaths(t *testing.T) {
	fidelity.Proves(t, "aigateway/monitoring/open")
	r := newRig(t)
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/monitoring/healthz", 200, "{}"},
		{"GET", "/monitoring/ready", 200, "{}"},
		{"POST", "/monitoring/healthz", 405, `{"detail":"Method Not Allowed"}`},
		{"GET", "/metrics", 404, `{"detail":"Not Found"}`},
	} {
		a := r.bare(t, c.method, c.path, nil)
		require.Equal(t, c.status, a.StatusCode, c.path)
		require.Equal(t, c.body, a.body, c.path)
		require.NotEmpty(t, a.Header.Get("X-Request-Id"), "made up where none is sent")
	}
}

func TestReadinessAndMissingKeys(t *testing.T) {
	fidelity.Proves(t, "aigateway/keys/partial-set")
	r := newRig(t)
	r.gitlab.SetDown(true)
	a := r.bare(t, "GET", "/monitoring/ready", nil)
	require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	require.Equal(t, "{}", a.body)
	require.Contains(t, a.entry.Detail, "GitLab")

	t.Run("the part that was fetched is used for a day", func(t *testing.T) {
		r.gitlab.SetDown(false)
		require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
		a := r.send(t, r.good(t).saas(t, r))
		require.Equal(t, http.StatusUnauthorized, a.StatusCode)
		require.Equal(t, `{"error":"Forbidden by auth provider"}`, a.body)
		r.clock.Advance(24 * time.Hour)
		require.Equal(t, http.StatusOK, r.send(t, r.good(t).saas(t, r)).StatusCode)
	})
	t.Run("a restart fetches at once", func(t *testing.T) {
		before := r.cdot.Fetches()
		r.Restart()
		require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
		require.Equal(t, before+1, r.cdot.Fetches())
	})
}

func TestCORS(t *testing.T) {
	fidelity.Proves(t, "aigateway/cors/preflight")
	r := newRig(t)
	preflight := http.Header{
		"Origin": {"https://example.test"}, "Access-Control-Request-Method": {"POST"},
		"Access-Control-Request-Headers": {"authorization,x-gitlab-realm"},
	}
	for _, path := range []string{"/v2/code/completions", "/nowhere", "/monitoring/healthz"} {
		a := r.bare(t, http.MethodOptions, path, preflight.Clone())
		require.Equal(t, http.StatusOK, a.StatusCode)
		require.Equal(t, "OK", a.body)
		require.Equal(t, "*", a.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "POST", a.Header.Get("Access-Control-Allow-Methods"))
		require.Equal(t, "authorization,x-gitlab-realm", a.Header.Get("Access-Control-Allow-Headers"))
		require.Equal(t, "600", a.Header.Get("Access-Control-Max-Age"))
		require.Equal(t, "cors.preflight", a.entry.Route)
	}
	preflight.Set("Access-Control-Request-Method", "PUT")
	a := r.bare(t, http.MethodOptions, "/v2/code/completions", preflight.Clone())
	require.Equal(t, http.StatusBadRequest, a.StatusCode)
	require.Equal(t, "Disallowed CORS method", a.body)

	require.Equal(t, http.StatusUnauthorized, r.bare(t, http.MethodOptions, "/", nil).StatusCode, "not a preflight")
	a = r.bare(t, http.MethodPost, "/", http.Header{"Origin": {"https://example.test"}})
	require.Equal(t, "*", a.Header.Get("Access-Control-Allow-Origin"), "a page may read refusals, too")
}

func TestLongHeaders(t *testing.T) {
	r := newRig(t)
	c := r.good(t)
	c.claims["padding"] = strings.Repeat("x", 15_000)
	require.Equal(t, http.StatusOK, r.send(t, c).StatusCode, "a token of 20 KiB")
	c = r.good(t)
	c.header.Set("X-Long", strings.Repeat("x", 80<<10))
	raw, err := token.Forge(c.signer, c.jose, c.claims)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, nil)
	require.NoError(t, err)
	req.Header = c.header
	req.Header.Set("Authorization", "Bearer "+raw)
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}

// The seat count is compared where the world says so, as the gateway once did.
func TestSeatCountEnforced(t *testing.T) {
	fidelity.Proves(t, "aigateway/auth/seat-count-enforced")
	r := newRig(t)
	r.world.SeatCountEnforced = true
	require.NoError(t, r.Seed(r.world))
	for _, c := range []struct {
		name   string
		claim  any
		header string
		body   string
		reason token.Reason
	}{
		{"the same", 5, "5", "", ""},
		{"no claim", nil, "5", "", ""},
		{"another", 5, "6", `{"error":"Header mismatch 'X-Gitlab-Duo-Seat-Count'"}`, token.SeatCountMismatch},
		{"not sent", 5, "", `{"error":"Header is missing: 'X-Gitlab-Duo-Seat-Count'"}`, token.MissingHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := r.good(t)
			if c.claim != nil {
				changed.claims["duo_seat_count"] = c.claim
			}
			if c.header != "" {
				changed.header.Set("X-Gitlab-Duo-Seat-Count", c.header)
			}
			a := r.send(t, changed)
			require.Equal(t, string(c.reason), a.entry.Reason, a.entry.Detail)
			if c.body == "" {
				require.Equal(t, http.StatusOK, a.StatusCode)
				return
			}
			require.Equal(t, http.StatusUnauthorized, a.StatusCode)
			require.Equal(t, c.body, a.body)
		})
	}
}
