package aigateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/backends/aigateway"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func TestAnswers(t *testing.T) {
	r := newRig(t)
	with := func(body, name string, value any) string {
		var members map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &members))
		members[name] = value
		text, err := json.Marshal(members)
		require.NoError(t, err)
		return string(text)
	}
	for _, c := range []struct{ name, path, body, golden string }{
		{"completions", "/v2/code/completions", codeBody, "completion"},
		{"the older path", "/v2/completions", codeBody, "completion"},
		{"prompt of version 2", "/v2/code/completions", with(with(codeBody, "prompt_version", 2), "prompt", "x"), "completion_prompt"},
		{"a model", "/v2/code/completions", with(with(codeBody, "model_provider", "fireworks_ai"), "model_name", "codestral-2508"), "completion_model"},
		{"generations", "/v2/code/generations", codeBody, "generation"},
		{"chat", "/v1/chat/agent", chatBody, "chat"},
		{"chat, messages", "/v1/chat/explain_vulnerability", strings.Replace(strings.Replace(chatBody, `"why?"`, `[{"role":"user","content":"why?"}]`, 1), `,"provider":"anthropic","model":"claude-2.1"`, "", 1), "chat_messages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := r.good(t).to(c.path, c.body)
			ask.header.Set("x-gitlab-enabled-feature-flags", "flag_one, flag_two")
			a := r.send(t, ask)
			require.Equal(t, http.StatusOK, a.StatusCode, a.entry.Detail)
			require.Equal(t, "application/json", a.Header.Get("Content-Type"))
			goldentest.JSON(t, c.golden+".json", a.body)
		})
	}
	other := r.send(t, r.good(t).to("/v2/code/completions", strings.Replace(codeBody, "hello", "bye", 1)))
	same := r.send(t, r.good(t))
	require.NotEqual(t, same.body, other.body, "another question has another answer")
}

func TestStreams(t *testing.T) {
	fidelity.Proves(t, "aigateway/streams/raw")
	r := newRig(t)
	for path, body := range map[string]string{
		"/v2/code/completions": strings.Replace(codeBody, "{", `{"stream":true,`, 1),
		"/v1/chat/agent":       strings.Replace(chatBody, "{", `{"stream":true,`, 1),
	} {
		t.Run(path, func(t *testing.T) {
			a := r.send(t, r.good(t).to(path, body))
			require.Equal(t, http.StatusOK, a.StatusCode, a.entry.Detail)
			require.Equal(t, "text/event-stream; charset=utf-8", a.Header.Get("Content-Type"))
			require.Equal(t, []string{"chunked"}, a.TransferEncoding)
			require.Regexp(t, `^(completion|answer) [0-9a-f]{8} of (main\.py|agent)$`, a.body, "raw text, no framing")
		})
	}
}

func TestBodiesThatDoNotFit(t *testing.T) {
	fidelity.Proves(t, "aigateway/validation/refused")
	r := newRig(t)
	file := `"current_file":{"file_name":"a.py","content_above_cursor":"x","content_below_cursor":"y"}`
	payload := func(p string) string {
		return `{"prompt_components":[{"type":"t","metadata":{"source":"s","version":"v"},"payload":` + p + `}]}`
	}
	long := strings.Repeat("x", 256)
	repeat := func(n int, item string) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	for _, c := range []struct{ name, path, body, detail string }{
		{"empty", "/v2/code/completions", "", "the body is empty"},
		{"no JSON", "/v2/code/completions", "{", "the body is not what was expected: unexpected end"},
		{"a list", "/v2/code/completions", "[]", "the body is not a JSON object"},
		{"null", "/v2/code/completions", "null", "the body is not a JSON object"},
		{"no file", "/v2/code/completions", "{}", "current_file: missing"},
		{"no file name", "/v2/code/completions", `{"current_file":{"content_above_cursor":"","content_below_cursor":""}}`, "current_file.file_name: missing"},
		{"nothing above", "/v2/code/completions", `{"current_file":{"file_name":"a","content_below_cursor":""}}`, "current_file.content_above_cursor: missing"},
		{"nothing below", "/v2/code/completions", `{"current_file":{"file_name":"a","content_above_cursor":""}}`, "current_file.content_below_cursor: missing"},
		{"long name", "/v2/code/completions", strings.Replace(codeBody, "main.py", long, 1), "current_file.file_name: 260 characters, expected at most 255"},
		{"long content", "/v2/code/completions", strings.Replace(codeBody, "def", strings.Repeat("é", 100_000), 1), "current_file.content_above_cursor: 100006 characters, expected at most 100000"},
		{"wrong type", "/v2/code/completions", `{"current_file":1}`, "cannot unmarshal number"},
		{"stream", "/v2/code/completions", `{"stream":"maybe",` + file + `}`, "cannot unmarshal string"},
		{"provider", "/v2/code/completions", `{"model_provider":"acme",` + file + `}`, "model_provider: expected one of anthropic"},
		{"model name", "/v2/code/completions", `{"model_name":"` + long + `",` + file + `}`, "model_name: 256 characters, expected at most 50"},
		{"version", "/v2/code/completions", `{"prompt_version":4,` + file + `}`, "prompt_version: 4, expected 1, 2 or 3"},
		{"prompt 2", "/v2/code/completions", `{"prompt_version":2,"prompt":[],` + file + `}`, "prompt: expected a text"},
		{"prompt 3", "/v2/code/completions", `{"prompt_version":3,"prompt":"x",` + file + `}`, "prompt: expected a list of messages"},
		{"role", "/v2/code/completions", `{"prompt_version":3,"prompt":[{"role":"root","content":"x"}],` + file + `}`, "prompt[0]: expected a role"},
		{"telemetry", "/v2/code/completions", `{"telemetry":[{"requests":1}],` + file + `}`, "telemetry[0]: requests, accepts or errors is missing"},
		{"much telemetry", "/v2/code/completions", `{"telemetry":` + repeat(11, `{"requests":1,"accepts":1,"errors":0}`) + `,` + file + `}`, "telemetry: 11 entries"},
		{"context", "/v2/code/completions", `{"context":[{"type":"file"}],` + file + `}`, "context[0]: type, name or content is missing"},
		{"much context", "/v2/code/completions", `{"context":` + repeat(101, `{}`) + `,` + file + `}`, "context: 101 entries"},
		{"generation without prompt", "/v2/code/generations", `{"prompt_version":2,` + file + `}`, "prompt: missing, as prompt_version is 2"},
		{"no components", "/v1/chat/agent", `{"prompt_components":[]}`, "prompt_components: 0 entries, expected 1"},
		{"two components", "/v1/chat/agent", `{"prompt_components":[{},{}]}`, "prompt_components: 2 entries, expected 1"},
		{"no payload", "/v1/chat/agent", `{"prompt_components":[{"type":"t"}]}`, "metadata or payload is missing"},
		{"no type", "/v1/chat/agent", `{"prompt_components":[{"metadata":{},"payload":{}}]}`, "prompt_components[0].type: missing"},
		{"long version", "/v1/chat/agent", strings.Replace(chatBody, "16.11.0", long, 1), "metadata.version: 256 characters"},
		{"no content", "/v1/chat/agent", payload(`{}`), "content: expected a text or 1 to 100 messages"},
		{"null content", "/v1/chat/agent", payload(`{"content":null}`), "content: missing"},
		{"no messages", "/v1/chat/agent", payload(`{"content":[]}`), "content: expected a text or 1 to 100 messages"},
		{"long content in chat", "/v1/chat/agent", payload(`{"content":"` + strings.Repeat("x", 400_001) + `"}`), "content: 400001 characters"},
		{"chat provider", "/v1/chat/agent", payload(`{"content":"x","provider":"vertex-ai"}`), "provider: expected anthropic or litellm"},
		{"temperature", "/v1/chat/agent", payload(`{"content":"x","params":{"temperature":1.5}}`), "params.temperature: 1.5"},
		{"tokens", "/v1/chat/agent", payload(`{"content":"x","params":{"max_tokens_to_sample":0}}`), "params.max_tokens_to_sample: 0"},
		{"unknown invokable, bad body", "/v1/chat/dance", `{}`, "prompt_components: 0 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.send(t, r.good(t).to(c.path, c.body))
			require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode)
			require.Equal(t, `{"detail":"Validation error"}`, a.body)
			require.Contains(t, a.entry.Detail, c.detail)
			require.Empty(t, a.entry.Reason)
		})
	}
	t.Run("content types", func(t *testing.T) {
		for kind, want := range map[string]int{
			"application/json": 200, "application/json; charset=utf-8": 200, "application/vnd.api+json": 200, "": 200,
			"text/plain": 422, "application/x-www-form-urlencoded": 422, "text/json": 422, ";;": 422,
		} {
			c := r.good(t)
			c.header.Set("Content-Type", kind)
			if kind == "" {
				c.header.Del("Content-Type")
			}
			require.Equal(t, want, r.send(t, c).StatusCode, kind)
		}
	})
	t.Run("not UTF-8", func(t *testing.T) {
		a := r.send(t, r.good(t).to("/v2/code/completions", "{\"x\":\"\xff\"}"))
		require.Equal(t, http.StatusBadRequest, a.StatusCode)
		require.Equal(t, `{"detail":"There was an error parsing the body"}`, a.body)
	})
	t.Run("over 4 MiB", func(t *testing.T) {
		a := r.send(t, r.good(t).to("/v2/code/completions", strings.Repeat(" ", 4<<20+1)))
		require.Equal(t, http.StatusRequestEntityTooLarge, a.StatusCode)
	})
}

func TestScopesOfEndpoints(t *testing.T) {
	fidelity.Proves(t, "aigateway/scopes/completions", "aigateway/scopes/generations", "aigateway/scopes/chat")
	r := newRig(t)
	for _, c := range []struct{ path, body, scope, says string }{
		{"/v2/code/completions", codeBody, "complete_code", "Unauthorized to access code completions"},
		{"/v2/completions", codeBody, "complete_code", "Unauthorized to access code completions"},
		{"/v2/code/generations", codeBody, "generate_code", "Unauthorized to access code generations"},
		{"/v1/chat/agent", chatBody, "duo_chat", "Unauthorized to access duo_chat"},
		{"/v1/chat/explain_code", chatBody, "duo_chat", "Unauthorized to access duo_chat"},
		{"/v1/chat/write_tests", chatBody, "duo_chat", "Unauthorized to access duo_chat"},
		{"/v1/chat/refactor_code", chatBody, "duo_chat", "Unauthorized to access duo_chat"},
		{"/v1/chat/explain_vulnerability", chatBody, "explain_vulnerability", "Unauthorized to access explain_vulnerability"},
		{"/v1/chat/summarize_comments", chatBody, "summarize_comments", "Unauthorized to access summarize_comments"},
		{"/v1/chat/troubleshoot_job", chatBody, "troubleshoot_job", "Unauthorized to access troubleshoot_job"},
	} {
		t.Run(c.path, func(t *testing.T) {
			ask := r.good(t).to(c.path, c.body)
			ask.claims["scopes"] = []string{c.scope}
			require.Equal(t, http.StatusOK, r.send(t, ask).StatusCode)
			ask = r.good(t).to(c.path, c.body)
			ask.claims["scopes"] = []string{"code_suggestions"}
			a := r.send(t, ask)
			require.Equal(t, http.StatusForbidden, a.StatusCode)
			require.Equal(t, fmt.Sprintf(`{"detail":%q}`, c.says), a.body)
			require.Equal(t, string(token.MissingScope), a.entry.Reason)
		})
	}
	a := r.send(t, r.good(t).to("/v1/chat/dance", chatBody))
	require.Equal(t, http.StatusNotFound, a.StatusCode)
	require.Equal(t, `{"detail":"Not found"}`, a.body)
	ask := r.good(t).to("/v1/chat/dance", "")
	ask.method = http.MethodGet
	require.Equal(t, http.StatusMethodNotAllowed, r.send(t, ask).StatusCode)
}

func TestFeaturesOnTheGateway(t *testing.T) {
	r := newRig(t,
		declare("new_feature_scope", "POST /new_feature_endpoint", "new_feature_scope", func(b *feature.Backend) {
			b.Reply = map[string]any{"created": "${now.unix}"}
		}),
		declare("code_suggestions", "POST /v2/code/completions", "complete_code", func(b *feature.Backend) {
			b.Stream = []string{"declared ", "stream"}
		}),
		declare("duo_chat", "POST /v1/chat/agent", "duo_chat", func(b *feature.Backend) { b.Reply = "declared" }),
		declare("listing", "GET /v2/code/completions", "complete_code", func(b *feature.Backend) { b.Reply = "listed" }),
	)
	a := r.send(t, r.good(t).to("/new_feature_endpoint", "{}"))
	require.Equal(t, `{"created":1707951600}`, a.body)
	require.Equal(t, "new_feature_scope", a.entry.Route)
	denied := r.good(t).to("/new_feature_endpoint", "{}")
	denied.claims["scopes"] = []string{}
	require.Equal(t, `{"detail":"Unauthorized to access new_feature_scope"}`, r.send(t, denied).body)
	require.Equal(t, `{"detail":"Validation error"}`, r.send(t, r.good(t).to("/new_feature_endpoint", "{")).body)

	require.Equal(t, "declared stream", r.send(t, r.good(t)).body)
	require.Equal(t, `{"detail":"Validation error"}`, r.send(t, r.good(t).to("/v2/code/completions", "{}")).body, "what is declared is the answer only")
	require.Contains(t, r.send(t, r.good(t).to("/v2/completions", codeBody)).body, "text_completion", "that path is no feature's")
	require.Equal(t, `"declared"`, r.send(t, r.good(t).to("/v1/chat/agent", chatBody)).body)

	listing := r.good(t)
	listing.method = http.MethodGet
	require.Equal(t, `"listed"`, r.send(t, listing).body)
	listing = r.good(t)
	listing.method = http.MethodPut
	require.Equal(t, "GET, POST", r.send(t, listing).Header.Get("Allow"))

	_, err := aigateway.New(r.env, aigateway.Options{Name: "ai", Keys: tokentest.Pool(), Features: []feature.Feature{
		declare("duo_chat", "POST /v1/chat/agent", "documentation_search", nil),
	}})
	require.EqualError(t, err, `feature "duo_chat" demands scope "documentation_search" of POST /v1/chat/agent, where the AI gateway demands "duo_chat" (hint: backend.scope)`)
}

func TestAStreamReachesTheClientPieceByPiece(t *testing.T) {
	r := newRig(t)
	c := r.good(t).to("/v2/code/completions", strings.Replace(codeBody, "{", `{"stream":true,`, 1))
	raw, err := token.Forge(c.signer, c.jose, c.claims)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, strings.NewReader(c.body))
	require.NoError(t, err)
	req.Header = c.header
	req.Header.Set("Authorization", "Bearer "+raw)
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, len("completion "))
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	require.Equal(t, "completion ", string(first))
}
