package railsstub_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// asked is the payload of aiAction.
type asked struct {
	Data struct {
		Action struct {
			RequestID, ThreadID string
			Errors              []string
		} `json:"aiAction"`
	}
}

func (r *rig) asked(query string, variables any) asked {
	r.t.Helper()
	got := r.query("ada", query, variables)
	var a asked
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &a), got.body)
	return a
}

// contents are what aiMessages has, each as ROLE: CONTENT.
func (r *rig) contents(user, arguments string) []string {
	r.t.Helper()
	got := r.query(user, `{ aiMessages`+arguments+` { nodes { role content } } }`, nil)
	var read struct {
		Data struct {
			Messages struct {
				Nodes []struct{ Role, Content string }
			} `json:"aiMessages"`
		}
	}
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &read), got.body)
	found := []string{}
	for _, m := range read.Data.Messages.Nodes {
		found = append(found, m.Role+": "+m.Content)
	}
	return found
}

func TestAiAction(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/ai-action/payload", "rails/ai-messages/answer")
	for _, version := range []string{"16.9.2", "18.9.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := withSeatsIn(t, version, nil)
			r.gateway.answers(agent("Because\nit <is> so."))
			got := r.query("ada", ask, map[string]any{"q": "why?"})
			up := r.gateway.last(t)
			var a asked
			require.NoError(t, json.Unmarshal([]byte(got.body), &a))
			read := r.query("ada", messages, map[string]any{"ids": []string{a.Data.Action.RequestID}})
			text := "== aiAction ==\n" + showAnswer(got) + "== upstream ==\n" + show(up) + "== aiMessages ==\n" + showAnswer(read)
			for n, id := range unique(anyUUID.FindAllString(text, -1)) {
				text = strings.ReplaceAll(text, id, fmt.Sprintf("<uuid %d>", n+1))
			}
			goldentest.Text(t, "golden/client/ai_action_"+version+".txt", text)

			jobs := r.journal.Entries(journal.Filter{RequestID: up.header.Get("X-Request-Id")})
			require.Len(t, jobs, 2, "the job has the request id of the mutation")
			require.Equal(t, "job:llm_completion", jobs[0].Route)
			require.Equal(t, r.gateway.URL+up.path, jobs[0].Upstream)
			require.Equal(t, "first", jobs[0].Token.ID)
			require.Empty(t, r.contents("ada", `(requestIds: ["other"])`))
			require.Equal(t, []string{"USER: why?"}, r.contents("ada", `(roles: [USER])`))
			require.Empty(t, r.contents("com", ``), "what others asked is theirs")
		})
	}
}

func unique(list []string) []string {
	var found []string
	seen := map[string]bool{}
	for _, text := range list {
		if !seen[text] {
			seen[text], found = true, append(found, text)
		}
	}
	return found
}

func TestAiActionRefused(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/ai-action/one-method", "rails/ai-action/not-permitted", "rails/ai-action/resource", "rails/ai-action/flag")
	failed := func(message string) string {
		text, _ := json.Marshal(message)
		return `{"errors":[{"message":` + string(text) + `,"path":["aiAction"]}],"data":{"aiAction":null}}`
	}
	const unavailable = "The resource that you are attempting to access does not exist or you don't have permission to perform this action"
	const chat = `chat: {content: "?"}`
	for _, c := range []struct {
		name, version, input string
		change               func(w *world.World)
		want                 string
		reason               token.Reason
	}{
		{"no method", "18.9.0", `clientSubscriptionId: "x"`, nil, failed("Only one method argument is required"), railsstub.InvalidRequest},
		{"two methods", "18.9.0", chat + `, explainVulnerability: {resourceId: "gid://gitlab/Vulnerability/1"}`, nil, failed("Only one method argument is required"), railsstub.InvalidRequest},
		{"not permitted", "18.9.0", chat, func(w *world.World) { user(w, "ada").Denied = []string{"duo_chat"} }, `{"data":{"aiAction":{"errors":["AI features are not enabled or resource is not permitted to be sent."],"requestId":null}}}`, railsstub.UserNotAllowed},
		{"flag", "18.9.0", chat, func(w *world.World) { acme(w).FlagsGiven = map[string]bool{world.FlagChat: false} }, failed("required feature flag is disabled."), railsstub.FlagOff},
		{"older flag", "16.9.0", chat, func(w *world.World) { acme(w).FlagsGiven = map[string]bool{world.FlagAI: false} }, failed("`ai_global_switch` feature flag is disabled."), railsstub.FlagOff},
		{"another user", "18.9.0", `chat: {content: "?", resourceId: "gid://gitlab/User/8"}`, nil, failed(unavailable), railsstub.ProjectUnknown},
		{"no such project", "18.9.0", `chat: {content: "?", resourceId: "gid://gitlab/Project/1"}`, nil, failed(unavailable), railsstub.ProjectUnknown},
		{"no vulnerabilities", "18.9.0", `explainVulnerability: {resourceId: "gid://gitlab/Vulnerability/1"}`, nil, failed(unavailable), railsstub.ProjectUnknown},
		{"nothing but the user", "18.9.0", `summarizeReview: {resourceId: "gid://gitlab/User/7"}`, nil, failed(unavailable), railsstub.ProjectUnknown},
		{"blank", "18.9.0", `chat: {content: " "}`, nil, failed("content can't be blank"), railsstub.InvalidRequest},
		{"unknown thread", "18.9.0", chat + `, threadId: "gid://gitlab/Ai::Conversation::Thread/99"`, nil, failed("Thread not found. It may have expired."), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := withSeatsIn(t, c.version, c.change)
			got := r.query("ada", `mutation { aiAction(input: {`+c.input+`}) { requestId errors } }`, nil)
			require.Equal(t, 200, got.status)
			require.JSONEq(t, c.want, got.body)
			require.Equal(t, string(c.reason), r.lastEntry().Reason)
			require.NotEmpty(t, r.lastEntry().Detail)
			require.Empty(t, r.gateway.requests())
			require.Empty(t, r.contents("ada", ``))
		})
	}
	r := withSeatsIn(t, "18.9.0", nil)
	for _, bad := range []string{`{chat: {content: "?", resourceId: 7}}`, `{chat: {content: "?", resourceId: "7"}}`, `{chat: {}}`, `{}`, `{dance: {}}`} {
		got := r.query("ada", `mutation { aiAction(input: `+bad+`) { errors } }`, nil)
		require.Equal(t, 200, got.status)
		require.Contains(t, got.body, `"errors":[{"message"`)
		require.NotContains(t, got.body, "Internal server error")
	}
}

func TestAiActionLimit(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/limits/ai-action")
	r := withSeatsIn(t, "18.9.0", nil)
	r.gateway.answers(agent("yes"))
	for range 160 {
		require.Empty(t, r.asked(ask, map[string]any{"q": "?"}).Data.Action.Errors)
	}
	got := r.query("ada", ask, map[string]any{"q": "?"})
	require.JSONEq(t, `{"errors":[{"message":"This endpoint has been requested too many times. Try again later.","path":["aiAction"]}],"data":{"aiAction":null}}`, got.body)
	r.refused(railsstub.RateLimited)
	r.clock.Advance(8 * time.Hour)
	require.NotEmpty(t, r.asked(ask, map[string]any{"q": "?"}).Data.Action.RequestID)
}

// TestAiActionFails: the mutation knows nothing of what goes wrong in the job.
func TestAiActionFails(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/ai-action/job-fails")
	r := withSeatsIn(t, "18.9.0", nil)
	r.gateway.answers(reply(403, `{"detail":"Unauthorized to access duo_chat"}`))
	a := r.asked(ask, map[string]any{"q": "?"})
	require.Empty(t, a.Data.Action.Errors)
	const said = "I'm sorry, you don't have the GitLab Duo subscription required to use Duo Chat. Please contact your administrator. Error code: M3006"
	got := r.query("ada", `{ aiMessages(roles: [ASSISTANT]) { nodes { content errors } } }`, nil)
	require.JSONEq(t, `{"data":{"aiMessages":{"nodes":[{"content":"`+said+`","errors":["`+said+`"]}]}}}`, got.body)
}

// TestAiActionWaits: while Sidekiq is down questions wait, and are answered when it is back.
func TestAiActionWaits(t *testing.T) {
	t.Parallel()
	r := withSeatsIn(t, "18.9.0", nil)
	r.gateway.answers(agent("yes"))
	run := func(yes bool) {
		_, err := do[control.Done](r, control.ActionJobs, control.JobsRequest{Instance: "acme", Run: &yes})
		require.NoError(t, err)
	}
	run(false)
	require.Empty(t, r.asked(ask, map[string]any{"q": "?"}).Data.Action.Errors)
	require.Empty(t, r.contents("ada", ``))
	run(true)
	require.Equal(t, []string{"USER: ?", "ASSISTANT: yes"}, r.contents("ada", ``))
}

func TestThreads(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/ai-messages/threads")
	r := withSeatsIn(t, "18.9.0", nil)
	r.gateway.answers(agent("yes"))
	const in = `mutation($q: String!, $t: AiConversationThreadID, $k: AiConversationsThreadsConversationType) {
		aiAction(input: {chat: {content: $q}, threadId: $t, conversationType: $k}) { threadId errors } }`
	first := r.asked(in, map[string]any{"q": "a", "k": "DUO_CHAT"}).Data.Action.ThreadID
	require.Regexp(t, `^gid://gitlab/Ai::Conversation::Thread/\d+$`, first)
	second := r.asked(in, map[string]any{"q": "b", "k": "DUO_CHAT"}).Data.Action.ThreadID
	require.NotEqual(t, first, second, "a type without a thread begins one")
	require.Equal(t, first, r.asked(in, map[string]any{"q": "c", "t": first}).Data.Action.ThreadID)
	require.Equal(t, []string{"USER: a", "ASSISTANT: yes", "USER: c", "ASSISTANT: yes"}, r.contents("ada", `(threadId: "`+first+`")`))
	require.Equal(t, []string{"USER: b", "ASSISTANT: yes"}, r.contents("ada", `(conversationType: DUO_CHAT)`), "the last one of the type")
	require.Empty(t, r.contents("ada", `(conversationType: DUO_QUICK_CHAT)`))
	require.Empty(t, r.contents("ada", ``), "who names neither has a thread of their own")
	require.Contains(t, r.query("com", `{ aiMessages(threadId: "`+first+`") { nodes { id } } }`, nil).body, "Thread not found. It may have expired.")

	require.Equal(t, []string{"ASSISTANT: yes"}, r.contents("ada", `(threadId: "`+first+`", last: 1)`))
	require.Equal(t, []string{"ASSISTANT: yes", "USER: c"}, r.contents("ada", `(threadId: "`+first+`", after: "1", first: 2)`))
	got := r.query("ada", `{ aiMessages(threadId: "`+first+`", first: 2, after: "1") { edges { cursor node { threadId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, nil)
	require.JSONEq(t, `{"data":{"aiMessages":{"edges":[{"cursor":"2","node":{"threadId":"`+first+`"}},{"cursor":"3","node":{"threadId":"`+first+`"}}],
		"pageInfo":{"hasNextPage":true,"hasPreviousPage":true,"startCursor":"2","endCursor":"3"}}}}`, got.body)
	require.Contains(t, r.query("ada", `{ aiMessages(after: "x") { nodes { id } } }`, nil).body, "Please provide a valid cursor")
}

func TestSubscriptionActivate(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/activation/graphql", "rails/activation/graphql-errors", "rails/activation/graphql-right")
	const activate = `mutation { gitlabSubscriptionActivate(input: {activationCode: "CODE"}) { errors license { id type plan startsAt expiresAt activatedAt lastSync } futureSubscriptions { plan } } }`
	w := given("18.9.0")
	w.Instances[0].NotActivated = true
	w.Users[0].Admin, w.Users[1].Admin = true, true
	w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme"})
	require.Empty(t, w.Complete())
	r := newRig(t, w)
	key, _ := w.Instances[0].LicenseKey()
	answer, err := json.Marshal(map[string]any{"data": map[string]any{"cloudActivationActivate": map[string]any{"licenseKey": key, "errors": []string{}}}})
	require.NoError(t, err)

	const unavailable = `"The resource that you are attempting to access does not exist or you don't have permission to perform this action"`
	require.Contains(t, r.query("bob", activate, nil).body, unavailable)
	r.refused(railsstub.UserNotAllowed)
	require.Contains(t, r.query("", activate, nil).body, unavailable)
	require.Contains(t, r.query("com", activate, nil).body, `{"errors":["Not self-managed instance"],"license":null`)
	require.Empty(t, r.portal.requests())

	r.portal.answers(reply(200, `{"data":{"cloudActivationActivate":{"errors":["invalid activation code","and more"]}}}`))
	require.Contains(t, r.query("ada", activate, nil).body, `{"errors":["invalid activation code","and more"],"license":null`)
	r.refused(railsstub.ActivationFailed)
	r.portal.answers(reply(500, ``))
	require.Contains(t, r.query("ada", activate, nil).body, `{"errors":["CONNECTIVITY_ERROR"],"license":null`)

	r.portal.answers(reply(200, string(answer)))
	r.portal.forget()
	got := r.query("ada", activate, nil)
	require.Contains(t, r.portal.requests()[0].body, `"activationCode":"CODE"`)
	goldentest.Text(t, "golden/client/activate.txt", showAnswer(got))
	require.NotNil(t, r.stored().License)
}
