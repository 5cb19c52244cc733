package aigateway

import (
	"github.com/ccmock/ccmock/internal/stub"
)

// The components that decide what versions 3 and 4 do.
const (
	editorCompletion = "code_editor_completion"
	editorGeneration = "code_editor_generation"
)

// suggestionAnswer is the envelope of versions 3 and 4.
type suggestionAnswer struct {
	Choices  []choice           `json:"choices"`
	Metadata suggestionMetadata `json:"metadata"`
	Model    suggestionModel    `json:"model"`
}

type suggestionMetadata struct {
	Model               suggestionModel `json:"model"`
	Timestamp           int64           `json:"timestamp"`
	EnabledFeatureFlags []string        `json:"enabled_feature_flags"`
	Region              *string         `json:"region"`
}

type suggestionModel struct {
	Engine string `json:"engine"`
	Name   string `json:"name"`
	Lang   string `json:"lang"`
}

// streamStart is what the first event of a stream of version 4 says.
type streamStart struct {
	Metadata struct {
		Model struct {
			Engine string `json:"engine"`
			Name   string `json:"name"`
		} `json:"model"`
		Timestamp           int64    `json:"timestamp"`
		EnabledFeatureFlags []string `json:"enabled_feature_flags"`
		Region              string   `json:"region"`
	} `json:"metadata"`
}

const saysNoSuggestions = "Unauthorized to access code suggestions"

// componentNeeds demands what the first component needs. A refused generation is not caught. The release of 2025 demanded
// completions of everybody, before it looked at the component.
func (g *Gateway) componentNeeds(r *request) error {
	component := r.body.component()
	if r.release == release2025 {
		if err := r.permit(completeCode, saysNoSuggestions, g.name); err != nil {
			return err
		}
	}
	switch component.text("type") {
	case editorCompletion:
		if component.in("payload").text("model_provider") == "amazon_q" {
			return r.permit(amazonQ, saysNoSuggestions, g.name)
		}
		return r.permit(completeCode, saysNoSuggestions, g.name)
	case editorGeneration:
		if r.release == release2025 {
			return nil
		}
		return r.permitOrCrash(generateCode)
	}
	return nil
}

// suggestions answers "POST /v3/code/completions", which streams raw text, and "POST /v4/code/suggestions", which streams
// events. To a context without a question it says null.
func (g *Gateway) suggestions(r *request) (stub.Reply, error) {
	component := r.body.component()
	what := "completion"
	switch component.text("type") {
	case editorGeneration:
		what = "generation"
	case editorCompletion:
	default:
		return reply(nil), nil
	}
	file := component.in("payload")
	s := g.askForCode(r, what, file, file["prompt"])
	engine, name := codeModelOf(file)
	flags, now := r.flags(r.Header), g.service.Clock().Now().Unix()
	whole := func(text string) stub.Reply {
		model := suggestionModel{engine, name, language(file.text("file_name"))}
		return reply(suggestionAnswer{choices(text), suggestionMetadata{Model: model, Timestamp: now, EnabledFeatureFlags: flags}, model})
	}
	form := raw()
	if r.route.path == "/v4/code/suggestions" {
		var start streamStart
		m := &start.Metadata
		m.Model.Engine, m.Model.Name = engine, name
		m.Timestamp, m.EnabledFeatureFlags, m.Region = now, flags, region
		form = events(r.lineEnd(), start)
	}
	return replied(s, file.stream(), whole, form, g.inferenceFailed)
}
