package aigateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// invokable is what may stand behind /v1/chat/.
type invokable struct{ name, scope string }

const duoChat = "duo_chat"

var invokables = []invokable{
	{"agent", duoChat},
	{"explain_code", duoChat},
	{"write_tests", duoChat},
	{"refactor_code", duoChat},
	{"explain_vulnerability", "explain_vulnerability"},
	{"summarize_comments", "summarize_comments"},
	{"troubleshoot_job", "troubleshoot_job"},
}

// chatRequest is the body of all of them.
type chatRequest struct {
	PromptComponents []struct {
		Type     *string `json:"type"`
		Metadata *struct {
			Source  *string `json:"source"`
			Version *string `json:"version"`
		} `json:"metadata"`
		Payload *chatPayload `json:"payload"`
	} `json:"prompt_components"`
	Stream bool `json:"stream"`
}

type chatPayload struct {
	Content  json.RawMessage `json:"content"` // a text or a list of messages
	Provider *string         `json:"provider"`
	Model    *string         `json:"model"`
	Params   *struct {
		StopSequences     []string `json:"stop_sequences"`
		Temperature       *float64 `json:"temperature"`
		MaxTokensToSample *int     `json:"max_tokens_to_sample"`
	} `json:"params"`
	ModelEndpoint   *string `json:"model_endpoint"`
	ModelAPIKey     *string `json:"model_api_key"`
	ModelIdentifier *string `json:"model_identifier"`
}

// defaultChatModel is what answers when the request names no model.
const defaultChatModel = "claude-2.1"

func (c *chatRequest) read(r *http.Request) error {
	if err := fastapi.ReadObject(r, c); err != nil {
		return err
	}
	if n := len(c.PromptComponents); n != 1 {
		return fastapi.Invalid("prompt_components: %d entries, expected 1", n)
	}
	p := c.PromptComponents[0]
	if p.Metadata == nil || p.Payload == nil {
		return fastapi.Invalid("prompt_components[0]: metadata or payload is missing")
	}
	for _, f := range []struct {
		name  string
		value *string
	}{{"type", p.Type}, {"metadata.source", p.Metadata.Source}, {"metadata.version", p.Metadata.Version}} {
		if err := checkText("prompt_components[0]."+f.name, f.value, 100, true); err != nil {
			return err
		}
	}
	return p.Payload.check()
}

func (p *chatPayload) check() error {
	const at = "prompt_components[0].payload."
	if p.Provider != nil && *p.Provider != "anthropic" && *p.Provider != "litellm" {
		return fastapi.Invalid(at + "provider: expected anthropic or litellm")
	}
	if params := p.Params; params != nil {
		if t := params.Temperature; t != nil && (*t < 0 || *t > 1) {
			return fastapi.Invalid(at+"params.temperature: %v, expected 0 to 1", *t)
		}
		if n := params.MaxTokensToSample; n != nil && (*n < 1 || *n > 8192) {
			return fastapi.Invalid(at+"params.max_tokens_to_sample: %d, expected 1 to 8192", *n)
		}
	}
	var text *string
	if json.Unmarshal(p.Content, &text) == nil {
		return checkText(at+"content", text, 400_000, true)
	}
	var messages []message
	if json.Unmarshal(p.Content, &messages) != nil || len(messages) < 1 || len(messages) > 100 {
		return fastapi.Invalid(at + "content: expected a text or 1 to 100 messages")
	}
	return checkMessages(at+"content", messages)
}

// chatAnswer is the envelope of all of them.
type chatAnswer struct {
	Response string       `json:"response"`
	Metadata chatMetadata `json:"metadata"`
}

type chatMetadata struct {
	Provider  *string `json:"provider"`
	Model     string  `json:"model"`
	Timestamp int64   `json:"timestamp"`
}

// chat answers "POST /v1/chat/<invokable>".
func (g *Gateway) chat(i invokable) func(*http.Request, *token.AIGatewayUser, *fastapi.Answer) (stub.Reply, error) {
	return func(r *http.Request, u *token.AIGatewayUser, declared *fastapi.Answer) (stub.Reply, error) {
		var c chatRequest
		if err := c.read(r); err != nil {
			return stub.Reply{}, err
		}
		if err := permit(r, u, i.scope, ""); err != nil {
			return stub.Reply{}, err
		}
		if declared != nil {
			return g.answer(r, declared)
		}
		payload := c.PromptComponents[0].Payload
		text := fmt.Sprintf("answer %s of %s", fingerprint(string(payload.Content)), i.name)
		if c.Stream {
			return stream(text), nil
		}
		a := chatAnswer{Response: text, Metadata: chatMetadata{
			Provider: payload.Provider, Model: defaultChatModel, Timestamp: g.service.Clock().Now().Unix(),
		}}
		if payload.Model != nil {
			a.Metadata.Model = *payload.Model
		}
		return stub.JSON(http.StatusOK, a), nil
	}
}

// unknownInvokable answers "POST /v1/chat/<anything else>". The body is looked at first,
// and the words are not those of other unknown paths.
func (g *Gateway) unknownInvokable(r *http.Request, _ *token.AIGatewayUser) (stub.Reply, error) {
	var c chatRequest
	if err := c.read(r); err != nil {
		return stub.Reply{}, err
	}
	return stub.Reply{}, &stub.Error{Status: http.StatusNotFound, Message: "Not found"}
}

// fingerprint stands for a model's answer: the same for the same question.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:4])
}

// stream sends a text word by word.
func stream(text string) stub.Reply {
	return stub.Reply{
		Header: http.Header{"Content-Type": {fastapi.EventStream}, "X-Accel-Buffering": {"no"}},
		Stream: func(w io.Writer) error {
			for word := range strings.SplitAfterSeq(text, " ") {
				if _, err := io.WriteString(w, word); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
