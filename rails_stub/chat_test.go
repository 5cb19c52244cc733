package railsstub_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

const chatCompletions = "/api/v4/chat/completions"

// agent is an AI gateway that answers every question with a text, in both protocols.
func agent(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ai/v2/chat/agent" {
			answer, _ := json.Marshal(map[string]string{"response": text})
			reply(200, string(answer))(w, r)
			return
		}
		var lines strings.Builder
		for word := range strings.SplitAfterSeq(text, " ") {
			line, _ := json.Marshal(map[string]any{"type": "final_answer_delta", "data": map[string]string{"text": word}})
			lines.Write(append(line, '\n'))
		}
		reply(200, lines.String()+`{"type":"usage","data":{"usage":{}}}`+"\n")(w, r)
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/chat/answer", "rails/chat/first-protocol", "rails/chat/second-protocol")
	for _, version := range []string{"16.9.2", "17.9.0", "18.9.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := withSeatsIn(t, version, func(w *world.World) {
				acme(w).Projects = map[string]world.Project{"acme/app": {}}
			})
			r.gateway.answers(agent("Because it is so."))
			got := r.post("ada", chatCompletions, `{"content":"why?"}`)
			require.Equal(t, http.StatusCreated, got.status)
			first := show(r.gateway.last(t))
			again := r.post("ada", chatCompletions, `{"content":"and this?","resource_type":"project","resource_id":1,
				"current_file":{"file_name":"a.rb","content_above_cursor":"","content_below_cursor":"","selected_text":"puts 1"},
				"additional_context":[{"category":"file","id":"b.rb","content":"puts 2"}]}`)
			require.Equal(t, got.body, again.body)
			goldentest.Text(t, "golden/client/chat_"+version+".txt",
				"== answer ==\n"+showAnswer(got)+"== request ==\n"+first+"== the next request ==\n"+show(r.gateway.last(t)))
			e := r.lastEntry()
			require.Equal(t, r.gateway.URL+r.gateway.last(t).path, e.Upstream)
			require.Equal(t, "first", e.Token.ID)
			require.Equal(t, e.RequestID, r.gateway.last(t).header.Get("X-Request-Id"))
		})
	}
}

func TestChatOrder(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/chat/order")
	r := withSeatsIn(t, "18.9.0", func(w *world.World) {
		w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme", Denied: []string{"duo_chat"}})
		acme(w).Projects = map[string]world.Project{"acme/secret": {Members: []string{"ada"}}}
	})
	off := withSeatsIn(t, "18.9.0", func(w *world.World) { acme(w).FlagsGiven = map[string]bool{world.FlagRESTChat: false} })
	const about = `{"content":"?","resource_type":"project","resource_id":`
	for _, c := range []struct {
		name       string
		at         *rig
		user, body string
		status     int
		want       string
		reason     token.Reason
	}{
		{"who", off, "", `{}`, 401, `{"message":"401 Unauthorized"}`, railsstub.UserUnauthenticated},
		{"flag", off, "ada", `{}`, 404, `{"message":"404 Not Found"}`, railsstub.FlagOff},
		{"parameters", r, "bob", `{}`, 400, `{"error":"content is missing"}`, railsstub.InvalidRequest},
		{"resource", r, "bob", about + `1}`, 404, `{"message":"404 Not found"}`, railsstub.ProjectUnknown},
		{"no such project", r, "ada", about + `2}`, 404, `{"message":"404 Not found"}`, railsstub.ProjectUnknown},
		{"no such issue", r, "ada", `{"content":"?","resource_type":"issue","resource_id":"1"}`, 404, `{"message":"404 Not found"}`, railsstub.ProjectUnknown},
		{"right", r, "bob", `{"content":"?"}`, 404, `{"message":"404 Not Found"}`, railsstub.UserNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.at.post(c.user, chatCompletions, c.body)
			require.Equal(t, c.status, got.status, got.body)
			require.JSONEq(t, c.want, got.body)
			require.Empty(t, got.header.Get("X-Gitlab-Error-Origin"))
			c.at.refused(c.reason)
		})
	}
	require.Empty(t, r.gateway.requests())
	r.gateway.answers(agent("yes"))
	require.Equal(t, 201, r.post("ada", chatCompletions, about+`"1"}`).status)
}

func TestChatFailures(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/chat/failures", "rails/chat/forbidden", "rails/chat/other-status")
	const (
		sorry  = "I'm sorry, I can't generate a response. Please try again. Error code: "
		slow   = "I'm sorry, I couldn't respond in time. Please try again. Error code: "
		rights = "I'm sorry, you don't have the GitLab Duo subscription required to use Duo Chat. Please contact your administrator. Error code: M3006"
	)
	event := func(data string) http.HandlerFunc { return reply(200, data+"\n") }
	for _, c := range []struct {
		name    string
		answers http.HandlerFunc // nil: nobody there
		want    string
		calls   int
		reason  token.Reason
	}{
		{"nobody there", nil, sorry + "A1001", 0, railsstub.GatewayUnreachable},
		{"no events", event(`{}`), slow + "A1002", 1, ""},
		{"not even lines", event(`<html>`), slow + "A1002", 1, ""},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99") }, sorry + "A1003", 1, ""},
		{"agent fails", event(`{"type":"error","data":{"message":"oh","retryable":false}}`), sorry + "A1004", 1, ""},
		{"agent fails thrice", event(`{"type":"error","data":{"message":"oh","retryable":true}}`), sorry + "A1004", 3, ""},
		{
			"too long", event(`{"type":"error","data":{"message":"the prompt is too long: 1"}}`),
			"I'm sorry, you've entered too many prompts. Please run /clear or /reset before asking the next question. Error code: A1005", 1, "",
		},
		{
			"tool", event(`{"type":"error","data":{"message":"tool not available"}}`),
			"I'm sorry, but answering this question requires a different Duo subscription. Please contact your administrator. Error code: G3001", 1, "",
		},
		{
			"a tool again and again", event(`{"type":"action","data":{"tool":"issue_reader","tool_input":"1","thought":"look"}}`),
			"I'm sorry, Duo Chat agent reached the limit before finding an answer for your question. " +
				"Please try a different prompt or clear your conversation history with /clear. Error code: A1006", 10, "",
		},
		{"403", reply(403, `{"detail":"Unauthorized to access duo_chat"}`), rights, 1, ""},
		{"401", reply(401, `{}`), sorry + "A9999", 1, ""},
		{"402", reply(402, `{}`), sorry + "A9999", 1, ""},
		{"429", reply(429, `{}`), sorry + "A9999", 1, ""},
		{"500", reply(500, ``), sorry + "A9999", 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := withSeatsIn(t, "18.9.0", nil)
			if c.answers == nil {
				r.gateway.close()
			} else {
				r.gateway.answers(c.answers)
			}
			got := r.post("ada", chatCompletions, `{"content":"why?"}`)
			require.Equal(t, 201, got.status)
			want, err := json.Marshal(c.want)
			require.NoError(t, err)
			require.JSONEq(t, string(want), got.body)
			require.Len(t, r.gateway.requests(), c.calls)
			require.Equal(t, string(c.reason), r.lastEntry().Reason)
			require.Contains(t, r.lastEntry().Detail, c.want[len(c.want)-5:], "the journal has the code")
		})
	}
	unknown := withSeatsIn(t, "18.9.0", nil)
	unknown.gateway.answers(event(`{"type":"unknown","data":{"text":"hm"}}`))
	require.Equal(t, `"hm"`, unknown.post("ada", chatCompletions, `{"content":"?"}`).body)

	// The second protocol's agent gets to see what came of its tools.
	for version, want := range map[string]string{
		"17.9.0": `"options":{"agent_scratchpad":{"agent_type":"react","steps":[{"tool":"issue_reader","tool_input":"1","thought":"look","observation":"I am sorry, I am unable to find what you are looking for."}]}}`,
		"18.9.0": `{"role":"assistant","context":null,"current_file":null,"additional_context":null,"agent_scratchpad":[{"action":{"type":"action","tool":"issue_reader","tool_input":"1","thought":"look"},"observation":"I am sorry, I am unable to find what you are looking for."}]}`,
	} {
		r := withSeatsIn(t, version, nil)
		r.gateway.answers(event(`{"type":"action","data":{"tool":"issue_reader","tool_input":"1","thought":"look"}}`))
		r.post("ada", chatCompletions, `{"content":"why?"}`)
		require.Contains(t, r.gateway.requests()[1].body, want, version)
	}
	group := withSeatsIn(t, "18.4.0", func(w *world.World) { user(w, "com").NoDuoGroup = true })
	require.Contains(t, group.post("com", chatCompletions, `{"content":"?"}`).body, "G3002")
	require.Empty(t, group.gateway.requests())
}

// TestChatWithoutToken: chat asks with an empty bearer, also where Code Suggestions do not.
func TestChatWithoutToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.2"))
	r.gateway.answers(reply(401, `{"error":"Forbidden by auth provider"}`))
	require.Contains(t, r.post("ada", chatCompletions, `{"content":"?"}`).body, "A9999")
	require.Equal(t, "Bearer", r.gateway.last(t).header.Get("Authorization"), "HTTP drops the space at the end")
}

func TestChatHistory(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/chat/history")
	r := withSeatsIn(t, "18.9.0", nil)
	asked := func(body string) []string {
		r.post("ada", chatCompletions, body)
		var sent struct {
			Messages []struct{ Role, Content string }
		}
		require.NoError(t, json.Unmarshal([]byte(r.gateway.last(t).body), &sent))
		found := make([]string, len(sent.Messages))
		for n, m := range sent.Messages {
			found[n] = m.Role + ": " + m.Content
		}
		return found
	}
	r.gateway.answers(reply(500, ``))
	require.Equal(t, []string{"user: a"}, asked(`{"content":"a"}`))
	r.gateway.answers(agent("yes"))
	require.Equal(t, []string{"user: b"}, asked(`{"content":"b"}`), "what went wrong is left out")
	require.Equal(t, []string{"user: b", "assistant: yes", "user: c"}, asked(`{"content":"c"}`))
	require.Equal(t, []string{"user: d"}, asked(`{"content":"d","with_clean_history":true}`))
	require.Equal(t, []string{"user: e"}, asked(`{"content":"e"}`), "and forgotten afterwards, too")
}
