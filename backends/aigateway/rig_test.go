package aigateway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/backends/aigateway"
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

// declare makes a feature of the backend "ai".
func declare(name, endpoint, scope string, change func(*feature.Backend)) feature.Feature {
	method, path, _ := strings.Cut(endpoint, " ")
	f := feature.Feature{Name: name, Backend: feature.Backend{
		Name: "ai", Endpoint: feature.Endpoint{Method: method, Path: path}, Scope: scope,
		Audience: "gitlab-ai-gateway", Profile: feature.AIGateway, Status: http.StatusOK,
	}}
	if change != nil {
		change(&f.Backend)
	}
	return f
}

func codeSuggestions() feature.Feature {
	return declare("code_suggestions", "POST /v2/code/completions", "complete_code", nil)
}

// rig is an AI gateway under test, and its issuers.
type rig struct {
	*aigateway.Gateway
	env          stub.Env
	clock        *clock.Adjustable
	world        world.World
	gitlab, cdot *tokentest.Issuer
	url          string
	client       *http.Client
}

func newRig(t testing.TB, features ...feature.Feature) *rig {
	t.Helper()
	if len(features) == 0 {
		features = []feature.Feature{codeSuggestions()}
	}
	r := &rig{
		gitlab: tokentest.NewIssuer(t, "gitlab"), cdot: tokentest.NewIssuer(t, "customersdot"),
		world: world.World{
			Now:       now,
			Instances: []world.Instance{{Name: "acme", Realm: world.SelfManaged}},
			Users:     []world.User{{Name: "ada", Instance: "acme"}},
		},
	}
	require.Empty(t, r.world.Complete())
	r.env, r.clock = stubtest.Env(r.world)
	r.gitlab.Redirect() // the real gateway follows redirects
	r.cdot.Redirect()
	gateway, err := aigateway.New(r.env, aigateway.Options{
		Name: "ai", Features: features, Keys: tokentest.Pool(),
		Issuers: []token.Issuer{r.gitlab.As("GitLab"), r.cdot.As("CustomersDot")},
	})
	require.NoError(t, err)
	r.serve(t, gateway)
	require.NoError(t, r.Seed(r.world))
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport}
	return r
}

// serve puts an AI gateway under test.
func (r *rig) serve(t testing.TB, gateway *aigateway.Gateway) {
	t.Helper()
	r.Gateway = gateway
	ln, err := stub.Listen(t.Context(), "ai", "127.0.0.1:0")
	require.NoError(t, err)
	server := stub.Serve(ln, r.Handler(), nil, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, server.Close(context.Background())) })
	r.url = server.URL()
}

func (r *rig) instance(name string) world.Instance {
	i, _ := r.world.Instance(name)
	return i
}

// codeBody is a body that the code endpoints take.
const codeBody = `{"prompt_version":1,"current_file":{"file_name":"lib/main.py","content_above_cursor":"def hello","content_below_cursor":"\n"}}`

// chatBody is one that the chat endpoints take.
const chatBody = `{"prompt_components":[{"type":"prompt","metadata":{"source":"GitLab EE","version":"16.11.0"},"payload":{"content":"why?","provider":"anthropic","model":"claude-2.1"}}]}`

// call is a request, good as it is made, to be spoilt.
type call struct {
	method, path, body string
	header             http.Header
	signer             *token.Key
	jose, claims       map[string]any // of the token
	token              string         // in place of a signed one
}

// good is a request of acme's user ada, with CustomersDot's token for everything.
func (r *rig) good(t testing.TB) *call {
	t.Helper()
	acme, signer, at := r.instance("acme"), tokentest.Key(t, "customersdot"), r.clock.Now()
	return &call{
		method: http.MethodPost, path: "/v2/code/completions", body: codeBody,
		header: http.Header{
			"Content-Type": {"application/json"}, "X-Request-Id": {"call-1"}, "X-Gitlab-Authentication-Type": {"oidc"},
			"X-Gitlab-Realm": {"self-managed"}, "X-Gitlab-Instance-Id": {acme.UUID}, "X-Gitlab-Global-User-Id": {r.ada()},
		},
		signer: signer,
		jose:   map[string]any{"alg": "RS256", "typ": "JWT", "kid": signer.ID()},
		claims: map[string]any{
			"jti": "jti-1", "iss": r.cdot.URL, "aud": "gitlab-ai-gateway", "sub": acme.UUID,
			"iat": at.Unix(), "nbf": at.Unix() - 5, "exp": at.Unix() + 3*24*3600, "gitlab_realm": "self-managed",
			"scopes": []string{"complete_code", "generate_code", "duo_chat", "explain_vulnerability", "new_feature_scope"},
		},
	}
}

// ada is the global id of the user called ada.
func (r *rig) ada() string {
	u, _ := r.world.User("ada")
	return r.instance("acme").GlobalUserID(u)
}

// saas makes it a request of GitLab.com's, with its own token.
func (c *call) saas(t testing.TB, r *rig) *call {
	t.Helper()
	gitlab := r.instance(world.GitLabCom)
	c.signer = tokentest.Key(t, "gitlab")
	c.jose["kid"] = c.signer.ID()
	c.claims["iss"], c.claims["gitlab_realm"], c.claims["sub"] = r.gitlab.URL, "saas", gitlab.UUID
	c.header.Set("X-Gitlab-Realm", "saas")
	c.header.Set("X-Gitlab-Instance-Id", gitlab.UUID)
	return c
}

// to aims the request at another endpoint.
func (c *call) to(path, body string) *call {
	c.path, c.body = path, body
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
	req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, strings.NewReader(c.body))
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

// bare is a request without a token.
func (r *rig) bare(t testing.TB, method, path string, header http.Header) answer {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	header["Authorization"] = nil
	return r.send(t, &call{method: method, path: path, header: header, token: "none"})
}
