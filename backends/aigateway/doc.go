// Package aigateway imitates GitLab's AI gateway, the backend of Code Suggestions and Duo
// Chat.
//
// # Imitates
//
// Two releases, which a world names: 2026-08, the default, and 2025-01. The table in
// routes.go has every endpoint with the releases that it is in, what its body must be, for
// what credits are asked, which unit primitive it demands and what answers: code
// suggestions of versions 2, 3 and 4, chat of versions 1 and 2, prompts, search in the
// documentation, embeddings, the proxy to model providers, Amazon Q, user tokens, model
// definitions, X-Ray, and monitoring.
//
// Authentication as the real one was measured to do it (its module of 2024-11), with its
// gaps and crashes, through token.AIGatewayVerifier: one key set merged of all issuers and
// the gateway's own keys, fetched inside the first request and kept for 24 hours. An issuer
// that is down then is tried once more, and the old set is kept, as later versions of the
// library do; release 2025-01 takes what it gets, whole or not. It covers every path but
// /monitoring/healthz, /monitoring/ready, /metrics and /v1/models/definitions, exactly so
// spelt; a CORS preflight is answered before it.
//
// Bodies are validated as FastAPI and pydantic do it, and in their lax mode: "7" is an
// integer, and "yes" is true. Then CustomersDot is asked for credits, if a world says that
// the gateway has its credentials, and the answer is kept as long as it says. Then the unit
// primitive is demanded.
//
// Streams are raw text under text/event-stream (versions 2 and 3, chat of version 1),
// server-sent events with X-Streaming-Format: sse (version 4), a line of JSON for each thing
// said (chat of version 2) or for each piece (prompts of version 2).
//
// What models answer depends on the prompt alone, unless a world or the action model says
// otherwise: a text, pieces of a stream, or a failure of the provider, which each endpoint
// words in its own way. A feature file may declare a reply or a stream of its own for one of
// the endpoints, and endpoints of its own, which demand the declared scope.
//
// Every answer has X-Request-ID (echoed or made up) and X-Process-Time (seconds).
//
// # Refuses
//
// 401 {"error": ...}; 402 and 403 of credits as {"error", "error_code", "message"}; 500 in
// plain text where the real one crashes; everything else as {"detail": ...}. A 422 says
// "Validation error", and what was wrong is in the journal only; release 2025-01 lists it. A
// body over 4 MiB is refused with 413, which the real one leaves to those in front of it.
//
// # Does not do
//
// Ask a model, a vendor, a search engine or AWS, nor trade Amazon Q's tokens; WebSocket;
// metrics on a port of their own; gRPC, which is another service. Which model goes with which
// provider is not checked, and inputs that a prompt needs are not known.
//
// What is not known of the real one was chosen so. A seat count other than the token's is let
// pass (world: seat_count_enforced). Lines of server-sent events end with CR LF (line_ends),
// and there are no pings, as no stream takes long. Internal events are on, so that ids which
// are no numbers are a crash (no_internal_events). Duo Core has no part in chat of version 1
// (duo_core_chat). A body without prompt_version is of version 1. Every prompt has version
// 1.0.0. The proxy takes all models of a maker, a path of Vertex AI that names a model, and
// the unit primitives in primitives.go; each vendor says {"response":"mocked"}, as with mocked
// models. User tokens count as code completions when credits are asked for, and the query of
// that says environment=development, source=ai-gateway-python and
// feature_ai_catalog_item=false. The agent reads "Action:", "Action Input:", "Thought:" and
// "Final Answer:" in what a model says. In /v2/chat/agent the right to chat is looked at
// before that to contexts.
package aigateway
