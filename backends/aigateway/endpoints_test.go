package aigateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Bodies that the endpoints take.
const (
	fileBody       = `"file_name":"lib/main.go","content_above_cursor":"func ","content_below_cursor":"}"`
	completionBody = `{"prompt_components":[{"type":"code_editor_completion","payload":{` + fileBody + `}}]}`
	generationBody = `{"prompt_components":[{"type":"code_editor_generation","payload":{` + fileBody + `,"prompt":[{"role":"user","content":"write it"}]}},{"type":"code_context","payload":{"type":"file","name":"a.go","content":"x"}}]}`
	contextBody    = `{"prompt_components":[{"type":"code_context","payload":{"type":"file","name":"a.go","content":"x"}}]}`
	agentBody      = `{"messages":[{"role":"user","content":"how do I rebase?"}]}`
	promptBody     = `{"inputs":{"question":"why?"},"prompt_version":"^1.0.0"}`
	searchBody     = `{"type":"search","metadata":{"source":"GitLab EE","version":"18.9.0"},"payload":{"query":"runners","page_size":2}}`
	embeddingsBody = `{"model_metadata":{"provider":"gitlab","identifier":"text_embedding_005"},"contents":["a","b"],"dimensions":3}`
	qBody          = `{"client_id":"c","client_secret":"s","instance_url":"https://gitlab.com","redirect_url":"https://gitlab.com/cb","role_arn":"arn:aws:iam::1:role/q"}`
	qVerifyBody    = `{"role_arn":"arn:aws:iam::1:role/q","code":"x"}`
	qEventBody     = `{"role_arn":"arn:aws:iam::1:role/q","code":"x","payload":{"source":"issue"}}`
	xRayBody       = `{"prompt_components":[{"type":"x_ray_package_file_prompt","payload":{"prompt":"list","provider":"anthropic","model":"claude-2.1"}}]}`
	messagesBody   = `{"model":"claude-sonnet-4-20250514","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}`
)

// endpoint is one of the gateway's, and a call that it answers.
type endpoint struct {
	name, path, body string
	scope            string
	denied           string // the body of the answer to who lacks the scope
	status           int    // of that answer, 403 if 0
	own              bool   // a token of the gateway's own is good for it
	header           map[string]string
	release          string
}

func endpoints() []endpoint {
	detail := func(text string) string { return fmt.Sprintf(`{"detail":%q}`, text) }
	access := func(what string) string { return detail("Unauthorized to access " + what) }
	const crash, action = "Internal Server Error", "Unauthorized to perform action"
	proxied := map[string]string{"X-Gitlab-Unit-Primitive": "explain_vulnerability"}
	return []endpoint{
		{name: "code_completions_v2", path: "/v2/code/completions", body: codeBody, scope: "complete_code", denied: access("code completions"), own: true},
		{name: "completions_v2", path: "/v2/completions", body: codeBody, scope: "complete_code", denied: access("code completions"), own: true},
		{name: "code_completions_v2_amazon_q", path: "/v2/code/completions", body: strings.Replace(codeBody, "{", `{"model_provider":"amazon_q",`, 1), scope: "amazon_q_integration", denied: access("code completions"), own: true},
		{name: "code_generations_v2", path: "/v2/code/generations", body: codeBody, scope: "generate_code", denied: access("code generations")},
		{name: "code_completions_v3", path: "/v3/code/completions", body: completionBody, scope: "complete_code", denied: access("code suggestions")},
		{name: "code_generations_v3", path: "/v3/code/completions", body: generationBody, scope: "generate_code", denied: crash, status: 500, own: true},
		{name: "code_suggestions_v4", path: "/v4/code/suggestions", body: completionBody, scope: "complete_code", denied: access("code suggestions")},
		{name: "code_suggestions_v4_amazon_q", path: "/v4/code/suggestions", body: strings.Replace(completionBody, `"payload":{`, `"payload":{"model_provider":"amazon_q",`, 1), scope: "amazon_q_integration", denied: access("code suggestions")},
		{name: "code_generations_v4", path: "/v4/code/suggestions", body: generationBody, scope: "generate_code", denied: crash, status: 500, own: true},
		{name: "chat_agent_v1", path: "/v1/chat/agent", body: chatBody, scope: "duo_chat", denied: access("duo_chat"), own: true},
		{name: "chat_explain_code", path: "/v1/chat/explain_code", body: chatBody, scope: "duo_chat", denied: access("duo_chat"), own: true},
		{name: "chat_write_tests", path: "/v1/chat/write_tests", body: chatBody, scope: "duo_chat", denied: access("duo_chat"), own: true},
		{name: "chat_refactor_code", path: "/v1/chat/refactor_code", body: chatBody, scope: "duo_chat", denied: access("duo_chat"), own: true},
		{name: "chat_explain_vulnerability", path: "/v1/chat/explain_vulnerability", body: chatBody, scope: "explain_vulnerability", denied: access("explain_vulnerability"), own: true},
		{name: "chat_summarize_comments", path: "/v1/chat/summarize_comments", body: chatBody, scope: "summarize_comments", denied: access("summarize_comments"), own: true},
		{name: "chat_troubleshoot_job", path: "/v1/chat/troubleshoot_job", body: chatBody, scope: "troubleshoot_job", denied: access("troubleshoot_job"), own: true},
		{name: "chat_agent_v2", path: "/v2/chat/agent", body: agentBody, scope: "duo_classic_chat", denied: access("duo chat"), own: true},
		{name: "chat_agent_v2_amazon_q", path: "/v2/chat/agent", body: strings.Replace(agentBody, "{", `{"model_metadata":{"provider":"amazon_q"},`, 1), scope: "amazon_q_integration", denied: access("duo chat"), own: true},
		{name: "prompts_v1", path: "/v1/prompts/chat/explain_code", body: promptBody, scope: "explain_code", denied: access("'chat/explain_code'"), own: true},
		{name: "prompts_v2", path: "/v2/prompts/chat/explain_code", body: promptBody, scope: "explain_code", denied: access("'chat/explain_code'"), own: true},
		{name: "search", path: "/v1/search/gitlab-docs", body: searchBody, scope: "documentation_search", denied: detail("Unauthorized to search documentations"), own: true},
		{name: "embeddings", path: "/v1/embeddings/code_embeddings", body: embeddingsBody, scope: "generate_embeddings_codebase", denied: crash, status: 500, own: true},
		{name: "embeddings_index", path: "/v1/embeddings/code_embeddings/index", body: embeddingsBody, scope: "generate_embeddings_codebase", denied: crash, status: 500, own: true},
		{name: "embeddings_search", path: "/v1/embeddings/code_embeddings/search", body: embeddingsBody, scope: "generate_embeddings_codebase", denied: crash, status: 500, own: true},
		{name: "proxy_anthropic", path: "/v1/proxy/anthropic/v1/messages", body: messagesBody, scope: "explain_vulnerability", denied: access("explain_vulnerability"), own: true, header: proxied},
		{name: "proxy_vertex_ai", path: "/v1/proxy/vertex-ai/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.0-flash:predict", body: `{}`, scope: "explain_vulnerability", denied: access("explain_vulnerability"), own: true, header: proxied},
		{name: "proxy_openai", path: "/v1/proxy/openai/v1/chat/completions", body: `{"model":"gpt-5"}`, scope: "explain_vulnerability", denied: access("explain_vulnerability"), own: true, header: proxied},
		{name: "amazon_q_application", path: "/v1/amazon_q/oauth/application", body: qBody, scope: "amazon_q_integration", denied: detail(action), own: true},
		{name: "amazon_q_application_delete", path: "/v1/amazon_q/oauth/application/delete", body: `{"role_arn":"arn:aws:iam::1:role/q"}`, scope: "amazon_q_integration", denied: detail(action), own: true},
		{name: "amazon_q_application_verify", path: "/v1/amazon_q/oauth/application/verify", body: qVerifyBody, scope: "amazon_q_integration", denied: detail(action), own: true},
		{name: "amazon_q_events", path: "/v1/amazon_q/events", body: qEventBody, scope: "amazon_q_integration", denied: detail(action), own: true},
		{name: "x_ray", path: "/v1/x-ray/libraries", body: xRayBody, scope: "generate_code", denied: access("X Ray"), release: "2025-01"},
	}
}

// wire is what of an answer a client parses: status, the headers that are not the same for all, and the body.
func (a answer) wire() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d\n", a.StatusCode)
	var names []string
	for name := range a.Header {
		if !slices.Contains([]string{"Date", "X-Process-Time", "X-Request-Id", "Content-Length"}, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(a.Header[name], ", "))
	}
	return text.String() + "\n" + a.body + "\n"
}

// deployed is a rig whose AI gateway is deployed so.
func deployed(t testing.TB, change func(a *world.AIGateway)) *rig {
	t.Helper()
	r := newRig(t)
	r.world.AIGateway = &world.AIGateway{}
	change(r.world.AIGateway)
	require.NoError(t, r.Seed(r.world))
	return r
}

// rigOf has a rig of each release.
func rigOf(t testing.TB) func(release string) *rig {
	rigs := map[string]*rig{}
	return func(release string) *rig {
		if rigs[release] == nil {
			rigs[release] = deployed(t, func(a *world.AIGateway) { a.Release = release })
		}
		return rigs[release]
	}
}

func (r *rig) to(t testing.TB, e endpoint) *call {
	c := r.good(t).to(e.path, e.body)
	c.claims["scopes"] = []string{e.scope}
	c.claims["gitlab_instance_uid"] = r.instance("acme").UUID
	for name, value := range e.header {
		c.header.Set(name, value)
	}
	return c
}

// Every endpoint demands its unit primitive, and says what it says.
func TestEndpoints(t *testing.T) {
	of := rigOf(t)
	for _, e := range endpoints() {
		t.Run(e.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/endpoints/"+strings.ReplaceAll(e.name, "_", "-"))
			r := of(e.release)
			a := r.send(t, r.to(t, e))
			require.Less(t, a.StatusCode, 300, "%s %s", a.body, a.entry.Detail)
			goldentest.Text(t, "endpoints/"+e.name+".http", a.wire())

			c := r.to(t, e)
			c.claims["scopes"] = []string{"some_other_scope"}
			a = r.send(t, c)
			want := e.status
			if want == 0 {
				want = http.StatusForbidden
			}
			require.Equal(t, want, a.StatusCode, a.entry.Detail)
			require.Equal(t, e.denied, a.body)
			require.Equal(t, string(token.MissingScope), a.entry.Reason)
			require.NotEmpty(t, a.entry.Scope)

			c = r.to(t, e)
			c.claims["iss"], c.claims["sub"] = "gitlab-ai-gateway", r.ada()
			a = r.send(t, c)
			if e.own {
				require.Less(t, a.StatusCode, 300, a.body)
				return
			}
			require.Equal(t, http.StatusForbidden, a.StatusCode)
			require.Equal(t, e.denied, a.body)
			require.Equal(t, string(token.UserTokenNotAllowed), a.entry.Reason)
		})
	}
}

// The order is: token, path, method, body, unit primitive.
func TestOrderOfChecks(t *testing.T) {
	of := rigOf(t)
	for _, e := range endpoints() {
		t.Run(e.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/auth/body-before-scope")
			r := of(e.release)
			c := r.to(t, e)
			c.body, c.token = "{", "x"
			require.Equal(t, http.StatusUnauthorized, r.send(t, c).StatusCode)
			c = r.to(t, e)
			c.method, c.body = http.MethodDelete, "{"
			a := r.send(t, c)
			require.Equal(t, http.StatusMethodNotAllowed, a.StatusCode)
			require.Equal(t, `{"detail":"Method Not Allowed"}`, a.body)
			require.Equal(t, "POST", a.Header.Get("Allow"))
			c = r.to(t, e)
			c.body, c.claims["scopes"] = "{", []string{}
			want := http.StatusUnprocessableEntity
			if strings.HasPrefix(e.name, "proxy_") {
				want = http.StatusForbidden // which reads the body last
			}
			require.Equal(t, want, r.send(t, c).StatusCode)
		})
	}
}

// An endpoint that a release does not have is a path like any other.
func TestReleases(t *testing.T) {
	of := rigOf(t)
	for _, c := range []struct{ fact, method, path, body, without string }{
		{"definitions", "GET", "/v1/models/definitions", "", "2025-01"},
		{"prompts-v2", "POST", "/v2/prompts/chat/explain_code", promptBody, "2025-01"},
		{"embeddings", "POST", "/v1/embeddings/code_embeddings", embeddingsBody, "2025-01"},
		{"openai", "POST", "/v1/proxy/openai/v1/models", "{}", "2025-01"},
		{"x-ray", "POST", "/v1/x-ray/libraries", xRayBody, "2026-08"},
	} {
		t.Run(c.path, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/releases/"+c.fact)
			r := of(c.without)
			ask := r.good(t).to(c.path, c.body)
			ask.method = c.method
			a := r.send(t, ask)
			require.Equal(t, http.StatusNotFound, a.StatusCode)
			require.Equal(t, `{"detail":"Not Found"}`, a.body)
			ask = r.good(t).to(c.path, c.body)
			ask.method = http.MethodPut
			require.Equal(t, http.StatusNotFound, r.send(t, ask).StatusCode)
			require.Equal(t, http.StatusUnauthorized, r.bare(t, c.method, c.path, nil).StatusCode)
		})
	}
}

func TestDefinitionsNeedNoToken(t *testing.T) {
	fidelity.Proves(t, "aigateway/endpoints/models-definitions")
	r := newRig(t)
	a := r.bare(t, http.MethodGet, "/v1/models/definitions", nil)
	require.Equal(t, http.StatusOK, a.StatusCode)
	goldentest.JSON(t, "definitions.json", a.body)
	a = r.bare(t, http.MethodGet, "/v1/models/definitions/", nil)
	require.Equal(t, http.StatusUnauthorized, a.StatusCode, "spelt exactly so")
}
