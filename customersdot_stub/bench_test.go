package customersdotstub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func benchmarkQuery(b *testing.B, query string) {
	bed := start(b)
	body, err := json.Marshal(map[string]any{
		"query": query, "variables": map[string]any{"licenseKey": bed.key("acme"), "gitlabVersion": "16.9.2"},
	})
	require.NoError(b, err)
	text := string(body)
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(text))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		bed.stub.Handler().ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkTokenQuery is the sync of one instance, less the network.
func BenchmarkTokenQuery(b *testing.B) { benchmarkQuery(b, selection17) }

// BenchmarkCatalogQuery is the same without a token, so without a signature.
func BenchmarkCatalogQuery(b *testing.B) {
	benchmarkQuery(b, `query($licenseKey: String!) { cloudConnectorAccess(licenseKey: $licenseKey) { availableServices { name } catalog } }`)
}

// BenchmarkSignature is the share of BenchmarkTokenQuery that nobody can save.
func BenchmarkSignature(b *testing.B) {
	key := tokentest.Key(b, "customersdot")
	for n := 0; b.Loop(); n++ {
		// Another text each time: a key remembers what it has signed.
		if _, err := token.Sign(key, token.Claims{ID: strconv.Itoa(n)}, token.SignOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
