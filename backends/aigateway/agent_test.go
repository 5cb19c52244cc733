package aigateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

func TestAgentScopes(t *testing.T) {
	of := rigOf(t)
	const noCore = `{"detail":"Duo Core no longer authorized to access Duo Classic Chat"}`
	const noChat = `{"detail":"Unauthorized to access duo chat"}`
	for _, c := range []struct {
		name, fact, release, content string
		scopes                       []string
		status                       int
		says                         string
	}{
		{"classic chat", "aigateway/agent/scope", "", "hi", []string{"duo_classic_chat"}, 200, ""},
		{"the new chat", "aigateway/agent/scope", "", "hi", []string{"duo_chat"}, 403, noCore},
		{"the new chat, mentioned", "aigateway/agent/mention", "", "@GitLabDuo hi", []string{"duo_chat"}, 200, ""},
		{"mentioned by nobody", "aigateway/agent/mention", "", "@GitLabDuo hi", []string{"complete_code"}, 403, noChat},
		{"neither", "aigateway/agent/scope", "", "hi", []string{}, 403, noChat},
		{"of old", "aigateway/releases/agent", "2025-01", "hi", []string{"duo_chat"}, 200, ""},
		{"of old, classic", "aigateway/releases/agent", "2025-01", "hi", []string{"duo_classic_chat"}, 403, noChat},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, c.fact)
			r := of(c.release)
			ask := r.allowed(t, "/v2/chat/agent", `{"messages":[{"role":"user","content":"`+c.content+`"}]}`)
			ask.claims["scopes"] = c.scopes
			a := r.send(t, ask)
			require.Equal(t, c.status, a.StatusCode, a.body)
			if c.says != "" {
				require.Equal(t, c.says, a.body)
			}
			if c.release != "" && c.status == http.StatusOK {
				require.NotContains(t, a.body, "usage")
			}
		})
	}
}

func TestAgentContexts(t *testing.T) {
	fidelity.Proves(t, "aigateway/agent/contexts")
	r := newRig(t)
	for _, category := range []string{
		"file", "snippet", "merge_request", "issue", "dependency", "local_git", "terminal", "repository", "directory",
		"os_information", "agent_user_environment",
	} {
		scope := "include_" + category + "_context"
		ask := func(scopes ...string) answer {
			c := r.allowed(t, "/v2/chat/agent", `{"messages":[{"role":"user","content":"hi","additional_context":[{"category":"`+category+`","id":"1","content":"x"}]}]}`)
			c.claims["scopes"] = append(scopes, "duo_classic_chat")
			return r.send(t, c)
		}
		a := ask()
		require.Equal(t, http.StatusForbidden, a.StatusCode)
		require.Equal(t, `{"detail":"Unauthorized to access `+scope+`"}`, a.body)
		require.Equal(t, scope, a.entry.Scope)
		require.Equal(t, http.StatusOK, ask(scope).StatusCode)
	}
}

func TestAgentBodies(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"a scratchpad of the user", `{"messages":[{"role":"user","content":"x","agent_scratchpad":[]}]}`, 400, `{"detail":"agent_scratchpad can only be present when role is ASSISTANT"}`},
		{"a scratchpad of the assistant", `{"messages":[{"role":"assistant","content":"x","agent_scratchpad":[{"action":{"tool":"t","tool_input":"i","thought":"h"},"observation":"o"}]}]}`, 200, ""},
		{"no messages", `{"messages":[]}`, 422, ""},
		{"an unknown category", `{"messages":[{"role":"user","additional_context":[{"category":"weather"}]}]}`, 422, ""},
		{"another agent", `{"messages":[{"role":"user"}],"options":{"agent_scratchpad":{"agent_type":"x","steps":[]}}}`, 422, ""},
		{"steps", `{"messages":[{"role":"user"}],"options":{"agent_scratchpad":{"agent_type":"react","steps":[{"thought":"a","tool":"b","tool_input":"c","observation":"d"}]}}}`, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/agent/scratchpad")
			a := r.send(t, r.allowed(t, "/v2/chat/agent", c.body))
			require.Equal(t, c.status, a.StatusCode, a.entry.Detail)
			if c.says != "" {
				require.Equal(t, c.says, a.body)
			}
		})
	}
}

func TestAgentLines(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, says, want string }{
		{"an action", "Thought: hm\nAction: issue_reader\nAction Input: #1\nObservation: x", `[{"type":"action","data":{"tool":"issue_reader","tool_input":"#1","thought":"hm"}}]`},
		{"an answer", "Thought: hm\nFinal Answer: yes", `[{"type":"final_answer_delta","data":{"text":"yes","finish_reason":null}}]`},
		{"words alone", "yes", `[{"type":"final_answer_delta","data":{"text":"yes","finish_reason":null}}]`},
		{"a thought alone", "Thought: hm", `[{"type":"unknown","data":{"text":"Thought: hm"}}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/agent/lines")
			r.tell(t, world.ModelAnswer{Name: "a", Chunks: []string{c.says}})
			a := r.send(t, r.allowed(t, "/v2/chat/agent", agentBody))
			require.Equal(t, "application/x-ndjson; charset=utf-8", a.Header.Get("Content-Type"))
			lines := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
			for _, line := range lines {
				require.True(t, json.Valid([]byte(line)), line)
			}
			require.Contains(t, lines[len(lines)-1], `{"type":"usage","data":{"usage":`)
			require.Equal(t, c.want, "["+strings.Join(lines[:len(lines)-1], ",")+"]")
		})
	}
}

// Duo Core alone is not enough for the chat of old.
func TestDuoCoreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		change func(a *world.AIGateway)
		status int
	}{
		"as deployed":            {func(*world.AIGateway) {}, 403},
		"before its end":         {func(a *world.AIGateway) { a.DuoCoreChat = true }, 200},
		"a release of before it": {func(a *world.AIGateway) { a.Release = "2025-01" }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/chat/duo-core")
			r := deployed(t, c.change)
			ask := r.allowed(t, "/v1/chat/agent", chatBody)
			ask.header.Set("X-Gitlab-Feature-Enablement-Type", "duo_core")
			a := r.send(t, ask)
			require.Equal(t, c.status, a.StatusCode)
			if c.status != http.StatusOK {
				require.Equal(t, `{"detail":"Duo Core no longer authorized to access Duo Classic Chat"}`, a.body)
				require.Equal(t, "duo_core_only", a.entry.Reason)
			}
			ask = r.allowed(t, "/v1/chat/agent", chatBody)
			ask.header.Set("X-Gitlab-Feature-Enablement-Type", "duo_pro")
			require.Equal(t, http.StatusOK, r.send(t, ask).StatusCode)
		})
	}
}
