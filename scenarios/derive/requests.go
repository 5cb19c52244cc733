package derive

import (
	"strings"

	"github.com/ccmock/ccmock/internal/feature"
)

// subject is the feature as the oracle sees it.
func (d deriver) subject() subject {
	f := d.feature
	return subject{
		service: f.CloudConnector.Name, scope: f.Backend.Scope, asked: f.Rails.Scopes,
		audience: f.Backend.Audience, backend: f.Backend.Name, chat: isChat(f), told: isDuoChat(f),
		lacks: lacksScope(f), ok: f.Backend.Status,
	}
}

func isChat(f feature.Feature) bool {
	return f.Backend.Profile == feature.AIGateway && strings.HasPrefix(f.Backend.Endpoint.Path, "/v1/chat/")
}

// isDuoChat: the feature is called by the endpoint that waits for the answer.
func isDuoChat(f feature.Feature) bool {
	return isChat(f) && f.Rails.Endpoint.Path == "/api/v4/chat/completions"
}

func isCode(f feature.Feature) bool {
	return f.Backend.Profile == feature.AIGateway && strings.HasSuffix(f.Backend.Endpoint.Path, "/completions") && !isChat(f)
}

// lacksScope is what the backend says when the token lacks the scope (ai_gateway 3). Code
// completion has words of its own; all others name the scope.
func lacksScope(f feature.Feature) string {
	if isCode(f) {
		return "Unauthorized to access code completions"
	}
	return "Unauthorized to access " + f.Backend.Scope
}

// currentFile is what editors send.
var currentFile = object{
	{"file_name", "main.go"}, {"content_above_cursor", "func "}, {"content_below_cursor", "}"},
}

// useBody is what a user sends to GitLab; nil means nothing in particular.
func useBody(f feature.Feature) any {
	switch {
	case isChat(f):
		return object{{"content", "hello"}}
	case isCode(f):
		return object{{"current_file", currentFile}}
	}
	return nil
}

// callBody is what GitLab sends to the backend.
func callBody(f feature.Feature) any {
	if isChat(f) {
		component := object{
			{"type", "prompt"},
			{"metadata", object{{"source", "GitLab EE"}, {"version", "18.9.0"}}},
			{"payload", object{{"content", "hello"}}},
		}
		return object{{"prompt_components", []any{component}}}
	}
	return useBody(f)
}
