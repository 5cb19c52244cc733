package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

// The difference between the two is what the gateway costs.

func BenchmarkOriginAlone(b *testing.B) {
	benchmark(b, newOrigin(b, small)+"/x")
}

func BenchmarkHop(b *testing.B) {
	e := newEdge(b, gateway.Options{Routes: map[string]string{
		"foo": newOrigin(b, small), "ai": newOrigin(b, small), "auth": newOrigin(b, small),
	}})
	benchmark(b, e.url+"/foo/x")
}

func BenchmarkHopWithLimits(b *testing.B) {
	e := newEdge(b, gateway.Options{
		Routes: map[string]string{"foo": newOrigin(b, small)},
		Limits: gateway.Limits{PerUser: 1 << 40, PerInstance: 1 << 40, PerUnauthorized: 1 << 40},
	})
	benchmark(b, e.url+"/foo/x")
}

// BenchmarkChain is the hop to an origin that verifies the token, as a backend does.
func BenchmarkChain(b *testing.B) {
	issuer := tokentest.NewIssuer(b, "gitlab")
	clk := clock.NewFrozen(noon)
	verifier := &token.Verifier{
		Keys: token.NewRemoteKeys(clk, nil, []token.Issuer{issuer.As("gitlab")}, token.RemoteOptions{}), Audience: "gitlab-foo", Clock: clk,
	}
	e := newEdge(b, gateway.Options{Routes: map[string]string{"foo": newOrigin(b, func(w http.ResponseWriter, r *http.Request) {
		raw, err := token.FromHeader(r.Header)
		if err == nil {
			_, err = verifier.Verify(r.Context(), raw)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		small(w, r)
	})}})
	raw, err := token.Sign(tokentest.Key(b, "gitlab"), token.Claims{
		Issuer: issuer.URL, Audience: []string{"gitlab-foo"}, ExpiresAt: noon.Add(time.Hour),
	}, token.SignOptions{WithKeyID: true})
	require.NoError(b, err)
	benchmarkAs(b, e.url+"/foo/x", raw)
}

func small(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":"id","created":1708000000,"extra":"Feature"}`)
}

func benchmark(b *testing.B, url string) { benchmarkAs(b, url, strings.Repeat("x", 800)) }

func benchmarkAs(b *testing.B, url, bearer string) {
	client := newClient(b)
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(`{"prompt":"x"}`))
		require.NoError(b, err)
		req.Header = http.Header{
			"Content-Type": {"application/json"}, "Authorization": {"Bearer " + bearer},
			"X-Gitlab-Realm": {"self-managed"}, "X-Gitlab-Instance-Id": {"acme"}, "X-Gitlab-Global-User-Id": {"ada"},
			"X-Request-Id": {"0123456789abcdef"},
		}
		resp, err := client.Do(req)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		require.Equal(b, http.StatusOK, resp.StatusCode)
	}
}
