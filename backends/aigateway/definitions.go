package aigateway

import "github.com/ccmock/ccmock/internal/stub"

// definition is a model that may be chosen.
type definition struct {
	Name          string  `json:"name"`
	Identifier    string  `json:"identifier"`
	Provider      string  `json:"provider"`
	Deprecation   *string `json:"deprecation"`
	Description   string  `json:"description"`
	CostIndicator string  `json:"cost_indicator"`
}

// selection is what may be chosen for a feature.
type selection struct {
	FeatureSetting          string              `json:"feature_setting"`
	DefaultModel            string              `json:"default_model"`
	DefaultModels           []string            `json:"default_models"`
	ModelsForTags           map[string]string   `json:"models_for_tags"`
	ModelsForSizePreference map[string]string   `json:"models_for_size_preference"`
	SelectableModels        []string            `json:"selectable_models"`
	BetaModels              []string            `json:"beta_models"`
	DeprecatedModels        []string            `json:"deprecated_models"`
	Dev                     map[string][]string `json:"dev"`
	UnitPrimitives          []string            `json:"unit_primitives"`
}

// definitions answers "GET /v1/models/definitions": two models, and what they may be chosen for.
func (g *Gateway) definitions(*request) (stub.Reply, error) {
	choose := func(setting, model string, scopes ...string) selection {
		return selection{
			FeatureSetting: setting, DefaultModel: model, DefaultModels: []string{model}, SelectableModels: []string{model},
			ModelsForTags: map[string]string{}, ModelsForSizePreference: map[string]string{},
			BetaModels: []string{}, DeprecatedModels: []string{}, Dev: map[string][]string{}, UnitPrimitives: scopes,
		}
	}
	return reply(struct {
		Models         []definition `json:"models"`
		UnitPrimitives []selection  `json:"unit_primitives"`
	}{
		[]definition{
			{"Claude Sonnet 4", "claude_sonnet_4", "Anthropic", nil, "For chat.", "$$$"},
			{"Codestral 25.01", "codestral_2501", "Vertex AI", nil, "For code.", "$"},
		},
		[]selection{
			choose("code_completions", "codestral_2501", completeCode),
			choose("code_generations", "claude_sonnet_4", generateCode),
			choose("duo_chat", "claude_sonnet_4", duoChat, duoClassicChat),
		},
	}), nil
}
