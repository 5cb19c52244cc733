package aigateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

// Each row changes one thing of a good call to the proxy, or two, of which the first counts.
func TestProxyRefuses(t *testing.T) {
	const vertex = "/v1/proxy/vertex-ai/v1/projects/p/locations/l/publishers/google/models/"
	r := newRig(t)
	for _, c := range []struct {
		fact, name string
		change     func(c *call)
		status     int
		says       string
	}{
		{"unit-primitive", "no unit primitive", func(c *call) { c.header.Del("X-Gitlab-Unit-Primitive") }, 400, "Missing x-gitlab-unit-primitive header"},
		{"unit-primitive", "no unit primitive, and no path", func(c *call) { c.header.Del("X-Gitlab-Unit-Primitive"); c.path += "/x" }, 400, "Missing x-gitlab-unit-primitive header"},
		{"unit-primitive", "an unknown one", func(c *call) { c.header.Set("X-Gitlab-Unit-Primitive", "dance") }, 400, "Unknown unit primitive header dance"},
		{"unit-primitive", "one of old", func(c *call) { c.header.Set("X-Gitlab-Unit-Primitive", "analyze_ci_job_failure") }, 400, "Unknown unit primitive header analyze_ci_job_failure"},
		{"unit-primitive", "one that is not the token's", func(c *call) { c.header.Set("X-Gitlab-Unit-Primitive", "review_merge_request") }, 403, "Unauthorized to access review_merge_request"},
		{"category", "one that is not for the proxy", func(c *call) { c.header.Set("X-Gitlab-Unit-Primitive", "complete_code") }, 400, "This endpoint cannot be used for complete_code purpose"},
		{"ids", "another instance", func(c *call) { c.claims["gitlab_instance_uid"] = "other" }, 403, "Gitlab instance uid mismatch"},
		{"ids", "no instance in the token", func(c *call) { delete(c.claims, "gitlab_instance_uid") }, 403, "Gitlab instance uid mismatch"},
		{"ids", "saas: a project that the token has not", func(c *call) { c.saas(t, r); c.header.Set("X-Gitlab-Project-Id", "7") }, 403, "Gitlab project id mismatch"},
		{"ids", "saas: a project that the request has not", func(c *call) { c.saas(t, r); c.claims["gitlab_project_id"] = 7 }, 403, "Gitlab project id mismatch"},
		{"ids", "saas: another namespace", func(c *call) {
			c.saas(t, r)
			c.claims["gitlab_namespace_id"] = "7"
			c.header.Set("X-Gitlab-Namespace-Id", "8")
		}, 403, "Gitlab namespace id mismatch"},
		{"ids", "saas: another root namespace", func(c *call) {
			c.saas(t, r)
			c.claims["gitlab_root_namespace_id"] = 7
			c.header.Set("X-Gitlab-Root-Namespace-Id", "8")
		}, 403, "Gitlab root namespace id mismatch"},
		{"ids", "saas: all the same", func(c *call) {
			c.saas(t, r)
			c.claims["gitlab_root_namespace_id"], c.claims["gitlab_project_id"], c.claims["gitlab_namespace_id"] = 7, "8", 9
			c.header.Set("X-Gitlab-Root-Namespace-Id", "7")
			c.header.Set("X-Gitlab-Project-Id", "8")
			c.header.Set("X-Gitlab-Namespace-Id", "9")
		}, 200, ""},
		{"ids", "saas: none", func(c *call) { c.saas(t, r) }, 200, ""},
		{"path", "a path", func(c *call) { c.path = "/v1/proxy/anthropic/v1/complete" }, 404, "Not found"},
		{"path", "a query", func(c *call) { c.path += "?beta=false" }, 404, "Not found"},
		{"path", "the query of betas", func(c *call) { c.path += "?beta=true" }, 200, ""},
		{"path", "counting tokens", func(c *call) { c.path += "/count_tokens?beta=true" }, 200, ""},
		{"path", "counting tokens without beta", func(c *call) { c.path += "/count_tokens" }, 404, "Not found"},
		{"path", "OpenAI", func(c *call) { c.to("/v1/proxy/openai/v1/embeddings", `{"model":"text-embedding-3-small"}`) }, 200, ""},
		{"path", "OpenAI, elsewhere", func(c *call) { c.path = "/v1/proxy/openai/v1/images" }, 404, "Not found"},
		{"path", "OpenAI, nowhere", func(c *call) { c.path = "/v1/proxy/openai" }, 404, "Not found"},
		{"path", "Vertex AI", func(c *call) { c.path = vertex + "gemini-2.0-flash:streamGenerateContent" }, 200, ""},
		{"path", "Vertex AI, elsewhere", func(c *call) { c.path = "/v1/proxy/vertex-ai/v1/models" }, 404, "Not found"},
		{"body", "no JSON", func(c *call) { c.body = "{" }, 400, "Invalid JSON"},
		{"body", "nothing", func(c *call) { c.body = "" }, 400, "Invalid JSON"},
		{"body", "a list", func(c *call) { c.body = "[]" }, 400, "Failed to extract model name"},
		{"body", "no model", func(c *call) { c.body = "{}" }, 400, "Failed to extract model name"},
		{"body", "a model that is a number", func(c *call) { c.body = `{"model":7}` }, 400, "Failed to extract model name"},
		{"body", "another maker's model", func(c *call) { c.body = `{"model":"gpt-5"}` }, 400, "Unsupported model"},
		{"body", "Vertex AI, an unknown model", func(c *call) { c.path = vertex + "UNKNOWN:predict" }, 400, "Unsupported model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/proxy/"+c.fact)
			ask := r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody)
			c.change(ask)
			a := r.send(t, ask)
			require.Equal(t, c.status, a.StatusCode, "%s %s", a.body, a.entry.Detail)
			if c.status == http.StatusOK {
				require.Equal(t, `{"response":"mocked"}`, a.body)
				return
			}
			require.Equal(t, `{"detail":"`+c.says+`"}`, a.body)
		})
	}
}

func TestProxyLists(t *testing.T) {
	r := deployed(t, func(a *world.AIGateway) { a.ProxySaaS, a.ProxySelfManaged = []string{"42"}, []string{"inst"} })
	for _, c := range []struct {
		name   string
		change func(c *call)
		status int
		says   string
	}{
		{"an instance that is not listed", func(*call) {}, 402, `{"detail":"Proxy endpoints are not enabled for this instance"}`},
		{"not listed, and no unit primitive", func(c *call) { c.header.Del("X-Gitlab-Unit-Primitive") }, 402, `{"detail":"Proxy endpoints are not enabled for this instance"}`},
		{"one that is", func(c *call) {
			c.claims["sub"], c.claims["gitlab_instance_uid"] = "inst", "inst"
			c.header.Set("X-Gitlab-Instance-Id", "inst")
		}, 200, `{"response":"mocked"}`},
		{"a namespace that is not listed", func(c *call) { c.saas(t, r) }, 402, `{"detail":"Proxy endpoints are not enabled for this namespace"}`},
		{"one that is, too", func(c *call) {
			c.saas(t, r)
			c.claims["gitlab_root_namespace_id"] = 42
			c.header.Set("X-Gitlab-Root-Namespace-Id", "42")
		}, 200, `{"response":"mocked"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/proxy/lists")
			ask := r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody)
			c.change(ask)
			a := r.send(t, ask)
			require.Equal(t, c.status, a.StatusCode)
			require.Equal(t, c.says, a.body)
		})
	}
}

func TestProxyWithoutInternalEvents(t *testing.T) {
	fidelity.Proves(t, "aigateway/proxy/without-internal-events")
	r := deployed(t, func(a *world.AIGateway) { a.NoInternalEvents = true })
	c := r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody)
	require.Equal(t, `{"detail":"Gitlab instance uid mismatch"}`, r.send(t, c).body, "the request has no ids, whatever it says")
	c = r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody)
	delete(c.claims, "gitlab_instance_uid")
	require.Equal(t, http.StatusOK, r.send(t, c).StatusCode)
}

func TestProxyOfOld(t *testing.T) {
	fidelity.Proves(t, "aigateway/releases/proxy")
	r := deployed(t, func(a *world.AIGateway) { a.Release = "2025-01" })
	c := r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody)
	c.claims["gitlab_instance_uid"] = "other"
	c.claims["scopes"] = []string{"analyze_ci_job_failure"}
	c.header.Set("X-Gitlab-Unit-Primitive", "analyze_ci_job_failure")
	require.Equal(t, http.StatusOK, r.send(t, c).StatusCode, "ids are not compared, and an older unit primitive is known")
}

func TestProxyStreams(t *testing.T) {
	r := newRig(t)
	r.tell(t, world.ModelAnswer{Chunks: []string{"event: message_start\ndata: {}\n\n", "event: message_stop\ndata: {}\n\n"}})
	a := r.send(t, r.allowed(t, "/v1/proxy/anthropic/v1/messages", messagesBody))
	require.Equal(t, "text/event-stream; charset=utf-8", a.Header.Get("Content-Type"))
	require.True(t, strings.HasPrefix(a.body, "event: message_start\n"))
}
