package probe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/probe/probetest"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

// start starts a probe of what is served at a URL.
func start(t *testing.T, url string, change func(*probe.Options)) *probe.Probe {
	t.Helper()
	o := probe.Options{
		URL: url + "/new_feature_endpoint", Scope: probetest.Scope, Audience: probetest.Audience, Keys: tokentest.Pool(),
	}
	if change != nil {
		change(&o)
	}
	p, err := probe.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// issuers are the URLs of GitLab.com and CustomersDot.
func issuers(p *probe.Probe) (gitlab, customersDot string) {
	env := map[string]string{}
	for _, v := range p.Environment() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	return env["GITLAB_URL"], env["CUSTOMERSDOT_URL"]
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// try probes a service with a flaw.
func try(t *testing.T, flaw probetest.Flaw, change func(*probe.Options)) *probe.Result {
	t.Helper()
	s := &probetest.Service{Flaw: flaw}
	p := start(t, serve(t, s), change)
	s.Trust(issuers(p))
	return run(t, p)
}

func run(t *testing.T, p *probe.Probe) *probe.Result {
	t.Helper()
	require.NoError(t, p.Wait(t.Context(), 5*time.Second))
	r, err := p.Run(t.Context())
	require.NoError(t, err)
	return r
}
