package aigateway

import py "github.com/ccmock/ccmock/backends/internal/pydantic"

// The bodies that endpoints take. What the gateway reads and does nothing with here is only checked.

var (
	codeProviders  = []string{"anthropic", "vertex-ai", "litellm", "codestral", "fireworks_ai", "amazon_q", "gitlab"}
	roles          = py.OneOf("enum", "system", "user", "assistant")
	messageBody    = py.Model("Message", py.Needs("role", roles), py.Needs("content", py.Text(0)))
	currentFile    = py.Model("CurrentFile", py.Needs("file_name", py.Text(255)), py.Takes("language_identifier", py.Text(255)), py.Needs("content_above_cursor", py.Text(100_000)), py.Needs("content_below_cursor", py.Text(100_000)))
	telemetryBody  = py.Model("Telemetry", py.Takes("model_engine", py.Text(50)), py.Takes("model_name", py.Text(50)), py.Takes("lang", py.Text(50)), py.Needs("requests", py.Integer()), py.Needs("accepts", py.Integer()), py.Needs("errors", py.Integer()))
	contextBody    = py.Model("CodeContextPayload", py.Needs("type", py.Text(0)), py.Needs("name", py.Text(0)), py.Needs("content", py.Text(0)))
	modelMetadata  = py.Takes("model_metadata", py.Dict())
	textOrMessages = py.Union(py.Text(0), py.List(messageBody, 0, 0))
)

// codeFields are those of the code endpoints of version 2, with a prompt of its own for each prompt_version.
func codeFields(prompt ...py.Field) []py.Field {
	return append([]py.Field{
		py.Defaults("prompt_version", py.Integer()), py.Takes("project_path", py.Text(255)), py.Takes("project_id", py.Integer()),
		py.Needs("current_file", currentFile), py.Takes("model_provider", py.OneOf("enum", codeProviders...)), py.Takes("model_name", py.Text(50)),
		py.Takes("model_endpoint", py.Text(0)), py.Takes("model_api_key", py.Text(0)), py.Takes("model_identifier", py.Text(0)),
		py.Defaults("telemetry", py.List(telemetryBody, 0, 10)), py.Takes("stream", py.Bool()), py.Takes("choices_count", py.Integer()),
		py.Takes("context", py.List(contextBody, 0, 100)), py.Takes("prompt_id", py.Text(0)), py.Takes("role_arn", py.Text(0)), modelMetadata,
	}, prompt...)
}

func codeBodyOf(name string, prompt func(string, py.Type) py.Field) py.Type {
	return py.Tagged("prompt_version", "1", []string{"1", "2", "3"}, map[string]py.Type{
		"1": py.Model(name+"V1", codeFields(py.Takes("prompt", py.Any()))...),
		"2": py.Model(name+"V2", codeFields(prompt("prompt", py.Text(0)))...),
		"3": py.Model(name+"V3", codeFields(prompt("prompt", py.List(messageBody, 0, 0)))...),
	})
}

var (
	completionBody = codeBodyOf("CompletionsRequest", py.Takes)
	generationBody = codeBodyOf("GenerationsRequest", py.Needs)
)

// editorFields are those of an editor's component of versions 3 and 4.
func editorFields(more ...py.Field) []py.Field {
	return append([]py.Field{
		py.Needs("file_name", py.Text(255)), py.Needs("content_above_cursor", py.Text(100_000)), py.Needs("content_below_cursor", py.Text(100_000)),
		py.Takes("language_identifier", py.Text(255)), py.Takes("model_provider", py.OneOf("literal_error", "vertex-ai", "anthropic", "amazon_q")),
		py.Takes("model_name", py.Text(50)), py.Takes("stream", py.Bool()), py.Takes("role_arn", py.Text(0)),
	}, more...)
}

var componentMetadata = py.Takes("metadata", py.Model("MetadataBase", py.Needs("source", py.Text(100)), py.Needs("version", py.Text(100))))

func component(name, kind string, payload ...py.Field) py.Type {
	return py.Model(name, py.Needs("type", py.OneOf("literal_error", kind)), py.Needs("payload", py.Model(name+"Payload", payload...)), componentMetadata)
}

// suggestionBody is that of versions 3 and 4. Only the first component decides.
var suggestionBody = py.Model("EditorContentRequest", py.Needs("prompt_components", py.List(py.Tagged("type", "",
	[]string{"'code_editor_completion'", "'code_editor_generation'", "'code_context'"}, map[string]py.Type{
		"'code_editor_completion'": component("CodeEditorCompletion", editorCompletion, editorFields(py.Takes("choices_count", py.Integer()), py.Takes("prompt", textOrMessages))...),
		"'code_editor_generation'": component("CodeEditorGeneration", editorGeneration, editorFields(py.Takes("prompt", textOrMessages), py.Takes("prompt_id", py.Text(0)), py.Takes("prompt_enhancer", py.Dict()), py.Takes("prompt_version", py.Text(0)))...),
		"'code_context'":           component("CodeContext", "code_context", py.Needs("type", py.Text(0)), py.Needs("name", py.Text(0)), py.Needs("content", py.Text(0))),
	}), 1, 100)), modelMetadata)

// chatBody is that of /v1/chat.
var chatBody = py.Model("ChatRequest", py.Needs("prompt_components", py.List(py.Model("PromptComponent",
	py.Needs("type", py.Text(100)),
	py.Needs("metadata", py.Model("PromptMetadata", py.Needs("source", py.Text(100)), py.Needs("version", py.Text(100)))),
	py.Needs("payload", py.Model("PromptPayload",
		py.Needs("content", py.Union(py.Text(400_000), py.List(messageBody, 1, 100))),
		py.Takes("provider", py.OneOf("enum", "anthropic", "litellm")), py.Takes("model", py.Text(0)),
		py.Takes("params", py.Model("AnthropicParams",
			py.Takes("stop_sequences", py.List(py.Text(0), 0, 0)), py.Takes("temperature", py.NumberFrom(0, 1)), py.Takes("max_tokens_to_sample", py.IntegerFrom(1, 8192)))),
		py.Takes("model_endpoint", py.Text(0)), py.Takes("model_api_key", py.Text(0)), py.Takes("model_identifier", py.Text(0)))),
), 1, 1)), py.Takes("stream", py.Bool()))

// categories are what the context of a chat's message may be about.
var categories = []string{
	"file", "snippet", "merge_request", "issue", "dependency", "local_git", "terminal", "repository", "directory",
	"os_information", "agent_user_environment",
}

// agentBody is that of /v2/chat/agent.
var agentBody = py.Model("AgentRequest",
	py.Needs("messages", py.List(py.Model("Message",
		py.Needs("role", roles), py.Takes("content", py.Text(0)), py.Takes("context", py.Any()),
		py.Takes("current_file", py.Model("CurrentFile", py.Needs("file_path", py.Text(0)), py.Needs("data", py.Text(0)), py.Needs("selected_code", py.Bool()))),
		py.Takes("additional_context", py.List(py.Model("AdditionalContext", py.Needs("category", py.OneOf("literal_error", categories...)), py.Takes("id", py.Text(0)), py.Takes("content", py.Text(0)), py.Takes("metadata", py.Dict())), 0, 0)),
		py.Takes("agent_scratchpad", py.List(py.Model("AgentStep", py.Takes("action", py.Model("AgentToolAction", py.Takes("type", py.Text(0)), py.Needs("tool", py.Text(0)), py.Needs("tool_input", py.Text(0)), py.Needs("thought", py.Text(0)))), py.Takes("observation", py.Text(0))), 0, 0)),
	), 1, 0)),
	py.Takes("options", py.Model("AgentRequestOptions", py.Takes("agent_scratchpad", py.Model("ReActAgentScratchpad",
		py.Needs("agent_type", py.OneOf("literal_error", "react")),
		py.Needs("steps", py.List(py.Model("AgentStep", py.Needs("thought", py.Text(0)), py.Needs("tool", py.Text(0)), py.Needs("tool_input", py.Text(0)), py.Needs("observation", py.Text(0))), 0, 0)))))),
	py.Takes("unavailable_resources", py.List(py.Text(0), 0, 0)), modelMetadata)

// promptBody is that of /v1/prompts and /v2/prompts.
var promptBody = py.Model("PromptRequest", py.Needs("inputs", py.Dict()), py.Takes("prompt_version", py.Text(0)), py.Takes("stream", py.Bool()), modelMetadata)

// searchBody is that of /v1/search/gitlab-docs.
var searchBody = py.Model("SearchRequest", py.Needs("type", py.Text(100)),
	py.Needs("metadata", py.Model("SearchMetadata", py.Needs("source", py.Text(100)), py.Needs("version", py.Text(100)))),
	py.Needs("payload", py.Model("SearchPayload", py.Needs("query", py.Text(400_000)), py.Defaults("page_size", py.IntegerFrom(1, 20)))))

// embeddingsBody is that of /v1/embeddings/code_embeddings.
var embeddingsBody = py.Model("EmbeddingsRequest",
	py.Needs("model_metadata", py.Model("ModelMetadata", py.Needs("provider", py.Text(0)), py.Needs("identifier", py.Text(0)), py.Takes("name", py.Text(0)), py.Takes("endpoint", py.Text(0)), py.Takes("api_key", py.Text(0)))),
	py.Needs("contents", py.List(py.Text(0), 0, 0)), py.Takes("dimensions", py.Integer()), py.Takes("litellm_drop_params", py.Bool()))

// The bodies of Amazon Q.
var (
	qApplicationBody = py.Model("ApplicationRequest", py.Needs("client_id", py.Text(0)), py.Needs("client_secret", py.Text(0)), py.Needs("instance_url", py.Text(0)), py.Needs("redirect_url", py.Text(0)), py.Needs("role_arn", py.Text(0)))
	qDeleteBody      = py.Model("ApplicationDeleteRequest", py.Needs("role_arn", py.Text(0)))
	qVerifyBody      = py.Model("HealthRequest", py.Needs("role_arn", py.Text(0)), py.Needs("code", py.Text(0)))
	qEventBody       = py.Model("EventRequest", py.Needs("role_arn", py.Text(0)), py.Needs("code", py.Text(0)), py.Takes("event_id", py.Text(0)),
		py.Needs("payload", py.Model("EventPayload", py.Needs("source", py.OneOf("literal_error", "merge_request", "issue", "web_hook")))))
)

// xRayBody is that of /v1/x-ray/libraries.
var xRayBody = py.Model("XRayRequest", py.Needs("prompt_components", py.List(py.Model("PackageFilePromptComponent",
	py.Needs("type", py.OneOf("literal_error", "x_ray_package_file_prompt")),
	py.Needs("payload", py.Model("PackageFilePromptPayload", py.Needs("prompt", py.Text(400_000)), py.Needs("provider", py.OneOf("literal_error", "anthropic")), py.Needs("model", py.OneOf("enum", "claude-2.1")))),
	componentMetadata), 1, 1)))
