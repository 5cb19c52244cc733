package railsstub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

// conversation is a user of chat in a thread.
type conversation struct {
	instance *Instance
	feature  *endpoint
	rel      *release
	person   *person
	right    grant
	client   http.Header // of the user's client
	thread   *thread
}

// meeting is what the journal is told of a call of the AI gateway.
type meeting struct {
	token    accessToken
	upstream string
	reason   token.Reason
	detail   string
}

func (m meeting) note(e *journal.Entry) {
	note(e, m.token)
	e.Upstream, e.Reason, e.Detail = m.upstream, string(m.reason), m.detail
}

// ask keeps the question, asks the AI gateway and keeps the answer, which it returns. The
// X-Request-ID of the call is hop; the id of the two messages is requestID.
func (c *conversation) ask(ctx context.Context, q question, hop, requestID string) (message, meeting) {
	i := c.instance
	before := i.talks.answered(c.thread)
	i.talks.keep(c.thread, c.message(roleUser, requestID, q.Content))
	content, failure, met := c.react(ctx, q, before, hop)
	if failure != nil {
		content = failure.text()
		met.detail = strings.TrimPrefix(met.detail+"; the user is told "+failure.code, "; ")
	}
	said := c.message(roleAssistant, requestID, content)
	if failure != nil {
		said.Errors = []string{content}
	}
	i.talks.keep(c.thread, said)
	return said, met
}

func (c *conversation) message(role, requestID, content string) message {
	return message{
		ID: c.instance.stub.env.Random.UUID(), RequestID: requestID, Role: role, Content: content,
		At: c.instance.service.Clock().Now(),
	}
}

// chatFailure is what chat says when it has no answer.
type chatFailure struct{ code, content string }

func (f *chatFailure) text() string {
	return cmp.Or(f.content, "I'm sorry, I can't generate a response. Please try again.") + " Error code: " + f.code
}

const tooSlow = "I'm sorry, I couldn't respond in time. Please try again."

// The failures of chat.
var (
	chatTimedOut   = &chatFailure{"A1000", tooSlow}
	chatNoContact  = &chatFailure{"A1001", ""}
	chatNoEvents   = &chatFailure{"A1002", tooSlow}
	chatCutOff     = &chatFailure{"A1003", ""}
	chatAgentError = &chatFailure{"A1004", ""}
	chatTooLong    = &chatFailure{"A1005", "I'm sorry, you've entered too many prompts. Please run /clear or /reset before asking the next question."}
	chatLoops      = &chatFailure{"A1006", "I'm sorry, Duo Chat agent reached the limit before finding an answer for your question. " +
		"Please try a different prompt or clear your conversation history with /clear."}
	chatNotInTier = &chatFailure{"G3001", "I'm sorry, but answering this question requires a different Duo subscription. Please contact your administrator."}
	chatNoGroup   = &chatFailure{"G3002", "I'm sorry, you have not selected a default GitLab Duo namespace. " +
		"Please go to GitLab and in user Preferences - Behavior, select a default namespace for GitLab Duo."}
	chatForbidden = &chatFailure{"M3006", "I'm sorry, you don't have the GitLab Duo subscription required to use Duo Chat. Please contact your administrator."}
	chatFailed    = &chatFailure{"A9999", ""}
)

// Bounds on one question.
const (
	maxSteps   = 10 // of the agent
	maxRetries = 2  // of a step
)

// react asks the agent until it has an answer. The agent may ask for a tool: the stub has
// none that finds anything.
func (c *conversation) react(ctx context.Context, q question, before []message, hop string) (string, *chatFailure, meeting) {
	i := c.instance
	met := meeting{}
	if i.defaultGroupMissing(c.person, c.rel) != nil {
		met.reason, met.detail = DefaultGroupMissing, c.person.Name+" has chosen no default group for GitLab Duo"
		return "", chatNoGroup, met
	}
	var err error
	now := i.service.Clock().Now()
	if met.token, err = i.tokenFor(c.person, c.feature, c.rel, now); err != nil {
		met.reason, met.detail = SigningKeyMissing, err.Error()
		return "", chatFailed, met
	}
	protocol, path := c.feature.agent(c.rel)
	prompt := &prompt{protocol: protocol, rel: c.rel, question: q, before: before}
	met.upstream = strings.TrimSuffix(i.stub.options.GatewayURL, "/") + "/" + c.feature.Backend.Name + path
	target, err := url.Parse(met.upstream)
	if err != nil {
		met.reason, met.detail = GatewayUnreachable, err.Error()
		return "", chatNoContact, met
	}
	retries := 0
	for range maxSteps {
		h := i.headerOf(aiClients, c.rel, c.person, c.right, met.token, now, c.client, hop)
		step, failure := i.stub.chatStep(ctx, target, h, prompt)
		switch {
		case failure == chatAgentError && step.retryable && retries < maxRetries:
			retries++
			continue
		case failure != nil:
			met.detail = step.detail
			if step.status == 0 {
				met.reason = GatewayUnreachable
			}
			return "", failure, met
		case step.action == nil:
			return step.content, nil, met
		}
		retries = 0
		prompt.observe(*step.action)
	}
	met.detail = "the agent wanted a tool ten times"
	return "", chatLoops, met
}

// chatStep is one answer of the agent.
type chatStep struct {
	status    int // 0: there was no answer
	content   string
	action    *agentAction
	retryable bool
	detail    string
}

type agentAction struct {
	Tool      string `json:"tool"`
	ToolInput string `json:"tool_input"`
	Thought   string `json:"thought"`
}

const maxChatAnswer = 4 << 20 // in bytes

// chatStep sends a prompt and reads the answer.
func (s *Stub) chatStep(ctx context.Context, target *url.URL, h http.Header, p *prompt) (chatStep, *chatFailure) {
	body, err := p.body()
	if err != nil {
		return chatStep{detail: err.Error()}, chatFailed
	}
	ctx, cancel := context.WithTimeout(ctx, chatTimeout)
	defer cancel()
	resp, err := s.send(ctx, http.MethodPost, target, h, body)
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return chatStep{detail: unreachable(err)}, chatTimedOut
	case err != nil:
		return chatStep{detail: unreachable(err)}, chatNoContact
	}
	defer func() { _ = resp.Body.Close() }()
	step := chatStep{status: resp.StatusCode}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxChatAnswer))
	switch {
	case resp.StatusCode == http.StatusForbidden:
		step.detail = "the AI gateway answered 403"
		return step, chatForbidden
	case resp.StatusCode/100 != 2:
		step.detail = "the AI gateway answered " + resp.Status
		return step, chatFailed
	case err != nil:
		step.detail = "the answer broke off: " + err.Error()
		return step, chatCutOff
	}
	return p.read(step, bytes.TrimSpace(text))
}

// agentEvent is a line of an answer of /v2/chat/agent.
type agentEvent struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}
