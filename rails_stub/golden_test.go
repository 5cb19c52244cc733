package railsstub_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
)

// versions are one of each generation.
var versions = []string{
	"16.8.1", "16.9.2", "16.11.0", "17.0.1", "17.1.0", "17.2.0", "17.5.1", "17.9.0", "17.11.0", "18.3.0", "18.9.0-pre",
}

// masks hide what differs from run to run.
var masks = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`ey[\w-]+\.[\w-]+\.[\w-]+`), "<token>"},
	{regexp.MustCompile(`(X-Request-Id: )[0-9a-f]{32}`), "$1<id>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "<host>"},
	{regexp.MustCompile(`"licenseKey":"[^"]+"`), `"licenseKey":"<key>"`},
}

func mask(text string) string {
	for _, m := range masks {
		text = m.find.ReplaceAllString(text, m.put)
	}
	return text
}

func show(s sent) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n", s.method, s.path)
	for _, name := range slices.Sorted(maps.Keys(s.header)) {
		if name == "Content-Length" { // says nothing that the body does not
			continue
		}
		for _, value := range s.header[name] {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	return mask(out.String() + "\n" + strings.ReplaceAll(s.body, `\n`, "\n") + "\n\n")
}

func showToken(t *testing.T, raw string, now time.Time) string {
	t.Helper()
	d, err := token.Decode(raw)
	require.NoError(t, err)
	var out strings.Builder
	for _, part := range []map[string]any{d.Header, d.Claims} {
		for _, name := range slices.Sorted(maps.Keys(part)) {
			value := part[name]
			switch name {
			case "iat", "nbf", "exp":
				seconds, _ := value.(float64)
				value = "now" + time.Unix(int64(seconds), 0).Sub(now).String()
			case "jti":
				require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, value)
				value = "<uuid>"
			case "kid":
				require.Len(t, value, 43)
				value = "<thumbprint>"
			}
			fmt.Fprintf(&out, "%s: %v (%T)\n", name, value, value)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// TestGenerations holds, for each generation, the sync request, the requests of three kinds
// of features from both realms, and the token that GitLab.com signs, against golden files.
func TestGenerations(t *testing.T) {
	fidelity.Proves(t,
		"rails/headers/realm", "rails/headers/deployment-type", "rails/headers/version",
		"rails/headers/instance-id", "rails/headers/authentication-type", "rails/claims/lifetime",
		"rails/claims/nbf", "rails/claims/jti", "rails/claims/realm", "rails/claims/algorithm", "rails/claims/kid",
		"rails/claims/sub", "rails/claims/aud-text", "rails/claims/aud-list", "rails/sync/first-selection",
		"rails/sync/bundled-with", "rails/sync/catalog", "rails/sync/catalog-alone",
	)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := given(version)
			bought := []catalog.Purchase{{AddOn: "duo_pro", Seats: 20}}
			for n := range w.Instances {
				w.Instances[n].AddOns = bought
			}
			for n := range w.Users {
				w.Users[n].Seats = []string{"duo_pro"}
				w.Users[n].TeamMember = w.Users[n].Name == "com"
			}
			r := newRig(t, w)
			now := r.clock.Now()
			r.portal.answers(reply(http.StatusOK, access(t, portalToken(t, now, "one"), now.Add(72*time.Hour).Unix())))
			require.Equal(t, "service_access_tokens: created", r.sync(true).Message)

			var out strings.Builder
			section := func(title, text string) { fmt.Fprintf(&out, "== %s ==\n%s", title, text) }
			section("token sync", show(r.portal.last(t)))
			call := func(title, instance, user, path, body string) {
				got := r.request(http.MethodPost, instance, path, body, "Private-Token", "glpat-"+user, "User-Agent", "code/1",
					"X-Gitlab-Language-Server-Version", "6.0", "X-Gitlab-Client-Type", "vscode", "X-Gitlab-Global-User-Id", "forged")
				require.Equal(t, http.StatusOK, got.status, "%s: %s", title, got.body)
				section(title, show(r.gateway.last(t)))
			}
			suggest := `{"current_file":{"file_name":"a.rb","content_above_cursor":"def x"},"intent":"completion"}`
			call("tutorial's feature, self-managed", "acme", "ada", "/api/v4/new_feature_scope", `{"q":1}`)
			call("tutorial's feature, saas", "gitlab", "com", "/api/v4/new_feature_scope", `{"q":1}`)
			section("its token", showToken(t, bearer(r.gateway.last(t)), now))
			call("code suggestions, self-managed", "acme", "ada", "/api/v4/code_suggestions/completions", suggest)
			call("code suggestions, saas", "gitlab", "com", "/api/v4/code_suggestions/completions", suggest)
			section("its token", showToken(t, bearer(r.gateway.last(t)), now))
			call("a free feature of another backend, saas", "gitlab", "com", "/api/v4/security_scans", "")
			section("its token", showToken(t, bearer(r.gateway.last(t)), now))
			call("chat, saas", "gitlab", "com", "/api/v4/chat/completions", `{"content":"why?"}`)
			goldentest.Text(t, "golden/"+version+".txt", out.String())
		})
	}
}

func bearer(s sent) string { return strings.TrimPrefix(s.header.Get("Authorization"), "Bearer ") }
