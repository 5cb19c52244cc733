package aigateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// FuzzRequest sends anything to any endpoint, past authentication. Nothing is answered 500 but where the real gateway
// crashes too, and every refusal is in the gateway's words.
func FuzzRequest(f *testing.F) {
	r := newRig(f)
	r.world.AIGateway = &world.AIGateway{Bypass: "external", NoInternalEvents: true}
	require.NoError(f, r.Seed(r.world))
	for _, e := range endpoints() {
		f.Add(e.path, e.body, "application/json", "explain_vulnerability")
		f.Add(e.path, strings.Replace(e.body, ":", ":[", 1), "", "")
	}
	f.Add("/v1/prompts/%2e%2e/%00", `{"inputs":{},"prompt_version":">=1 <x"}`, "application/json", "\x7f")
	f.Add("/v1/proxy/vertex-ai/v1/projects/p/locations/l/publishers/p/models/:", `NaN`, "text/plain", "complete_code")
	handler := r.Handler()
	f.Fuzz(func(t *testing.T, path, body, kind, primitive string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ai.test/", strings.NewReader(body))
		require.NoError(t, err)
		if req.URL, err = req.URL.Parse("/" + strings.TrimLeft(path, "/")); err != nil || req.URL.Host != "ai.test" {
			return // no request of HTTP's
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("X-Gitlab-Unit-Primitive", primitive)
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, req)
		require.Less(t, got.Code, 500, "%s", got.Body)
		if got.Code >= 400 {
			var said struct {
				Detail string `json:"detail"`
			}
			require.NoError(t, json.Unmarshal(got.Body.Bytes(), &said))
			require.NotEmpty(t, said.Detail)
		}
	})
}

// FuzzAuthorization sends any Authorization and other headers. What is answered 500 has the reason of a crash.
func FuzzAuthorization(f *testing.F) {
	r := newRig(f)
	c := r.good(f)
	raw, err := token.Forge(c.signer, c.jose, c.claims)
	require.NoError(f, err)
	for _, authorization := range []string{"", "Bearer", "Bearer ", "bearer " + raw, "Bearer " + raw, "Basic x", "Bearer a.b.c", "Bearer " + raw + ".x", "\x00"} {
		f.Add(authorization, "oidc", "self-managed", "7")
	}
	f.Add("Bearer "+raw, "OIDC", "", "x")
	handler := r.Handler()
	f.Fuzz(func(t *testing.T, authorization, kind, realm, project string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ai.test/v2/code/completions", strings.NewReader(codeBody))
		require.NoError(t, err)
		req.Header = http.Header{
			"Authorization": {authorization}, "X-Gitlab-Authentication-Type": {kind}, "X-Gitlab-Realm": {realm}, "X-Gitlab-Project-Id": {project},
			"X-Gitlab-Instance-Id": {r.instance("acme").UUID},
		}
		before := r.env.Journal.Last()
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, req)
		entries := r.env.Journal.Entries(journal.Filter{After: before})
		entry := entries[len(entries)-1]
		switch got.Code {
		case http.StatusOK:
			require.Contains(t, got.Body.String(), "text_completion")
		case http.StatusUnauthorized:
			require.Contains(t, got.Body.String(), `{"error":"`)
			require.NotEmpty(t, entry.Reason)
		case http.StatusForbidden:
			require.Contains(t, got.Body.String(), `{"detail":"`)
		case http.StatusInternalServerError:
			require.Equal(t, "Internal Server Error", got.Body.String())
			require.Equal(t, string(token.Malformed), entry.Reason, "a crash of the real one's")
		default:
			t.Errorf("status %d", got.Code)
		}
	})
}
