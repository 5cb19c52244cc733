package backends_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkHealth is what a call costs that verifies nothing.
func BenchmarkHealth(b *testing.B) {
	r := newRig(b, newFeatureScope())
	r.benchmark(b, &call{backend: "foo", method: http.MethodGet, path: "/monitoring/healthz", header: http.Header{}})
}

func BenchmarkVerifiedCall(b *testing.B) {
	r := newRig(b, newFeatureScope())
	r.benchmark(b, r.good(b))
}

func BenchmarkVerifiedCallSaaS(b *testing.B) {
	r := newRig(b, newFeatureScope())
	r.benchmark(b, r.good(b).saas(b, r))
}

func BenchmarkAIGatewayCall(b *testing.B) {
	r := newRig(b, codeSuggestions())
	c := r.good(b)
	c.backend, c.path = "ai", "/v2/code/completions"
	c.body = `{"current_file":{"file_name":"a.py","content_above_cursor":"x","content_below_cursor":"y"}}`
	c.claims["scopes"] = []string{"complete_code"}
	c.header.Set("X-Gitlab-Authentication-Type", "oidc")
	r.benchmark(b, c)
}

func (r *rig) benchmark(b *testing.B, c *call) {
	b.Helper()
	if c.claims != nil {
		c.header.Set("Authorization", "Bearer "+sign(b, c))
	}
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), c.method, r.urls[c.backend]+c.path, strings.NewReader(c.body))
		require.NoError(b, err)
		req.Header = c.header
		resp, err := r.client.Do(req)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		require.Equal(b, http.StatusOK, resp.StatusCode)
	}
}
