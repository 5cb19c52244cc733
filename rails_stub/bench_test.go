package railsstub_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

// BenchmarkCall is one call of an end user through GitLab to an upstream that answers at
// once. The saas ones sign a token each; compare BenchmarkSignature.
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct{ name, version, user string }{
		{"self-managed/16.9", "16.9.2", "ada"},
		{"self-managed/18.9", "18.9.0", "ada"},
		{"saas/16.9", "16.9.2", "com"},
		{"saas/18.9", "18.9.0", "com"},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := given(c.version)
			for n := range w.Instances {
				w.Instances[n].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
			}
			for n := range w.Users {
				w.Users[n].Seats = []string{"duo_pro"}
			}
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header()["Content-Type"] = []string{"application/json"}
				_, _ = io.WriteString(w, `{"extra":"Feature"}`)
			}))
			b.Cleanup(upstream.Close)
			r := newRigAt(b, w, upstream.URL)
			r.synced()
			require.Equal(b, 200, r.use(c.user).status)
			host := map[string]string{"ada": "acme.test", "com": "gitlab.test"}[c.user]
			body := []byte(`{"q":1}`)
			b.ReportAllocs()
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, r.url+tutorialPath, bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				req.Host = host
				req.Header["Private-Token"] = []string{"glpat-" + c.user}
				resp, err := r.client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
					b.Fatal(resp.Status, err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

// BenchmarkSignature is the RSA-2048 signature that a saas call cannot do without.
func BenchmarkSignature(b *testing.B) {
	key := tokentest.Key(b, "gitlab.openid-connect")
	for n := 0; b.Loop(); n++ {
		// Another text each time: a key remembers what it has signed.
		if _, err := token.Sign(key, token.Claims{ID: strconv.Itoa(n), Audience: []string{"x"}}, token.SignOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeed is the start of the instances of a small world.
func BenchmarkSeed(b *testing.B) {
	w := given("16.11.0")
	r := newRig(b, w)
	require.Empty(b, w.Complete())
	b.ReportAllocs()
	for b.Loop() {
		r.jobs.Clear()
		if err := r.stub.Seed(w); err != nil {
			b.Fatal(err)
		}
	}
}
