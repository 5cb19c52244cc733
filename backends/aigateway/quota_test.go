package aigateway_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/backends/aigateway"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
)

// portal is a CustomersDot that is asked for credits. All else goes to the issuer behind it.
type portal struct {
	mu      sync.Mutex
	status  int
	control string
	asked   []*http.Request
	server  *httptest.Server
}

func (p *portal) set(status int, control string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.control = status, control
}

func (p *portal) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

func (p *portal) answer(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r)
	if p.control != "" {
		w.Header().Set("Cache-Control", p.control)
	}
	w.WriteHeader(p.status)
}

// quotaRig is a rig whose AI gateway asks for credits.
func quotaRig(t testing.TB, change func(a *world.AIGateway)) (*rig, *portal) {
	t.Helper()
	r := newRig(t)
	p := &portal{status: http.StatusOK}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/consumers/resolve", p.answer)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, r.cdot.URL+q.URL.Path, http.StatusFound)
	})
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	gateway, err := aigateway.New(r.env, aigateway.Options{
		Name: "ai", Features: []feature.Feature{codeSuggestions()}, Keys: tokentest.Pool(),
		Issuers: []token.Issuer{r.gitlab.As("GitLab"), {Name: "CustomersDot", URL: p.server.URL}},
	})
	require.NoError(t, err)
	r.serve(t, gateway)
	r.world.AIGateway = &world.AIGateway{Quota: true}
	if change != nil {
		change(r.world.AIGateway)
	}
	require.NoError(t, r.Seed(r.world))
	return r, p
}

func TestQuotaRequest(t *testing.T) {
	r, p := quotaRig(t, nil)
	text := func(q *http.Request) string {
		var lines []string
		for part := range strings.SplitSeq(q.URL.RawQuery, "&") {
			lines = append(lines, part)
		}
		var header []string
		for name, values := range q.Header {
			if name != "User-Agent" {
				header = append(header, name+": "+strings.Join(values, ", "))
			}
		}
		slices.Sort(header)
		return q.Method + " " + q.URL.Path + "\n" + strings.Join(header, "\n") + "\n\n" + strings.Join(lines, "\n") + "\n"
	}
	last := func() *http.Request { return p.asked[len(p.asked)-1] }
	full := func(c *call) *call {
		c.claims["gitlab_instance_uid"] = "uid-1"
		for name, value := range map[string]string{
			"X-Gitlab-Version": "18.9.0", "X-Gitlab-Host-Name": "acme.test", "X-Gitlab-Project-Id": "7", "X-Gitlab-Namespace-Id": "8",
			"X-Gitlab-Root-Namespace-Id": "9", "X-Gitlab-User-Id": "3", "X-Gitlab-Deployment-Type": "self-managed",
			"X-Gitlab-Feature-Enablement-Type": "duo_pro", "X-Gitlab-Organization-Id": "1",
		} {
			c.header.Set(name, value)
		}
		return c
	}
	t.Run("self-managed", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/quota/request")
		r.send(t, full(r.allowed(t, "/v2/code/completions", strings.Replace(codeBody, "{", `{"model_name":"codestral-2508",`, 1))))
		goldentest.Text(t, "quota/self_managed.txt", text(last()))
	})
	t.Run("saas", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/quota/root-namespace")
		c := full(r.allowed(t, "/v4/code/suggestions", generationBody)).saas(t, r)
		c.claims["gitlab_root_namespace_id"] = 42
		r.send(t, c)
		goldentest.Text(t, "quota/saas.txt", text(last()))
	})
	for path, want := range map[string][2]string{
		"/v2/completions":                     {"code_completions", "code_suggestions"},
		"/v2/code/generations":                {"code_generations", "code_suggestions"},
		"/v3/code/completions":                {"code_completions", "code_suggestions"},
		"/v1/amazon_q/oauth/application":      {"amazon_q_integration", "amazon_q_integration"},
		"/v1/proxy/anthropic/v1/messages":     {"ai_gateway_proxy_use", "ai_gateway_proxy_use"},
		"/v1/code/user_access_token":          {"code_completions", "code_suggestions"},
		"/v1/amazon_q/oauth/application/dele": {},
	} {
		t.Run(path, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/quota/events")
			body := map[string]string{"/v3/code/completions": completionBody, "/v1/amazon_q/oauth/application": qBody, "/v1/proxy/anthropic/v1/messages": messagesBody}[path]
			if body == "" {
				body = codeBody
			}
			before := p.times()
			c := r.allowed(t, path, body)
			c.header.Set("X-Gitlab-User-Id", "asks for "+path)
			r.send(t, c)
			if want[0] == "" {
				require.Equal(t, before, p.times(), "a path that is nobody's costs nothing")
				return
			}
			require.Equal(t, before+1, p.times())
			require.Equal(t, want, [2]string{last().URL.Query().Get("event_type"), last().URL.Query().Get("feature_qualified_name")})
		})
	}
	t.Run("not for chat, prompts and search", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/quota/events")
		before := p.times()
		r.send(t, r.allowed(t, "/v2/chat/agent", agentBody))
		r.send(t, r.allowed(t, "/v1/prompts/chat/explain_code", promptBody))
		r.send(t, r.allowed(t, "/v1/search/gitlab-docs", searchBody))
		require.Equal(t, before, p.times())
	})
}

func TestQuotaWithoutInternalEvents(t *testing.T) {
	fidelity.Proves(t, "aigateway/quota/without-internal-events")
	r, p := quotaRig(t, func(a *world.AIGateway) { a.NoInternalEvents = true })
	r.send(t, r.allowed(t, "/v2/code/completions", codeBody))
	require.Equal(t, "environment=development&source=ai-gateway-python&unique_instance_id="+r.instance("acme").UUID+
		"&realm=self-managed&correlation_id=call-1&event_type=code_completions&feature_qualified_name=code_suggestions&feature_ai_catalog_item=false",
		p.asked[0].URL.RawQuery)
}

func TestQuotaAnswers(t *testing.T) {
	const (
		exceeded = `{"error":"insufficient_credits","error_code":"USAGE_QUOTA_EXCEEDED","message":"Consumer does not have sufficient credits for this request"}`
		entitled = `{"error":"not_entitled","error_code":"USAGE_QUOTA_NOT_ENTITLED","message":"Consumer does not have entitlements to use this feature."}`
	)
	r, p := quotaRig(t, nil)
	for _, c := range []struct {
		fact           string
		answer, status int
		body, reason   string
	}{
		{"allowed", 200, 200, "", ""},
		{"exceeded", 402, 402, exceeded, "insufficient_credits"},
		{"not-entitled", 403, 403, entitled, "not_entitled"},
		{"fail-closed", 500, 403, entitled, "quota_unavailable"},
		{"fail-closed", 404, 403, entitled, "quota_unavailable"},
	} {
		t.Run(http.StatusText(c.answer), func(t *testing.T) {
			fidelity.Proves(t, "aigateway/quota/"+c.fact)
			r.Restart()
			p.set(c.answer, "")
			a := r.send(t, r.allowed(t, "/v2/code/completions", codeBody))
			require.Equal(t, c.status, a.StatusCode, a.entry.Detail)
			require.Equal(t, c.reason, a.entry.Reason)
			if c.body == "" {
				return
			}
			require.JSONEq(t, c.body, a.body)
			require.Equal(t, "application/json", a.Header.Get("Content-Type"))
		})
	}
	p.set(402, "")
	t.Run("the body comes first, the scope after", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/quota/order")
		r.Restart()
		bad := r.allowed(t, "/v2/code/completions", "{}")
		bad.claims["scopes"] = []string{}
		require.Equal(t, http.StatusUnprocessableEntity, r.send(t, bad).StatusCode)
		denied := r.allowed(t, "/v2/code/completions", codeBody)
		denied.claims["scopes"] = []string{}
		require.Equal(t, http.StatusPaymentRequired, r.send(t, denied).StatusCode)
		denied = r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody)
		denied.claims["scopes"] = []string{}
		require.Equal(t, http.StatusForbidden, r.send(t, denied).StatusCode, "but for the proxy")
	})
	t.Run("a claim that skips it", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/quota/skipped")
		for _, c := range []struct {
			claim any
			want  int
		}{{true, 200}, {"yes", 200}, {1, 200}, {false, 402}, {"", 402}, {nil, 402}} {
			ask := r.allowed(t, "/v2/code/completions", codeBody)
			ask.claims["skip_usage_cutoff"] = c.claim
			require.Equal(t, c.want, r.send(t, ask).StatusCode, "%v", c.claim)
		}
	})
	t.Run("off, and before its time", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/quota/off")
		before := p.times()
		for _, a := range []world.AIGateway{{}, {Quota: true, Release: "2025-01"}} {
			r.world.AIGateway = &a
			require.NoError(t, r.Seed(r.world))
			require.Equal(t, http.StatusOK, r.send(t, r.allowed(t, "/v2/code/completions", codeBody)).StatusCode)
		}
		require.Equal(t, before, p.times())
	})
}

func TestQuotaIsKept(t *testing.T) {
	fidelity.Proves(t, "aigateway/quota/kept")
	r, p := quotaRig(t, nil)
	ask := func(change func(c *call)) int {
		t.Helper()
		c := r.allowed(t, "/v2/code/completions", codeBody)
		c.claims["exp"] = r.clock.Now().Add(time.Hour).Unix()
		change(c)
		return r.send(t, c).StatusCode
	}
	same := func(*call) {}
	p.set(402, "private, max-age=600")
	require.Equal(t, 402, ask(same))
	p.set(200, "")
	require.Equal(t, 402, ask(func(c *call) { c.header.Set("X-Request-Id", "other") }), "of what is not a part of the key")
	require.Equal(t, 402, ask(func(c *call) { c.header.Set("X-Gitlab-Version", "1.0") }))
	require.Equal(t, 1, p.times())
	require.Equal(t, 200, ask(func(c *call) { c.header.Set("X-Gitlab-User-Id", "8") }), "another user")
	require.Equal(t, 200, ask(func(c *call) { c.path = "/v2/code/generations" }), "another event")
	require.Equal(t, 3, p.times())
	r.clock.Advance(9*time.Minute - time.Second) // a tenth less than it said
	require.Equal(t, 402, ask(same))
	r.clock.Advance(2*time.Minute + time.Second) // and a tenth more
	require.Equal(t, 200, ask(same))
	require.Equal(t, 4, p.times())
	p.set(402, "")
	r.clock.Advance(54*time.Minute - time.Second)
	require.Equal(t, 200, ask(same), "an hour where nothing is said")
	r.clock.Advance(12 * time.Minute)
	require.Equal(t, 402, ask(same))

	r.Restart()
	p.set(500, "")
	before := p.times()
	require.Equal(t, 403, ask(same))
	require.Equal(t, 403, ask(same))
	require.Equal(t, before+2, p.times(), "errors are not kept")
}

func TestQuotaIsAskedOnceByMany(t *testing.T) {
	fidelity.Proves(t, "aigateway/quota/merged")
	r, p := quotaRig(t, nil)
	p.mu.Lock() // so that CustomersDot does not answer yet
	var wait sync.WaitGroup
	for range 8 {
		c := r.allowed(t, "/v2/code/completions", codeBody)
		raw, err := token.Forge(c.signer, c.jose, c.claims)
		require.NoError(t, err)
		c.header.Set("Authorization", "Bearer "+raw)
		wait.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+c.path, strings.NewReader(c.body))
			if err == nil {
				req.Header = c.header
				var resp *http.Response
				if resp, err = r.client.Do(req); err == nil {
					err = resp.Body.Close()
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	p.mu.Unlock()
	wait.Wait()
	require.Equal(t, 1, p.times())
}

func TestQuotaOfNobody(t *testing.T) {
	fidelity.Proves(t, "aigateway/quota/fail-closed")
	r, p := quotaRig(t, nil)
	require.Equal(t, http.StatusOK, r.send(t, r.allowed(t, "/v2/code/completions", codeBody)).StatusCode, "the keys are there")
	p.server.Close()
	c := r.allowed(t, "/v2/code/completions", codeBody)
	c.header.Set("X-Gitlab-User-Id", "8")
	a := r.send(t, c)
	require.Equal(t, http.StatusForbidden, a.StatusCode)
	require.Equal(t, "quota_unavailable", a.entry.Reason)
	require.Contains(t, a.entry.Detail, "CustomersDot cannot be asked for credits")
}
