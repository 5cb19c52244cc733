package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
)

func TestHeadersPassBothWays(t *testing.T) {
	fidelity.Proves(t, "gateway/headers/pass", "gateway/headers/cloudflare")
	origin := newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
		h.Set("X-Gitlab-Error-Origin", "origin")
		h["Set-Cookie"] = []string{"a=1", "b=2"}
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "gone")
		h.Set("Keep-Alive", "timeout=5")
		h.Set("Server", "origin")
		mirror("foo")(w, r)
	})
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": origin}})
	a := e.send(t, http.MethodPost, "/foo/x", strings.NewReader("{}"),
		"Authorization", "Bearer a.b.c",
		"X-Gitlab-Instance-Id", "instance", "X-Gitlab-Global-User-Id", "user", "X-Gitlab-Realm", "saas",
		"x-gitlab-authentication-type", "oidc", "X-Gitlab-Twice", "1", "X-Gitlab-Twice", "2",
		"X-Request-ID", "abc-1", "Content-Type", "application/json", "Accept-Encoding", "br",
		"X-Forwarded-For", "10.0.0.1", "X-Forwarded-Proto", "https", "Forwarded", "for=10.0.0.1",
		"CF-Connecting-IP", "10.0.0.1", "CF-Ray", "mine", "CF-IPCountry", "NL",
		"Connection", "X-Private", "X-Private", "gone", "Proxy-Authorization", "gone", "TE", "trailers, gzip",
		"User-Agent", "GitLab/16.11",
	)
	got := a.seen(t)
	for name, want := range map[string][]string{
		"Authorization":                {"Bearer a.b.c"},
		"X-Gitlab-Instance-Id":         {"instance"},
		"X-Gitlab-Global-User-Id":      {"user"},
		"X-Gitlab-Realm":               {"saas"},
		"X-Gitlab-Authentication-Type": {"oidc"},
		"X-Gitlab-Twice":               {"1", "2"},
		"X-Request-Id":                 {"abc-1"},
		"Content-Type":                 {"application/json"},
		"Accept-Encoding":              {"br"},
		"X-Forwarded-For":              {"10.0.0.1"},
		"X-Forwarded-Proto":            {"https"},
		"X-Forwarded-Host":             nil,
		"Forwarded":                    {"for=10.0.0.1"},
		"Cf-Connecting-Ip":             {"127.0.0.1"},
		"Cf-Ipcountry":                 {"NL"},
		"X-Private":                    nil,
		"Proxy-Authorization":          nil,
		"Te":                           {"trailers"},
		"User-Agent":                   {"GitLab/16.11"},
	} {
		require.Equal(t, want, got.Header[name], name)
	}
	require.Regexp(t, `^[0-9a-f]{16}-TST$`, got.Header.Get("Cf-Ray"))
	require.Equal(t, got.Host, strings.TrimPrefix(origin, "http://"), "an origin sees its own name")

	require.Equal(t, []string{"Thu, 01 Jan 1970 00:00:00 GMT"}, a.Header["Date"], "the origin's date, once")
	require.Equal(t, []string{"a=1", "b=2"}, a.Header["Set-Cookie"])
	require.Equal(t, "origin", a.Header.Get("X-Gitlab-Error-Origin"))
	require.Equal(t, "origin", a.Header.Get("Server"))
	require.Equal(t, got.Header["Cf-Ray"], a.Header["Cf-Ray"])
	require.Empty(t, a.Header["X-Hop"])
	require.Empty(t, a.Header["Keep-Alive"])

	entry := e.last(t, 1)
	require.Equal(t, "abc-1", entry.RequestID)
	require.Equal(t, "instance", entry.InstanceID)
	require.Equal(t, token.Digest("a.b.c"), entry.Token.Digest)
}

func TestWhatIsMissingIsAdded(t *testing.T) {
	bare := newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		mirror("foo")(w, r)
	})
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": bare}})
	a := e.send(t, http.MethodGet, "/foo/x", nil)
	got, entry := a.seen(t), e.last(t, 1)
	require.Equal(t, []string{entry.RequestID}, got.Header["X-Request-Id"])
	require.NotEmpty(t, entry.RequestID)
	require.Equal(t, []string{"Thu, 15 Feb 2024 12:00:00 GMT"}, a.Header["Date"], "by the ecosystem's clock")
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"} {
		require.Empty(t, got.Header[name], name)
	}
	require.Nil(t, entry.Token)
}

func TestStatusesAndBodiesPassUnchanged(t *testing.T) {
	fidelity.Proves(t, "gateway/answers/unchanged")
	bodies := map[string]string{
		"/401": `{"error":"Forbidden by auth provider"}`, "/422": `{"detail":"Validation error"}`,
		"/500": "Internal Server Error", "/204": "", "/302": "",
	}
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		status := map[string]int{"/401": 401, "/422": 422, "/500": 500, "/204": 204, "/302": 302}[r.URL.Path]
		w.WriteHeader(status)
		if status != http.StatusNoContent {
			_, _ = w.Write([]byte(bodies[r.URL.Path]))
		}
	})}})
	e.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for path, body := range bodies {
		a := e.send(t, http.MethodPost, "/foo"+path, nil)
		require.Equal(t, path[1:], a.Status[:3])
		require.Equal(t, body, a.body)
		require.Equal(t, "/elsewhere", a.Header.Get("Location"), "an origin's own idea of its paths")
	}
}
