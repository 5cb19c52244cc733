package probe_test

import (
	"bytes"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

func start(t *testing.T, o probe.Options) *probe.Probe {
	t.Helper()
	o.Scope, o.Audience = "new_feature_scope", "gitlab-foo"
	p, err := probe.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func issuers(p *probe.Probe) []string {
	var urls []string
	for _, v := range p.Environment() {
		_, u, _ := strings.Cut(v, "=")
		urls = append(urls, u)
	}
	return urls
}

func run(t *testing.T, p *probe.Probe) *probe.Result {
	t.Helper()
	require.NoError(t, p.Wait(t.Context(), 5*time.Second))
	r, err := p.Run(t.Context())
	require.NoError(t, err)
	return r
}

func TestBrokenServicesFailByName(t *testing.T) {
	t.Parallel()
	keys, err := token.NewPool("")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		flaws flaws
		fails []string
	}{
		"sound":                 {flaws{}, nil},
		"expiry not checked":    {flaws{noExpiry: true}, []string{"expired-by-a-second", "expiry-absent"}},
		"nbf ignored":           {flaws{noNotBefore: true}, []string{"not-yet-valid"}},
		"audience ignored":      {flaws{noAudience: true}, []string{"audience-other", "audience-absent", "audience-suffix"}},
		"any algorithm":         {flaws{anyAlgorithm: true}, []string{"alg-none", "alg-none-mixed-case"}},
		"HS256 with public key": {flaws{hmacWithPublicKey: true}, []string{"alg-hs256-keyed-with-"}},
		"scope by substring":    {flaws{scopeBySubstring: true}, []string{"scope-suffix"}},
		"scope not checked":     {flaws{noScope: true}, []string{"scope-absent", "scope-other"}},
		"key of the header":     {flaws{keyOfHeader: true}, []string{"embedded-jwk", "jku-of-the-attacker"}},
		"signature not checked": {flaws{noSignature: true}, []string{"changed-signature", "changed-payload"}},
		"headers not compared":  {flaws{noHeaders: true}, []string{"header-realm-other", "header-instance-missing"}},
		"issuer not tied":       {flaws{anyIssuer: true}, []string{"other-issuers-key", "issuer-absent"}},
		"crashes":               {flaws{crashes: true}, []string{"good", "garbage"}},
		"refuses all":           {flaws{refusesAll: true}, []string{"good", "good-of-gitlab"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &service{flaws: test.flaws}
			server := httptest.NewServer(s)
			defer server.Close()
			o := probe.Options{URL: server.URL + "/new_feature_endpoint", Keys: keys}
			if test.fails != nil { // the sound one gets every call
				o.Run = regexp.MustCompile("^(good|" + strings.Join(test.fails, "|") + ")")
			}
			p := start(t, o)
			s.issuers = issuers(p)
			r := run(t, p)
			failed := strings.Join(r.Failed(), "\n")
			if test.fails == nil {
				require.Empty(t, failed)
			}
			for _, name := range test.fails {
				require.Contains(t, "\n"+failed, "\n"+name)
			}
			if !test.flaws.refusesAll && !test.flaws.crashes {
				require.NotContains(t, r.Failed(), "good")
				require.NotContains(t, r.Failed(), "good-of-gitlab")
			}
			var xml bytes.Buffer
			require.NoError(t, r.Report.WriteJUnit(&xml))
			require.Equal(t, failed != "", strings.Contains(xml.String(), "<failure"))
		})
	}
}

func TestOurBackendsPass(t *testing.T) {
	t.Parallel()
	for profile, gaps := range map[feature.Profile]bool{feature.Strict: false, feature.AIGateway: true} {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			// The backend has to know its issuers, and the probe the backend: a relay between
			// them stands still until both are there.
			relay := &relay{}
			server := httptest.NewServer(relay)
			defer server.Close()
			path := "/new_feature_endpoint"
			p := start(t, probe.Options{URL: server.URL + path, Profile: profile})
			f, err := feature.Parse("f.yaml", []byte("format: 1\nfeature: new_feature_scope\nbackend: {name: foo, endpoint: POST "+path+", audience: gitlab-foo, profile: "+string(profile)+
				"}\ncloud_connector: {backend: gitlab-foo, bundled_with: {duo_pro: {unit_primitives: [new_feature_scope]}}}\n"))
			require.NoError(t, err)
			now, urls := clock.Real{}.Now(), issuers(p)
			e, err := ecosystem.Start(t.Context(), ecosystem.Options{
				World: world.World{Now: now}, Features: []feature.Feature{f}, Clock: clock.NewRunning(now),
				Parts: []string{ecosystem.Backends}, URLs: ecosystem.URLs{GitLab: urls[0], CustomersDot: urls[1]},
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, e.Close(t.Context())) }()
			relay.to(e.Services()[0].URL)
			r := run(t, p)
			var text bytes.Buffer
			require.NoError(t, r.Write(&text))
			require.Empty(t, r.Failed(), text.String())
			require.Equal(t, gaps, strings.Contains(text.String(), "ok (known gap of the real library)"))
			require.Greater(t, len(r.Verdicts), 70)
		})
	}
}

func TestServiceThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	p := start(t, probe.Options{URL: server.URL + "/new_feature_endpoint"})
	err := p.Wait(t.Context(), 300*time.Millisecond)
	require.ErrorContains(t, err, "did not answer within 300ms")
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []probe.Options{
		{URL: "localhost:8000/x", Scope: "scope", Audience: "aud"},
		{URL: "http://localhost/x", Audience: "aud"},
		{URL: "http://localhost/x", Scope: "Not A Scope", Audience: "aud"},
		{URL: "http://localhost/x", Scope: "scope", Audience: "aud", Profile: "lax"},
		{URL: "http://localhost/x", Scope: "scope", Audience: "aud", Method: "FETCH"},
	} {
		_, err := probe.Start(t.Context(), o)
		require.ErrorIs(t, err, probe.ErrOptions)
	}
}
