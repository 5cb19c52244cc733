package aigateway

import (
	"net/http"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/backends/internal/pydantic"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// route is a row of the table of endpoints. A request is authenticated, then its body is held against the model, then
// CustomersDot is asked for credits, then the unit primitive is demanded, and then it is answered.
type route struct {
	name, path string
	in         []release     // those that have it; all if empty
	open       bool          // it takes no token
	method     string        // POST if empty
	body       pydantic.Type // nil: none is read by the table
	json       bool          // a body of any form, but JSON if it claims to be
	quota      quotaFor      // nil: no credits are asked for
	needs      needs         // none: it is up to answer
	needsFirst bool          // before credits are asked for
	answer     func(*request) (stub.Reply, error)
}

// request is one on its way through a route.
type request struct {
	*http.Request
	*settings
	route    *route
	user     *token.AIGatewayUser
	body     object
	declared *fastapi.Answer // of a feature file, nil if there is none
}

// Unit primitives.
const (
	completeCode   = "complete_code"
	generateCode   = "generate_code"
	amazonQ        = "amazon_q_integration"
	duoChat        = "duo_chat"
	duoClassicChat = "duo_classic_chat"
	providerProxy  = "ai_gateway_model_provider_proxy"
	embedCode      = "generate_embeddings_codebase"
	searchDocs     = "documentation_search"
)

// routes is the table. Rows of one path are tried from the top.
func (g *Gateway) routes() []*route {
	old, recent := []release{release2025}, []release{release2026}
	return []*route{
		{name: "monitoring/healthz", path: "/monitoring/healthz", method: http.MethodGet, open: true, answer: g.healthz},
		{name: "monitoring/ready", path: "/monitoring/ready", method: http.MethodGet, open: true, answer: g.ready},
		{name: "models.definitions", path: "/v1/models/definitions", method: http.MethodGet, in: recent, open: true, answer: g.definitions},

		{name: "code.completions", path: "/v2/code/completions", body: completionBody, quota: event(codeCompletions), needs: codeProvider(completeCode, "Unauthorized to access code completions"), answer: g.completions},
		{name: "code.completions", path: "/v2/completions", body: completionBody, quota: event(codeCompletions), needs: codeProvider(completeCode, "Unauthorized to access code completions"), answer: g.completions},
		{name: "code.generations", path: "/v2/code/generations", body: generationBody, quota: event(codeGenerations), needs: g.notOwn(generateCode, "Unauthorized to access code generations"), answer: g.generations},
		{name: "code.suggestions_v3", path: "/v3/code/completions", body: suggestionBody, quota: byComponent, needs: needs{check: g.componentNeeds}, answer: g.suggestions},
		{name: "code.suggestions_v4", path: "/v4/code/suggestions", body: suggestionBody, quota: byComponent, needs: needs{check: g.componentNeeds}, answer: g.suggestions},
		{name: "code.user_access_token", path: "/v1/code/user_access_token", quota: event(codeCompletions), answer: g.userAccessToken},

		{name: "chat.agent", path: "/v1/chat/agent", body: chatBody, needs: g.classicChat(duoChat), answer: g.chat},
		{name: "chat.explain_code", path: "/v1/chat/explain_code", body: chatBody, needs: g.classicChat(duoChat), answer: g.chat},
		{name: "chat.write_tests", path: "/v1/chat/write_tests", body: chatBody, needs: g.classicChat(duoChat), answer: g.chat},
		{name: "chat.refactor_code", path: "/v1/chat/refactor_code", body: chatBody, needs: g.classicChat(duoChat), answer: g.chat},
		{name: "chat.explain_vulnerability", path: "/v1/chat/explain_vulnerability", body: chatBody, needs: g.classicChat("explain_vulnerability"), answer: g.chat},
		{name: "chat.summarize_comments", path: "/v1/chat/summarize_comments", body: chatBody, needs: g.classicChat("summarize_comments"), answer: g.chat},
		{name: "chat.troubleshoot_job", path: "/v1/chat/troubleshoot_job", body: chatBody, needs: g.classicChat("troubleshoot_job"), answer: g.chat},
		{name: "chat.unknown", path: "/v1/chat/{invokable:[^/]+}", body: chatBody, answer: notFound},
		{name: "chat.agent_v2", path: "/v2/chat/agent", body: agentBody, needs: needs{check: g.agentNeeds}, answer: g.agent},

		{name: "prompts.v1", path: "/v1/prompts/{prompt:.+}", body: promptBody, needs: needs{check: promptNeeds}, answer: g.prompt},
		{name: "prompts.v2", path: "/v2/prompts/{prompt:.+}", in: recent, body: promptBody, needs: needs{check: promptNeeds}, answer: g.promptWithUsage},
		{name: "search.gitlab_docs", path: "/v1/search/gitlab-docs", body: searchBody, needs: demand(searchDocs, "Unauthorized to search documentations"), answer: g.search},
		{name: "embeddings.code", path: "/v1/embeddings/code_embeddings", in: recent, body: embeddingsBody, needs: uncaught(embedCode), answer: g.embeddings},
		{name: "embeddings.index", path: "/v1/embeddings/code_embeddings/index", in: recent, body: embeddingsBody, needs: uncaught(embedCode), answer: g.embeddings},
		{name: "embeddings.search", path: "/v1/embeddings/code_embeddings/search", in: recent, body: embeddingsBody, needs: uncaught(embedCode), answer: g.embeddings},

		{name: "proxy.anthropic", path: "/v1/proxy/anthropic/{path:.*}", needs: needs{check: g.proxyNeeds}, needsFirst: true, quota: event(proxyUse), answer: g.proxy(anthropic)},
		{name: "proxy.vertex_ai", path: "/v1/proxy/vertex-ai/{path:.*}", needs: needs{check: g.proxyNeeds}, needsFirst: true, quota: event(proxyUse), answer: g.proxy(vertexAI)},
		{name: "proxy.openai", path: "/v1/proxy/openai{path:.*}", in: recent, needs: needs{check: g.proxyNeeds}, needsFirst: true, quota: event(proxyUse), answer: g.proxy(openAI)},

		{name: "amazon_q.application", path: "/v1/amazon_q/oauth/application", body: qApplicationBody, quota: event(amazonQUse), needs: demand(amazonQ, "Unauthorized to perform action"), answer: g.amazonQ},
		{name: "amazon_q.application_delete", path: "/v1/amazon_q/oauth/application/delete", body: qDeleteBody, quota: event(amazonQUse), needs: demand(amazonQ, "Unauthorized to perform action"), answer: g.amazonQ},
		{name: "amazon_q.application_verify", path: "/v1/amazon_q/oauth/application/verify", body: qVerifyBody, quota: event(amazonQUse), needs: demand(amazonQ, "Unauthorized to perform action"), answer: g.amazonQVerify},
		{name: "amazon_q.events", path: "/v1/amazon_q/events", body: qEventBody, needs: demand(amazonQ, "Unauthorized to perform action"), answer: g.amazonQ},

		{name: "x_ray.libraries", path: "/v1/x-ray/libraries", in: old, body: xRayBody, needs: g.notOwn(generateCode, "Unauthorized to access X Ray"), answer: g.xRay},
	}
}
