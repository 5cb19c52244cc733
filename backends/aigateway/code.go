package aigateway

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// The scopes of the code endpoints.
const (
	completeCode = "complete_code"
	generateCode = "generate_code"
)

// codeRequest is the body of the code endpoints. What the gateway reads and does nothing
// with here is only checked.
type codeRequest struct {
	PromptVersion *int    `json:"prompt_version"`
	ProjectPath   *string `json:"project_path"`
	ProjectID     *int    `json:"project_id"`
	CurrentFile   *struct {
		FileName           *string `json:"file_name"`
		LanguageIdentifier *string `json:"language_identifier"`
		ContentAboveCursor *string `json:"content_above_cursor"`
		ContentBelowCursor *string `json:"content_below_cursor"`
	} `json:"current_file"`
	ModelProvider   *string `json:"model_provider"`
	ModelName       *string `json:"model_name"`
	ModelEndpoint   *string `json:"model_endpoint"`
	ModelAPIKey     *string `json:"model_api_key"`
	ModelIdentifier *string `json:"model_identifier"`
	Telemetry       []struct {
		Requests *int `json:"requests"`
		Accepts  *int `json:"accepts"`
		Errors   *int `json:"errors"`
	} `json:"telemetry"`
	Stream       bool `json:"stream"`
	ChoicesCount *int `json:"choices_count"`
	Context      []struct {
		Type    *string `json:"type"`
		Name    *string `json:"name"`
		Content *string `json:"content"`
	} `json:"context"`
	PromptID *string         `json:"prompt_id"`
	RoleARN  *string         `json:"role_arn"`
	Prompt   json.RawMessage `json:"prompt"`
}

var modelProviders = []string{"anthropic", "vertex-ai", "litellm", "codestral", "fireworks_ai", "amazon_q", "gitlab"}

// read reads and validates the body. A prompt is needed for generations of version 2 and
// 3 only.
func (c *codeRequest) read(r *http.Request, needsPrompt bool) error {
	if err := fastapi.ReadObject(r, c); err != nil {
		return err
	}
	file := c.CurrentFile
	if file == nil {
		return fastapi.Invalid("current_file: missing")
	}
	for _, f := range []struct {
		name     string
		value    *string
		limit    int
		required bool
	}{
		{"current_file.file_name", file.FileName, 255, true},
		{"current_file.content_above_cursor", file.ContentAboveCursor, 100_000, true},
		{"current_file.content_below_cursor", file.ContentBelowCursor, 100_000, true},
		{"current_file.language_identifier", file.LanguageIdentifier, 255, false},
		{"project_path", c.ProjectPath, 255, false},
		{"model_name", c.ModelName, 50, false},
	} {
		if err := checkText(f.name, f.value, f.limit, f.required); err != nil {
			return err
		}
	}
	if c.ModelProvider != nil && !slices.Contains(modelProviders, *c.ModelProvider) {
		return fastapi.Invalid("model_provider: expected one of %s", strings.Join(modelProviders, ", "))
	}
	return c.checkLists(needsPrompt)
}

func (c *codeRequest) checkLists(needsPrompt bool) error {
	if n := len(c.Telemetry); n > 10 {
		return fastapi.Invalid("telemetry: %d entries, expected at most 10", n)
	}
	for n, t := range c.Telemetry {
		if t.Requests == nil || t.Accepts == nil || t.Errors == nil {
			return fastapi.Invalid("telemetry[%d]: requests, accepts or errors is missing", n)
		}
	}
	if n := len(c.Context); n > 100 {
		return fastapi.Invalid("context: %d entries, expected at most 100", n)
	}
	for n, x := range c.Context {
		if x.Type == nil || x.Name == nil || x.Content == nil {
			return fastapi.Invalid("context[%d]: type, name or content is missing", n)
		}
	}
	version := 1
	if c.PromptVersion != nil {
		version = *c.PromptVersion
	}
	missing := len(c.Prompt) == 0 || string(c.Prompt) == "null"
	switch {
	case version < 1 || version > 3:
		return fastapi.Invalid("prompt_version: %d, expected 1, 2 or 3", version)
	case version == 1 || missing && !needsPrompt:
		return nil
	case missing:
		return fastapi.Invalid("prompt: missing, as prompt_version is %d", version)
	case version == 2:
		var text string
		if json.Unmarshal(c.Prompt, &text) != nil {
			return fastapi.Invalid("prompt: expected a text, as prompt_version is 2")
		}
		return nil
	}
	var messages []message
	if json.Unmarshal(c.Prompt, &messages) != nil {
		return fastapi.Invalid("prompt: expected a list of messages, as prompt_version is 3")
	}
	return checkMessages("prompt", messages)
}

func checkText(name string, value *string, limit int, required bool) error {
	switch {
	case value == nil && required:
		return fastapi.Invalid("%s: missing", name)
	case value != nil && utf8.RuneCountInString(*value) > limit:
		return fastapi.Invalid("%s: %d characters, expected at most %d", name, utf8.RuneCountInString(*value), limit)
	}
	return nil
}

// message is one of a conversation with a model.
type message struct {
	Role    string  `json:"role"`
	Content *string `json:"content"`
}

func checkMessages(name string, messages []message) error {
	for n, m := range messages {
		if !slices.Contains([]string{"system", "user", "assistant"}, m.Role) || m.Content == nil {
			return fastapi.Invalid("%s[%d]: expected a role of system, user or assistant, and content", name, n)
		}
	}
	return nil
}

// codeAnswer is the envelope of both code endpoints.
type codeAnswer struct {
	ID          string       `json:"id"`
	Model       codeModel    `json:"model"`
	Experiments []struct{}   `json:"experiments"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"`
	Choices     []choice     `json:"choices"`
	Metadata    codeMetadata `json:"metadata"`
}

type codeModel struct {
	Engine string    `json:"engine"`
	Name   string    `json:"name"`
	Lang   string    `json:"lang"`
	Tokens *struct{} `json:"tokens_consumption_metadata"`
	Region string    `json:"region"`
}

type codeMetadata struct {
	EnabledFeatureFlags []string `json:"enabled_feature_flags"`
}

type choice struct {
	Text         string `json:"text"`
	Index        int    `json:"index"`
	FinishReason string `json:"finish_reason"`
}

// completions answers "POST /v2/code/completions" and "POST /v2/completions", also for
// user tokens.
func (g *Gateway) completions(r *http.Request, u *token.AIGatewayUser, declared *fastapi.Answer) (stub.Reply, error) {
	var c codeRequest
	if err := c.read(r, false); err != nil {
		return stub.Reply{}, err
	}
	if err := permit(r, u, completeCode, "Unauthorized to access code completions"); err != nil {
		return stub.Reply{}, err
	}
	return g.suggest(r, &c, "completion", declared)
}

// generations answers "POST /v2/code/generations".
func (g *Gateway) generations(r *http.Request, u *token.AIGatewayUser, declared *fastapi.Answer) (stub.Reply, error) {
	var c codeRequest
	if err := c.read(r, true); err != nil {
		return stub.Reply{}, err
	}
	if err := permit(r, u, generateCode, "Unauthorized to access code generations", g.name); err != nil {
		return stub.Reply{}, err
	}
	return g.suggest(r, &c, "generation", declared)
}

func (g *Gateway) suggest(r *http.Request, c *codeRequest, what string, declared *fastapi.Answer) (stub.Reply, error) {
	if declared != nil {
		return g.answer(r, declared)
	}
	file := c.CurrentFile
	text := what + " " + fingerprint(*file.FileName, *file.ContentAboveCursor, *file.ContentBelowCursor, string(c.Prompt)) + " of " + path.Base(*file.FileName)
	if c.Stream {
		return stream(text), nil
	}
	a := codeAnswer{
		ID:          "id", // what the real one says, too
		Model:       codeModel{Engine: "vertex-ai", Name: "codestral-2501", Lang: language(*file.FileName), Region: "us-central1"},
		Experiments: []struct{}{},
		Object:      "text_completion",
		Created:     g.service.Clock().Now().Unix(),
		Choices:     []choice{{Text: text, FinishReason: "length"}},
		Metadata:    codeMetadata{EnabledFeatureFlags: flags(r.Header)},
	}
	if c.ModelProvider != nil {
		a.Model.Engine = *c.ModelProvider
	}
	if c.ModelName != nil {
		a.Model.Name = *c.ModelName
	}
	return stub.JSON(http.StatusOK, a), nil
}

// flags are the feature flags that the instance says are on.
func flags(h http.Header) []string {
	names := []string{}
	for name := range strings.SplitSeq(h.Get("X-Gitlab-Enabled-Feature-Flags"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

var languages = map[string]string{
	".c": "c", ".cpp": "cpp", ".go": "go", ".java": "java", ".js": "javascript", ".kt": "kotlin", ".php": "php",
	".py": "python", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".ts": "typescript",
}

// language is named after a file's extension; "" if it is not known.
func language(file string) string { return languages[strings.ToLower(path.Ext(file))] }
