package probe_test

import (
	"bytes"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/world"
)

// relay passes requests on to a service whose URL is known only later.
type relay struct{ to atomic.Pointer[url.URL] }

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	to := r.to.Load()
	if to == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	proxy := httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }}
	proxy.ServeHTTP(w, req)
}

// TestOurBackendsPass: the stub in either profile, held against either. A probe needs to know
// the backend's URL, and the backend those of the issuers: a relay stands between them.
func TestOurBackendsPass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		is, expected feature.Profile
		gaps         bool
		fails        []string // among others; nil means none at all
	}{
		"strict":                {is: feature.Strict, expected: feature.Strict},
		"ai-gateway":            {is: feature.AIGateway, expected: feature.AIGateway, gaps: true},
		"strict for ai-gateway": {is: feature.Strict, expected: feature.AIGateway, fails: []string{"header-type-missing"}},
		"ai-gateway for strict": {is: feature.AIGateway, expected: feature.Strict, fails: []string{"two-authorizations", "expiry-absent", "kid-with-traversal", "other-issuers-key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			between := &relay{}
			p := start(t, serve(t, between), func(o *probe.Options) { o.Profile = test.expected })
			f, err := feature.Parse("f.yaml", []byte("format: 1\nfeature: new_feature_scope\n"+
				"backend: {name: foo, endpoint: POST /new_feature_endpoint, audience: gitlab-foo, profile: "+string(test.is)+"}\n"+
				"cloud_connector: {backend: gitlab-foo, bundled_with: {duo_pro: {unit_primitives: [new_feature_scope]}}}\n"))
			require.NoError(t, err)
			now := clock.Real{}.Now()
			gitlab, customersDot := issuers(p)
			e, err := ecosystem.Start(t.Context(), ecosystem.Options{
				World: world.World{Now: now}, Features: []feature.Feature{f}, Clock: clock.NewRunning(now),
				Parts: []string{ecosystem.Backends}, URLs: ecosystem.URLs{GitLab: gitlab, CustomersDot: customersDot},
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, e.Close(t.Context())) }()
			at, err := url.Parse(e.Services()[0].URL)
			require.NoError(t, err)
			between.to.Store(at)

			r := run(t, p)
			var text bytes.Buffer
			require.NoError(t, r.Write(&text))
			require.Subset(t, r.Failed(), test.fails)
			require.Equal(t, test.fails == nil, r.OK, text.String())
			require.Equal(t, test.gaps, strings.Contains(text.String(), "  200     accepted  known gap of the real library\n"), text.String())
			require.Greater(t, len(r.Verdicts), 100)
		})
	}
}
