package aigateway_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

func TestModelsAnswerWhatTheyAreTold(t *testing.T) {
	r := deployed(t, func(a *world.AIGateway) {
		a.Models = []world.ModelAnswer{{Name: "greeting", Prompt: "def hello", Answer: "print('hello')"}}
	})
	complete := func(body string) string {
		t.Helper()
		return r.send(t, r.allowed(t, "/v2/code/completions", body)).body
	}
	other := strings.Replace(codeBody, "hello", "bye", 1)
	require.Contains(t, complete(codeBody), `"text":"print('hello')"`)
	require.Contains(t, complete(other), `"text":"completion `, "another prompt")

	r.tell(t, world.ModelAnswer{Name: "once", Answer: "once", Times: 1})
	require.Contains(t, complete(codeBody), `"text":"once"`, "the newest counts")
	require.Contains(t, complete(codeBody), `"text":"print('hello')"`, "as often as it is to be given")

	r.tell(t, world.ModelAnswer{Name: "greeting", Prompt: "def hello", Route: "code.generations", Answer: "for generations"})
	require.Contains(t, complete(codeBody), `"text":"completion `, "another route, and the older answer of that name is gone")
	require.Contains(t, r.send(t, r.allowed(t, "/v2/code/generations", codeBody)).body, `"text":"for generations"`)

	r.tell(t, world.ModelAnswer{Name: "nothing"})
	require.Contains(t, complete(codeBody), `"choices":[]`, "nothing to say is no choice")
	require.NoError(t, r.Model(control.ModelRequest{Forget: true, Answer: world.ModelAnswer{Name: "nothing"}}))
	require.Contains(t, complete(codeBody), `"text":"completion `)

	require.EqualError(t, r.Model(control.ModelRequest{Forget: true, Answer: world.ModelAnswer{Name: "nothing"}}), `no answer is called "nothing"`)
	require.ErrorContains(t, r.Model(control.ModelRequest{Answer: world.ModelAnswer{Route: "code.completion"}}), `there is no route "code.completion", expected one of amazon_q.application, `)
	require.EqualError(t, r.Model(control.ModelRequest{Answer: world.ModelAnswer{Times: -1}}), "times: -1 is negative")

	r.tell(t, world.ModelAnswer{Answer: "told"})
	require.NoError(t, r.Model(control.ModelRequest{Forget: true}))
	require.Contains(t, r.send(t, r.allowed(t, "/v2/code/generations", codeBody)).body, `"text":"generation `, "all are forgotten")

	r.tell(t, world.ModelAnswer{Answer: "told"})
	require.NoError(t, r.Seed(r.world))
	require.Contains(t, complete(codeBody), `"text":"print('hello')"`, "a new start has the world's answers alone")
}

func TestModelsOfEveryEndpoint(t *testing.T) {
	r := newRig(t)
	r.tell(t, world.ModelAnswer{Answer: "told so"})
	for path, c := range map[string]struct{ body, want string }{
		"/v3/code/completions":                 {completionBody, `"text":"told so"`},
		"/v1/chat/agent":                       {chatBody, `"response":"told so"`},
		"/v1/prompts/chat/explain_code":        {promptBody, `"told so"`},
		"/v2/prompts/chat/explain_code":        {promptBody, `{"content":"told so","usage":`},
		"/v1/search/gitlab-docs":               {searchBody, `"content":"told so"`},
		"/v1/proxy/anthropic/v1/messages":      {messagesBody, `told so`},
		"/v1/amazon_q/oauth/application":       {qBody, ""},
		"/v1/embeddings/code_embeddings/index": {embeddingsBody, `"embedding":[`},
	} {
		a := r.send(t, r.allowed(t, path, c.body))
		require.Less(t, a.StatusCode, 300, path)
		require.Contains(t, a.body, c.want, path)
	}
}
