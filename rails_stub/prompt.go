package railsstub

import (
	"bytes"
	"encoding/json"
	"strings"
)

// prompt is what the chat agent of the AI gateway is asked.
type prompt struct {
	protocol chatProtocol
	rel      *release
	question question
	before   []message
	steps    []agentStep
}

// agentStep is a tool that the agent wanted, and what came of it.
type agentStep struct {
	agentAction
	Observation string `json:"observation"`
}

// nothingFound is what every tool of the stub finds.
const nothingFound = "I am sorry, I am unable to find what you are looking for."

func (p *prompt) observe(a agentAction) { p.steps = append(p.steps, agentStep{a, nothingFound}) }

func (p *prompt) body() ([]byte, error) {
	if p.protocol == promptComponents {
		return components(p.question.Content, p.rel, false)
	}
	return p.messages()
}

// components puts a question alone into a prompt: what went before and where the user is
// are not passed on.
func components(content string, rel *release, stream bool) ([]byte, error) {
	type metadata struct {
		Source  string `json:"source"`
		Version string `json:"version"`
	}
	type payload struct {
		Content  string `json:"content"`
		Provider string `json:"provider"`
		Model    string `json:"model"`
	}
	type component struct {
		Type     string   `json:"type"`
		Metadata metadata `json:"metadata"`
		Payload  payload  `json:"payload"`
	}
	return encode(struct {
		PromptComponents []component `json:"prompt_components"`
		Stream           bool        `json:"stream"`
	}{[]component{{
		Type:     "prompt",
		Metadata: metadata{Source: "GitLab EE", Version: rel.version.Core()},
		Payload:  payload{Content: content, Provider: "anthropic", Model: "claude-2.1"},
	}}, stream})
}

// agentMessage is a message of /v2/chat/agent. What went before has role and content only.
type agentMessage struct {
	Role              string       `json:"role"`
	Content           *string      `json:"content,omitempty"`
	Context           *json.Number `json:"context"` // what the user looks at: nothing
	CurrentFile       *agentFile   `json:"current_file"`
	AdditionalContext any          `json:"additional_context"`
	Scratchpad        []scratch    `json:"agent_scratchpad,omitempty"`
}

type agentFile struct {
	Path         string `json:"file_path"`
	Data         string `json:"data"`
	SelectedCode bool   `json:"selected_code"`
}

// scratch is a step in the form that it has among the messages.
type scratch struct {
	Action struct {
		Type string `json:"type"`
		agentAction
	} `json:"action"`
	Observation string `json:"observation"`
}

type agentOptions struct {
	Scratchpad struct {
		AgentType string      `json:"agent_type"`
		Steps     []agentStep `json:"steps"`
	} `json:"agent_scratchpad"`
}

func (p *prompt) messages() ([]byte, error) {
	var body struct {
		Messages      []agentMessage `json:"messages"`
		ModelMetadata *string        `json:"model_metadata"`
		Unavailable   []string       `json:"unavailable_resources"`
		Options       *agentOptions  `json:"options,omitempty"`
	}
	body.Unavailable = []string{"Pipelines", "Vulnerabilities"}
	for _, m := range p.before {
		body.Messages = append(body.Messages, agentMessage{Role: strings.ToLower(m.Role), Content: &m.Content})
	}
	asked := agentMessage{Role: "user", Content: &p.question.Content, AdditionalContext: []contextEntry{}}
	if len(p.question.ContextEntries) > 0 {
		asked.AdditionalContext = p.question.ContextEntries
	}
	if f := p.question.CurrentFile; f != nil && f.SelectedText != "" {
		asked.CurrentFile = &agentFile{Path: f.Name, Data: f.SelectedText, SelectedCode: true}
	}
	body.Messages = append(body.Messages, asked)
	if p.protocol == eventsAndOptions {
		body.Options = &agentOptions{}
		body.Options.Scratchpad.AgentType = "react"
		body.Options.Scratchpad.Steps = append([]agentStep{}, p.steps...)
	} else if len(p.steps) > 0 {
		pad := agentMessage{Role: "assistant"}
		for _, s := range p.steps {
			done := scratch{Observation: s.Observation}
			done.Action.Type, done.Action.agentAction = "action", s.agentAction
			pad.Scratchpad = append(pad.Scratchpad, done)
		}
		body.Messages = append(body.Messages, pad)
	}
	return encode(body)
}

// read reads an answer of the protocol.
func (p *prompt) read(step chatStep, text []byte) (chatStep, *chatFailure) {
	if p.protocol == promptComponents {
		var answer struct {
			Response string `json:"response"`
		}
		if json.Unmarshal(text, &answer) != nil || answer.Response == "" {
			step.detail = "the AI gateway's answer has no response"
			return step, chatFailed
		}
		step.content = strings.TrimSpace(answer.Response)
		if _, final, marked := strings.Cut(answer.Response, "Final Answer:"); marked {
			step.content = strings.TrimSpace(final)
		}
		return step, nil
	}
	return readEvents(step, text)
}

// readEvents reads one event from each line. What cannot be read is left out.
func readEvents(step chatStep, text []byte) (chatStep, *chatFailure) {
	var answer, unknown strings.Builder
	met := 0
	for line := range bytes.Lines(text) {
		var e agentEvent
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		var data struct {
			agentAction
			Text      string `json:"text"`
			Message   string `json:"message"`
			Retryable bool   `json:"retryable"`
		}
		if json.Unmarshal(e.Data, &data) != nil && e.Type != "usage" {
			continue
		}
		switch e.Type {
		case "error":
			step.detail, step.retryable = "the agent failed: "+data.Message, data.Retryable
			switch {
			case strings.Contains(data.Message, "prompt is too long"):
				return step, chatTooLong
			case strings.Contains(data.Message, "tool not available"):
				return step, chatNotInTier
			}
			return step, chatAgentError
		case "final_answer_delta":
			met++
			answer.WriteString(data.Text)
		case "action":
			met++
			step.action = &data.agentAction
		case "unknown":
			met++
			unknown.WriteString(data.Text)
		}
	}
	switch {
	case met == 0:
		step.detail = "the AI gateway sent no event"
		return step, chatNoEvents
	case answer.Len() > 0:
		step.content, step.action = answer.String(), nil
	case step.action == nil:
		step.content = unknown.String()
	}
	return step, nil
}
