package aigateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// agentModel is the model of the chat agent.
const agentModel = "claude-sonnet-4-20250514"

const (
	saysNoDuoChat = "Unauthorized to access duo chat"
	// mention in the last question lets those in whose right to classic chat has ended.
	mention = "@GitLabDuo"
)

// agentNeeds demands what version 2 of chat needs: the right to classic chat, or to the new chat and to mention it. Then
// each kind of context needs one of its own.
func (g *Gateway) agentNeeds(r *request) error {
	messages := r.body.objects("messages")
	for _, m := range messages {
		if m["agent_scratchpad"] != nil && m.text("role") != "assistant" {
			return &stub.Error{Status: http.StatusBadRequest, Message: "agent_scratchpad can only be present when role is ASSISTANT"}
		}
	}
	if err := g.agentChat(r, messages[len(messages)-1]); err != nil {
		return err
	}
	for _, m := range messages {
		for _, c := range m.objects("additional_context") {
			scope := "include_" + c.text("category") + "_context"
			if err := r.permit(scope, ""); err != nil {
				return err
			}
		}
	}
	journal.Of(r.Context()).Scope = duoClassicChat
	return nil
}

func (g *Gateway) agentChat(r *request, last object) error {
	if r.release == release2025 {
		return r.permit(duoChat, saysNoDuoChat)
	}
	scope := duoClassicChat
	if r.body.in("model_metadata").text("provider") == "amazon_q" {
		scope = amazonQ
	}
	err := r.permit(scope, saysNoDuoChat)
	if err == nil || !r.user.Can(duoChat).OK() {
		return err
	}
	if last.text("role") == "user" && strings.Contains(last.text("content"), mention) {
		return nil
	}
	return r.permit(scope, saysNoDuoCore)
}

// agentLine is a line of the agent's answer.
type agentLine struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

type agentAction struct {
	Tool      string `json:"tool"`
	ToolInput string `json:"tool_input"`
	Thought   string `json:"thought"`
}

type agentDelta struct {
	Text         string  `json:"text"`
	FinishReason *string `json:"finish_reason"`
}

type agentText struct {
	Text string `json:"text"`
}

type agentError struct {
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

type agentUsage struct {
	Usage map[string]usage `json:"usage"`
}

type usage struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
}

// agent answers "POST /v2/chat/agent" with a line of JSON for each thing that it says. The status is out before the model
// runs, so that its failure is a line too, and then the stream is cut.
func (g *Gateway) agent(r *request) (stub.Reply, error) {
	var prompt []string
	for _, m := range r.body.objects("messages") {
		prompt = append(prompt, m.text("content"))
	}
	s := g.ask(r, "answer", "agent", prompt...)
	said := agentLines(s)
	if s.fail == nil && r.release != release2025 {
		said = append(said, agentLine{"usage", agentUsage{map[string]usage{agentModel: {tokens(strings.Join(prompt, " ")), tokens(s.text())}}}})
	}
	texts := make([]string, 0, len(said))
	for _, line := range said {
		texts = append(texts, jsonText(line)+"\n")
	}
	form := streamForm{
		header: http.Header{"Content-Type": {"application/x-ndjson; charset=utf-8"}},
		piece:  func(text string) string { return text },
	}
	s.chunks = texts
	return form.reply(s), nil
}

// agentLines reads what a model says as the agent does: "Action:" and "Action Input:" are a call of a tool, a thought
// without one is of unknown meaning, and anything else is the answer.
func agentLines(s said) []agentLine {
	text := s.text()
	thought := between(text, "Thought:")
	var out []agentLine
	switch {
	case strings.Contains(text, "Action:"):
		out = append(out, agentLine{"action", agentAction{Tool: between(text, "Action:"), ToolInput: between(text, "Action Input:"), Thought: thought}})
	case strings.HasPrefix(text, "Thought:") && !strings.Contains(text, finalAnswer):
		out = append(out, agentLine{"unknown", agentText{text}})
	default:
		for _, c := range afterFinal(s.chunks) {
			out = append(out, agentLine{"final_answer_delta", agentDelta{Text: c}})
		}
	}
	if f := s.fail; f != nil {
		out = append(out, agentLine{"error", agentError{Message: agentFailure(*f), Retryable: f.Status == overloaded}})
	}
	return out
}

const finalAnswer = "Final Answer:"

// labels begin the parts of what a model says to the agent.
var labels = []string{"Thought:", "Action Input:", "Action:", "Observation:", finalAnswer}

// between is what follows a label, up to the next one.
func between(text, label string) string {
	_, rest, found := strings.Cut(text, label)
	if !found {
		return ""
	}
	end := len(rest)
	for _, l := range labels {
		if n := strings.Index(rest, l); n >= 0 {
			end = min(end, n)
		}
	}
	return strings.TrimSpace(rest[:end])
}

// afterFinal are the pieces that follow "Final Answer:", or all if it is not said.
func afterFinal(chunks []string) []string {
	text := strings.Join(chunks, "")
	_, rest, found := strings.Cut(text, finalAnswer)
	if !found {
		return chunks
	}
	skip := len(text) - len(strings.TrimLeft(rest, " "))
	for n, c := range chunks {
		if skip < len(c) {
			return slices.Concat([]string{c[skip:]}, chunks[n+1:])
		}
		skip -= len(c)
	}
	return nil
}

func agentFailure(f world.ModelFailure) string {
	switch {
	case f.Status == overloaded && f.Message == "":
		return "AnthropicError - Overloaded"
	case f.NoAnswer != "":
		return "the model gave no answer: " + f.NoAnswer
	}
	return reasonPhrase(f)
}
