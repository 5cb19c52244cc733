package backends_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/backends"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
)

var now = time.Date(2024, 2, 14, 23, 0, 0, 0, time.UTC)

// newFeatureScope is the tutorial's feature.
func newFeatureScope() feature.Feature {
	return feature.Feature{
		Name: "new_feature_scope",
		Backend: feature.Backend{
			Name: "foo", Endpoint: feature.Endpoint{Method: "POST", Path: "/new_feature_endpoint"},
			Scope: "new_feature_scope", Audience: "gitlab-ai-gateway", Profile: feature.Strict,
			Reply: map[string]any{"id": "id", "created": "${now.unix}", "extra": "Feature"},
		},
	}
}

// on changes a feature's backend.
func on(f feature.Feature, change func(*feature.Backend)) feature.Feature {
	change(&f.Backend)
	return f
}

type rig struct {
	*backends.Stub
	env          stub.Env
	clock        *clock.Adjustable
	world        world.World
	gitlab, cdot *tokentest.Issuer
	urls         map[string]string
	client       *http.Client
}

func newRig(t testing.TB, features ...feature.Feature) *rig {
	t.Helper()
	r := &rig{
		gitlab: tokentest.NewIssuer(t, "gitlab"), cdot: tokentest.NewIssuer(t, "customersdot"),
		world: world.World{Now: now, Instances: []world.Instance{{Name: "acme", Realm: world.SelfManaged}}},
		urls:  map[string]string{},
	}
	require.Empty(t, r.world.Complete())
	r.env, r.clock = stubtest.Env(r.world)
	var err error
	r.Stub, err = backends.New(r.env, backends.Options{
		Features: features, Keys: tokentest.Pool(), URL: func(name string) string { return r.urls[name] },
		Issuers: []token.Issuer{r.gitlab.As("GitLab"), r.cdot.As("CustomersDot")},
	})
	require.NoError(t, err)
	require.NoError(t, r.Seed(r.world))
	for _, name := range r.Names() {
		ln, err := stub.Listen(t.Context(), name, "127.0.0.1:0")
		require.NoError(t, err)
		server := stub.Serve(ln, r.Handler(name), nil, slog.New(slog.DiscardHandler))
		t.Cleanup(func() { require.NoError(t, server.Close(context.Background())) })
		r.urls[name] = server.URL()
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport}
	return r
}

// call is a request, good as it is made, to be spoilt.
type call struct {
	backend, method, path, body string
	header                      http.Header
	signer                      *token.Key
	jose, claims                map[string]any // of the token
	token                       string         // in place of a signed one
}

// good is a request of acme's, with CustomersDot's token.
func (r *rig) good(t testing.TB) *call {
	t.Helper()
	acme, _ := r.world.Instance("acme")
	signer, at := tokentest.Key(t, "customersdot"), r.clock.Now()
	return &call{
		backend: "foo", method: http.MethodPost, path: "/new_feature_endpoint", body: `{"prompt":"x"}`,
		header: http.Header{
			"Content-Type": {"application/json"}, "X-Request-Id": {"call-1"},
			"X-Gitlab-Realm": {"self-managed"}, "X-Gitlab-Instance-Id": {acme.UUID}, "X-Gitlab-Global-User-Id": {"ada"},
		},
		signer: signer,
		jose:   map[string]any{"alg": "RS256", "typ": "JWT", "kid": signer.ID()},
		claims: map[string]any{
			"jti": "jti-1", "iss": r.cdot.URL, "aud": "gitlab-ai-gateway", "sub": acme.UUID,
			"iat": at.Unix(), "nbf": at.Unix() - 5, "exp": at.Unix() + 3*24*3600,
			"gitlab_realm": "self-managed", "scopes": []string{"new_feature_scope", "other_scope"},
		},
	}
}

// saas makes it a request of GitLab.com's, with its own token.
func (c *call) saas(t testing.TB, r *rig) *call {
	t.Helper()
	gitlab, _ := r.world.Instance(world.GitLabCom)
	c.signer = tokentest.Key(t, "gitlab")
	c.jose["kid"] = c.signer.ID()
	c.claims["iss"], c.claims["gitlab_realm"], c.claims["sub"] = r.gitlab.URL, "saas", gitlab.UUID
	c.header.Set("X-Gitlab-Realm", "saas")
	c.header.Set("X-Gitlab-Instance-Id", gitlab.UUID)
	return c
}

type answer struct {
	*http.Response
	body  string
	entry journal.Entry
}

func (r *rig) send(t testing.TB, c *call) answer {
	t.Helper()
	if c.token == "" {
		raw, err := token.Forge(c.signer, c.jose, c.claims)
		require.NoError(t, err)
		c.token = raw
	}
	if _, set := c.header["Authorization"]; !set {
		c.header.Set("Authorization", "Bearer "+c.token)
	}
	req, err := http.NewRequestWithContext(t.Context(), c.method, r.urls[c.backend]+c.path, strings.NewReader(c.body))
	require.NoError(t, err)
	req.Header = c.header
	before := r.env.Journal.Last()
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.env.Journal.Last() > before }, 5*time.Second, time.Millisecond)
	entries := r.env.Journal.Entries(journal.Filter{After: before})
	return answer{resp, string(body), entries[len(entries)-1]}
}
