// Package aigateway imitates GitLab's AI gateway, the backend of Code Suggestions and Duo
// Chat.
//
// # Imitates
//
// Authentication as the real one was measured to do it (its module of 2024-11), with its
// gaps and crashes, through token.AIGatewayVerifier: one key set merged of all issuers
// and the gateway's own keys, fetched inside the first request and kept for 24 hours,
// whole or not (version 2 of the library, of 2025, retries and keeps an old set; this does
// not). A seat count in the header other than the token's is let pass, but in a world that
// says otherwise: earlier releases refused it. Authentication covers every path but /monitoring/healthz, /monitoring/ready and /metrics,
// exactly so spelt; a CORS preflight is answered before it.
//
// Endpoints, as of 2026 unless said:
//
//   - POST /v2/code/completions and /v2/completions, /v2/code/generations;
//   - POST /v1/chat/agent, and explain_code, write_tests, refactor_code,
//     explain_vulnerability, summarize_comments, troubleshoot_job in agent's place;
//   - POST /v1/code/user_access_token: a token for one user, signed by the gateway
//     itself, good for an hour and accepted by the two completion paths;
//   - GET /monitoring/healthz and /monitoring/ready (503 while an issuer's keys are
//     missing).
//
// In a world with usage quotas, the code endpoints and user_access_token first ask
// CustomersDot whether the consumer has credits left, and keep the answer for as long as it
// says: 402 when they are used up, 403 when nobody sold any or CustomersDot does not say.
//
// A body is validated before scopes are looked at. Answers have the real envelopes; their
// text depends on the question alone. With "stream": true it comes in pieces without SSE
// framing, under text/event-stream, and with X-Accel-Buffering: no, as proxies then pass the pieces on. A feature file may declare
// a reply or a stream of its own for one of these endpoints, and endpoints of its own,
// which demand the declared scope.
//
// Every answer has X-Request-ID (echoed or made up) and X-Process-Time (seconds).
//
// # Refuses
//
// 401 {"error": ...}; 500 in plain text where the real one crashes; 403, 404, 405 and 422
// as {"detail": ...}, where a 422 always says "Validation error" and what was wrong is in
// the journal only. A body over 4 MiB is refused with 413, which the real one leaves to
// those in front of it.
//
// # Does not do
//
// Models, prompts, embeddings, proxies to model providers, /v2/chat/agent, /v3 and /v4
// code suggestions, Amazon Q, feature flags beyond naming them, the cut-off
// of Duo Core, WebSocket, gRPC. Which model goes with which provider is not checked, and
// values of a wrong JSON type are not converted as pydantic converts some.
package aigateway
