package aigateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// everything is the scopes of all endpoints.
var everything = []string{
	"complete_code", "generate_code", "duo_chat", "duo_classic_chat", "explain_code", "documentation_search",
	"generate_embeddings_codebase", "amazon_q_integration", "explain_vulnerability",
}

// streamed is a body with "stream": true.
func streamed(body string) string {
	if at := `"payload":{`; strings.Contains(body, "code_editor") {
		return strings.Replace(body, at, at+`"stream":true,`, 1)
	}
	return strings.Replace(body, "{", `{"stream":true,`, 1)
}

// allowed is a call with every scope.
func (r *rig) allowed(t testing.TB, path, body string) *call {
	c := r.good(t).to(path, body)
	c.claims["scopes"], c.claims["gitlab_instance_uid"] = everything, r.instance("acme").UUID
	c.header.Set("X-Gitlab-Unit-Primitive", "explain_vulnerability")
	return c
}

func (r *rig) tell(t testing.TB, a world.ModelAnswer) {
	t.Helper()
	require.NoError(t, r.Model(control.ModelRequest{Service: "ai", Answer: a}))
}

func TestStreamFormats(t *testing.T) {
	r := newRig(t)
	r.tell(t, world.ModelAnswer{Chunks: []string{"if a < b ", "{", "\n}"}})
	for _, c := range []struct{ name, fact, path, body string }{
		{"v2", "aigateway/streams/raw", "/v2/code/completions", codeBody},
		{"v2_generations", "aigateway/streams/raw", "/v2/code/generations", codeBody},
		{"v3", "aigateway/streams/raw-v3", "/v3/code/completions", completionBody},
		{"v3_generations", "aigateway/streams/raw-v3", "/v3/code/completions", generationBody},
		{"v4", "aigateway/streams/events", "/v4/code/suggestions", completionBody},
		{"v4_generations", "aigateway/streams/events", "/v4/code/suggestions", generationBody},
		{"chat_v1", "aigateway/streams/raw", "/v1/chat/agent", chatBody},
		{"chat_v2", "aigateway/streams/lines", "/v2/chat/agent", agentBody},
		{"prompts_v1", "aigateway/streams/raw-prompts", "/v1/prompts/chat/explain_code", promptBody},
		{"prompts_v2", "aigateway/streams/lines-of-prompts", "/v2/prompts/chat/explain_code", promptBody},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, c.fact)
			ask := r.allowed(t, c.path, streamed(c.body))
			if c.name == "chat_v2" {
				ask.body = c.body // which knows no other way
			}
			ask.header.Set("X-Gitlab-Enabled-Feature-Flags", "one,two")
			a := r.send(t, ask)
			require.Equal(t, []string{"chunked"}, a.TransferEncoding)
			goldentest.Text(t, "streams/"+c.name+".http", a.wire())
			if strings.HasPrefix(c.fact, "aigateway/streams/raw") || c.fact == "aigateway/streams/events" {
				fidelity.Proves(t, "aigateway/streams/unbuffered")
				require.Equal(t, "no", a.Header.Get("X-Accel-Buffering"))
			}
		})
	}
	t.Run("lines of events may end otherwise", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/streams/line-ends")
		text := func(ends string) string {
			r := deployed(t, func(a *world.AIGateway) { a.LineEnds = ends })
			return r.send(t, r.allowed(t, "/v4/code/suggestions", streamed(completionBody))).body
		}
		lf := text("lf")
		require.NotContains(t, lf, "\r")
		require.True(t, strings.HasSuffix(lf, "\n\nevent: stream_end\ndata: null\n\n"), lf)
		require.Equal(t, text(""), strings.ReplaceAll(lf, "\n", "\r\n"))
	})
}

func TestAContextWithoutAQuestionIsNull(t *testing.T) {
	fidelity.Proves(t, "aigateway/suggestions/context-first")
	r := newRig(t)
	for _, path := range []string{"/v3/code/completions", "/v4/code/suggestions"} {
		a := r.send(t, r.allowed(t, path, contextBody))
		require.Equal(t, http.StatusOK, a.StatusCode)
		require.Equal(t, "null", a.body)
	}
}

// A failed model, as each endpoint words it.
func TestModelsThatFail(t *testing.T) {
	status := func(n int) world.ModelFailure { return world.ModelFailure{Status: n} }
	none := func(how string) world.ModelFailure { return world.ModelFailure{NoAnswer: how} }
	limited := world.ModelFailure{Status: 429, RetryAfter: "17"}
	const inference, tooMany = `{"detail":"Inference failed"}`, `{"detail":"Too many requests. Please try again later."}`
	r := newRig(t)
	for _, c := range []struct {
		name, fact, path, body string
		fail                   world.ModelFailure
		status                 int
		says, retry            string
	}{
		{"completions", "inference-failed", "/v2/code/completions", codeBody, status(500), 503, inference, ""},
		{"generations", "inference-failed", "/v2/code/generations", codeBody, none("timeout"), 503, inference, ""},
		{"v3", "inference-failed", "/v3/code/completions", completionBody, status(400), 503, inference, ""},
		{"v4", "inference-failed", "/v4/code/suggestions", generationBody, none("connection"), 503, inference, ""},
		{"limited", "too-many", "/v2/code/completions", codeBody, limited, 429, tooMany, "17"},
		{"limited, v3", "too-many", "/v3/code/completions", completionBody, limited, 429, tooMany, "17"},
		{"limited, until nobody knows when", "too-many", "/v4/code/suggestions", completionBody, status(429), 429, tooMany, ""},
		{"chat, a status", "chat-status", "/v1/chat/agent", chatBody, status(429), 502, `{"detail":"Anthropic API Status Error."}`, ""},
		{"chat, a timeout", "chat-timeout", "/v1/chat/explain_code", chatBody, none("timeout"), 504, `{"detail":"Anthropic API Timeout Error."}`, ""},
		{"chat, no connection", "chat-connection", "/v1/chat/write_tests", chatBody, none("connection"), 502, `{"detail":"Anthropic API Connection Error."}`, ""},
		{"prompts", "prompts", "/v1/prompts/chat/explain_code", promptBody, status(401), 421, `{"detail":"401: Unauthorized"}`, ""},
		{"prompts of version 2", "prompts", "/v2/prompts/chat/explain_code", promptBody, world.ModelFailure{Status: 529, Message: "busy"}, 421, `{"detail":"529: busy"}`, ""},
		{"prompts, a timeout", "prompts", "/v2/prompts/chat/explain_code", promptBody, none("timeout"), 503, inference, ""},
		{"search", "search", "/v1/search/gitlab-docs", searchBody, status(500), 500, `{"detail":"Vertex API Search Error."}`, ""},
		{"search, no store", "search", "/v1/search/gitlab-docs", searchBody, status(404), 400, `{"detail":"Data store not found."}`, ""},
		{"embeddings, unauthorized", "embeddings", "/v1/embeddings/code_embeddings", embeddingsBody, status(401), 401, `{"detail":"Unauthorized"}`, ""},
		{"embeddings, bad", "embeddings", "/v1/embeddings/code_embeddings", embeddingsBody, status(400), 400, `{"detail":"Bad Request"}`, ""},
		{"embeddings, limited", "embeddings", "/v1/embeddings/code_embeddings", embeddingsBody, status(429), 429, `{"detail":"Too Many Requests"}`, ""},
		{"embeddings, broken", "embeddings", "/v1/embeddings/code_embeddings", embeddingsBody, status(502), 503, inference, ""},
		{"proxy, a status", "proxy", "/v1/proxy/anthropic/v1/messages", messagesBody, world.ModelFailure{Status: 529, Message: "Overloaded"}, 529, `{"error":"Overloaded"}`, ""},
		{"proxy, no connection", "proxy", "/v1/proxy/anthropic/v1/messages", messagesBody, none("connection"), 502, `{"detail":"Bad Gateway"}`, ""},
		{"Amazon Q, not found", "amazon-q", "/v1/amazon_q/oauth/application", qBody, status(404), 404, `{"detail":"Not Found"}`, ""},
		{"Amazon Q, no access", "amazon-q", "/v1/amazon_q/oauth/application/verify", qVerifyBody, status(403), 403, `{"detail":"Forbidden"}`, ""},
		{"Amazon Q, broken", "amazon-q", "/v1/amazon_q/events", qEventBody, status(503), 500, `{"detail":"AWS Error: Service Unavailable"}`, ""},
		{"Amazon Q, a timeout", "amazon-q", "/v1/amazon_q/events", qEventBody, none("timeout"), 500, `{"detail":"AWS Error: timeout"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/failures/"+c.fact)
			r.tell(t, world.ModelAnswer{Name: "failure", Fail: &c.fail})
			a := r.send(t, r.allowed(t, c.path, c.body))
			require.Equal(t, c.status, a.StatusCode, a.entry.Detail)
			require.Equal(t, c.says, a.body)
			require.Equal(t, "application/json", a.Header.Get("Content-Type"))
			require.Equal(t, c.retry, a.Header.Get("Retry-After"))
			require.Equal(t, "model_failed", a.entry.Reason)
			require.Contains(t, a.entry.Detail, "the model fails: ")
		})
	}
	t.Run("a release that had no words for too many requests", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/releases/too-many")
		r := deployed(t, func(a *world.AIGateway) {
			a.Release, a.Models = "2025-01", []world.ModelAnswer{{Fail: &limited}}
		})
		a := r.send(t, r.allowed(t, "/v2/code/completions", codeBody))
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
		require.Equal(t, inference, a.body)
		require.Empty(t, a.Header.Get("Retry-After"))
	})
}

// A stream has begun with 200 when the model fails: what it got out is sent, and the connection breaks.
func TestStreamsOfModelsThatFail(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name, fact, path, body, got string
		fail                        world.ModelFailure
	}{
		{"raw", "aigateway/failures/streams", "/v2/code/completions", streamed(codeBody), "half ", world.ModelFailure{Status: 429}},
		{"events", "aigateway/failures/streams", "/v4/code/suggestions", streamed(completionBody), "\"content\":\"half \"},\"index\":0}]}\r\n\r\n", world.ModelFailure{NoAnswer: "timeout"}},
		{"agent", "aigateway/failures/agent", "/v2/chat/agent", agentBody, "half \",\"finish_reason\":null}}\n" + `{"type":"error","data":{"message":"Internal Server Error","retryable":false}}` + "\n", world.ModelFailure{Status: 500}},
		{"agent, overloaded", "aigateway/failures/agent", "/v2/chat/agent", agentBody, `{"type":"error","data":{"message":"AnthropicError - Overloaded","retryable":true}}` + "\n", world.ModelFailure{Status: 529}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, c.fact)
			r.tell(t, world.ModelAnswer{Name: "failure", Chunks: []string{"half "}, Fail: &c.fail})
			ask := r.allowed(t, c.path, c.body)
			raw, err := token.Forge(ask.signer, ask.jose, ask.claims)
			require.NoError(t, err)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+ask.path, strings.NewReader(ask.body))
			require.NoError(t, err)
			req.Header = ask.header
			req.Header.Set("Authorization", "Bearer "+raw)
			resp, err := r.client.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			require.Equal(t, http.StatusOK, resp.StatusCode)
			body, err := io.ReadAll(resp.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the stream ends without its end")
			require.True(t, strings.HasSuffix(string(body), c.got), "%q", body)
			require.NotContains(t, string(body), "stream_end")
			require.NotContains(t, string(body), "usage")
		})
	}
}
