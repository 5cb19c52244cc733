package aigateway_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestPromptErrors(t *testing.T) {
	r := newRig(t)
	body := func(constraint string) string {
		return fmt.Sprintf(`{"inputs":{},"prompt_version":%q}`, constraint)
	}
	for _, c := range []struct {
		fact, path, body string
		status           int
		says             string
	}{
		{"unknown", "/v1/prompts/nowhere", `{"inputs":{}}`, 404, `{"detail":"Prompt 'nowhere' not found"}`},
		{"unknown", "/v2/prompts/chat/nowhere", `{"inputs":{}}`, 404, `{"detail":"Prompt 'chat/nowhere' not found"}`},
		{"constraint", "/v1/prompts/chat/explain_code", body("latest"), 422, `{"detail":"Invalid version constraint"}`},
		{"constraint", "/v2/prompts/nowhere", body(""), 422, `{"detail":"Invalid version constraint"}`},
		{"constraint", "/v2/prompts/chat/explain_code", body("^^1"), 422, `{"detail":"Invalid version constraint"}`},
		{"constraint", "/v2/prompts/chat/explain_code", body("1.2.3.4"), 422, `{"detail":"Invalid version constraint"}`},
		{"version", "/v1/prompts/chat/explain_code", body("^2.0.0"), 400, `{"detail":"No prompt version found matching the query"}`},
		{"version", "/v2/prompts/chat/explain_code", body("<1.0"), 400, `{"detail":"No prompt version found matching the query"}`},
		{"body", "/v1/prompts/chat/explain_code", `{}`, 422, `{"detail":"Validation error"}`},
		{"body", "/v1/prompts/chat/explain_code", `{"inputs":[]}`, 422, `{"detail":"Validation error"}`},
	} {
		t.Run(c.path+" "+c.body, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/prompts/"+c.fact)
			a := r.send(t, r.allowed(t, c.path, c.body))
			require.Equal(t, c.status, a.StatusCode)
			require.Equal(t, c.says, a.body)
		})
	}
	for constraint, met := range map[string]bool{
		"1.0.0": true, "^1.0.0": true, "~1.0": true, "1.x": true, "*": true, ">=1.0.0,<2.0.0": true, ">=0.9 <1.1": true, "=1.0.0": true,
		"!=1.0.0": false, ">1.0.0": false, "^0.9": false, "~1.1": false, "1.1": false, "<=0.9.9": false, "2.*": false, "==1.0": true,
	} {
		want := http.StatusOK
		if !met {
			want = http.StatusBadRequest
		}
		require.Equal(t, want, r.send(t, r.allowed(t, "/v1/prompts/chat/explain_code", body(constraint))).StatusCode, constraint)
	}
}

// Each prompt has its unit primitive.
func TestPromptScopes(t *testing.T) {
	fidelity.Proves(t, "aigateway/prompts/scopes")
	r := newRig(t)
	for id, scope := range map[string]string{
		"code_suggestions/completions": "complete_code", "code_suggestions/generations": "generate_code", "chat/react": "duo_classic_chat",
		"chat/agent": "duo_chat", "chat/build_reader": "ask_build", "chat/commit_reader": "ask_commit", "chat/epic_reader": "ask_epic",
		"chat/issue_reader": "ask_issue", "chat/merge_request_reader": "ask_merge_request", "chat/work_item_reader": "ask_work_item",
		"chat/documentation_search": "documentation_search", "chat/explain_code": "explain_code", "chat/explain_vulnerability": "explain_vulnerability",
		"chat/fix_code": "fix_code", "chat/refactor_code": "refactor_code", "chat/summarize_comments": "summarize_comments",
		"chat/troubleshoot_job": "troubleshoot_job", "chat/write_tests": "write_tests", "categorize_question": "duo_chat",
	} {
		ask := func(body, scope string) int {
			c := r.allowed(t, "/v1/prompts/"+id, body)
			c.claims["scopes"] = []string{scope}
			return r.send(t, c).StatusCode
		}
		require.Equal(t, http.StatusOK, ask(`{"inputs":{}}`, scope), id)
		require.Equal(t, http.StatusForbidden, ask(`{"inputs":{}}`, "x_"+scope), id)
		require.Equal(t, http.StatusOK, ask(`{"inputs":{},"model_metadata":{"provider":"amazon_q"}}`, "amazon_q_integration"), id)
		require.Equal(t, http.StatusForbidden, ask(`{"inputs":{},"model_metadata":{"provider":"amazon_q"}}`, scope), id)
	}
}

func TestEmbeddingsModels(t *testing.T) {
	fidelity.Proves(t, "aigateway/embeddings/models")
	r := newRig(t)
	for _, c := range []struct {
		metadata string
		status   int
		says     string
	}{
		{`{"provider":"openai","identifier":"x"}`, 422, `{"detail":"Allowed providers are: gitlab|litellm."}`},
		{`{"provider":"litellm","identifier":"x","name":"chat","endpoint":"http://m"}`, 422, `{"detail":"Model name must be embedding."}`},
		{`{"provider":"litellm","identifier":"x","name":"embedding"}`, 422, `{"detail":"Model endpoint is required."}`},
		{`{"provider":"litellm","identifier":"x","name":"embedding","endpoint":"http://m"}`, 200, ""},
		{`{"provider":"gitlab"}`, 422, `{"detail":"Validation error"}`},
	} {
		a := r.send(t, r.allowed(t, "/v1/embeddings/code_embeddings", `{"model_metadata":`+c.metadata+`,"contents":["a"]}`))
		require.Equal(t, c.status, a.StatusCode, c.metadata)
		if c.says != "" {
			require.Equal(t, c.says, a.body)
		}
	}
	for dimensions, want := range map[string]int{"1": 200, "0": 200, "-5": 200, "99999999999999999999": 200, `"x"`: 422} {
		a := r.send(t, r.allowed(t, "/v1/embeddings/code_embeddings", `{"model_metadata":{"provider":"gitlab","identifier":"x"},"contents":["a"],"dimensions":`+dimensions+`}`))
		require.Equal(t, want, a.StatusCode, dimensions)
	}
}
