package aigateway

import (
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// chatAnswer is the envelope of /v1/chat.
type chatAnswer struct {
	Response string       `json:"response"`
	Metadata chatMetadata `json:"metadata"`
}

type chatMetadata struct {
	Provider  *string `json:"provider"`
	Model     string  `json:"model"`
	Timestamp int64   `json:"timestamp"`
}

// defaultChatModel is what answers when the request names no model.
const defaultChatModel = "claude-2.1"

const saysNoDuoCore = "Duo Core no longer authorized to access Duo Classic Chat"

// classicChat is what chat of version 1 needs. Those who have Duo Core alone were let in until its cut-off.
func (g *Gateway) classicChat(scope string) needs {
	return needs{scope, func(r *request) error {
		if !r.DuoCoreChat && r.release != release2025 && r.Header.Get("X-Gitlab-Feature-Enablement-Type") == "duo_core" {
			return &stub.Error{Status: http.StatusForbidden, Message: saysNoDuoCore, Reason: ReasonDuoCore, Detail: "the caller has Duo Core alone"}
		}
		return r.permit(scope, "")
	}}
}

// ReasonDuoCore is that for which chat refuses those who have Duo Core alone.
const ReasonDuoCore = "duo_core_only"

// chat answers "POST /v1/chat/<invokable>".
func (g *Gateway) chat(r *request) (stub.Reply, error) {
	payload := r.body.component().in("payload")
	s := g.ask(r, "answer", strings.TrimPrefix(r.route.name, "chat."), promptText(payload["content"]))
	whole := func(text string) stub.Reply {
		a := chatAnswer{Response: text, Metadata: chatMetadata{
			Provider: payload.optional("provider"), Model: defaultChatModel, Timestamp: g.service.Clock().Now().Unix(),
		}}
		if model := payload.optional("model"); model != nil {
			a.Metadata.Model = *model
		}
		return reply(a)
	}
	return replied(s, r.body.stream(), whole, raw(), anthropicFailed)
}

// anthropicFailed is how chat words a failed model.
func anthropicFailed(f world.ModelFailure) error {
	switch f.NoAnswer {
	case "timeout":
		return modelFailed(f, http.StatusGatewayTimeout, "Anthropic API Timeout Error.")
	case "connection":
		return modelFailed(f, http.StatusBadGateway, "Anthropic API Connection Error.")
	}
	return modelFailed(f, http.StatusBadGateway, "Anthropic API Status Error.")
}
