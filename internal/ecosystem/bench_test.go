package ecosystem_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/scenarios"
)

// BenchmarkStart is from nothing to the first verified feature call, with keys at hand.
func BenchmarkStart(b *testing.B) {
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(b, err)
	client := &http.Client{Transport: &http.Transport{}}
	for b.Loop() {
		e, err := ecosystem.Start(b.Context(), ecosystem.Options{World: given(), Features: features, Keys: tokentest.Pool()})
		require.NoError(b, err)
		var gitlab string
		for _, s := range e.Services() {
			if s.Name == "gitlab" {
				gitlab = s.URL
			}
		}
		status, body := use(b, client, gitlab, "glpat-grace")
		require.Equal(b, http.StatusOK, status, body)
		b.StopTimer()
		client.CloseIdleConnections()
		require.NoError(b, e.Close(context.Background()))
		b.StartTimer()
	}
}

// BenchmarkCall is one end-user call through Rails, gateway and a verifying backend.
// BenchmarkCall/signature is what one RSA-2048 signature costs here, to compare with.
func BenchmarkCall(b *testing.B) {
	for name, c := range map[string]struct{ instance, pat string }{
		"self-managed": {"acme", "glpat-ada"},
		"saas":         {"gitlab", "glpat-grace"},
	} {
		b.Run(name, func(b *testing.B) {
			r := start(b)
			if c.instance == "acme" {
				require.Equal(b, control.Succeeded, r.sync(b, "acme").Outcome)
			}
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
			defer client.CloseIdleConnections()
			target := r.url(b, c.instance) + "/api/v4/new_feature_scope"
			b.ReportAllocs()
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, target, strings.NewReader("{}"))
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Private-Token", c.pat)
				req.Header.Set("Content-Type", "application/json")
				resp, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Fatal(resp.Status)
				}
			}
		})
	}
	b.Run("signature", func(b *testing.B) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(b, err)
		sum := sha256.Sum256([]byte("header.payload"))
		for b.Loop() {
			if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
