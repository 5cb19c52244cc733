package aigateway

import (
	"path"
	"strings"

	"github.com/ccmock/ccmock/internal/stub"
)

// codeAnswer is the envelope of the code endpoints of version 2.
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

// choices are a model's suggestions: one, or none if it has nothing to say.
func choices(text string) []choice {
	if text == "" {
		return []choice{}
	}
	return []choice{{Text: text, FinishReason: "length"}}
}

// The model and region that answer code requests which name none.
const (
	codeEngine = "vertex-ai"
	codeName   = "codestral-2501"
	region     = "us-central1"
)

// completions answers "POST /v2/code/completions" and "POST /v2/completions", also for user tokens.
func (g *Gateway) completions(r *request) (stub.Reply, error) { return g.suggest(r, "completion") }

// generations answers "POST /v2/code/generations".
func (g *Gateway) generations(r *request) (stub.Reply, error) { return g.suggest(r, "generation") }

func (g *Gateway) suggest(r *request, what string) (stub.Reply, error) {
	s := g.askForCode(r, what, r.body.in("current_file"), r.body["prompt"])
	name := r.body.in("current_file").text("file_name")
	whole := func(text string) stub.Reply {
		engine, model := codeModelOf(r.body)
		return reply(codeAnswer{
			ID:          "id", // what the real one says, too
			Model:       codeModel{Engine: engine, Name: model, Lang: language(name), Region: region},
			Experiments: []struct{}{},
			Object:      "text_completion",
			Created:     g.service.Clock().Now().Unix(),
			Choices:     choices(text),
			Metadata:    codeMetadata{EnabledFeatureFlags: r.flags(r.Header)},
		})
	}
	return replied(s, r.body.stream(), whole, raw(), g.inferenceFailed)
}

// askForCode asks a model for what belongs at the cursor of a file.
func (g *Gateway) askForCode(r *request, what string, file object, prompt any) said {
	return g.ask(r, what, path.Base(file.text("file_name")), file.text("content_above_cursor"), file.text("content_below_cursor"), promptText(prompt))
}

// codeModelOf is the model that a body names, or the usual one.
func codeModelOf(body object) (engine, name string) {
	engine, name = codeEngine, codeName
	if e := body.text("model_provider"); e != "" {
		engine = e
	}
	if n := body.text("model_name"); n != "" {
		name = n
	}
	return engine, name
}

var languages = map[string]string{
	".c": "c", ".cpp": "cpp", ".go": "go", ".java": "java", ".js": "javascript", ".kt": "kotlin", ".php": "php",
	".py": "python", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".ts": "typescript",
}

// language is named after a file's extension; "" if it is not known.
func language(file string) string { return languages[strings.ToLower(path.Ext(file))] }
