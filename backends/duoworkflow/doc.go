// Package duoworkflow imitates GitLab's Duo Workflow Service, the backend of the Duo Agent
// Platform, which speaks gRPC.
//
// # Imitates
//
// The service as of 2026, of the methods of package duocontract:
//
//   - ExecuteWorkflow: the client starts a workflow and is sent actions, one by one, each
//     when the one before is answered. Which they are the world's script says, in place of
//     a model. Checkpoints are not answered; an answer without a request id counts, one
//     with another id does not;
//   - GenerateToken: a token for one user, signed by the service itself, good for an hour;
//   - ListTools and ListCapabilities, which demand no scope;
//   - TrackSelfHostedExecuteWorkflow: each event is acknowledged;
//   - Check and Watch of grpc.health.v1.Health, which need no token.
//
// Authentication is the AI gateway's, over metadata, of which the last value of a key
// counts: see token.AIGatewayVerifier. The library is of version 2 or later, which keeps
// its old keys when it cannot fetch new ones. It covers unknown methods, too.
//
// With quota, CustomersDot is asked for credits before scopes are looked at: when a
// workflow starts, and for a token where a self-managed GitLab is older than 18.9.
//
// What gRPC for Python does beneath was measured on it (grpcio 1.85): which code and words
// an exception, an unknown method, a message over 4 MiB or metadata over 24 KiB get, that
// the content type is not looked at, and that there is no Date.
//
// # Refuses
//
// UNAUTHENTICATED with the words of the AI gateway's 401; PERMISSION_DENIED without the
// scope; RESOURCE_EXHAUSTED without credits, and for what is too large; INVALID_ARGUMENT
// for a start that contradicts itself; UNKNOWN where the real one has an exception;
// UNIMPLEMENTED for other methods. The journal has the reason of each. What is not a POST
// over HTTP/2 gets 415, where the real one breaks the connection off.
//
// # Does not do
//
// Models, flows and their versions: every name of a workflow is good. ListFlows and
// ValidateFlowConfig. Reflection. Exit when keys cannot be fetched at the start: they are
// fetched with the first call. Wait for the rest of a call that stops half-way within a
// message: it ends with INTERNAL. Of more metadata than 24 KiB the real one lets some in,
// up to 30 KiB, by chance; this does not. Faults that change a body have none to change.
//
// Of the scopes that a token hands on, the library's catalog is not public: they are those
// that the service demands, and include_*_context.
package duoworkflow
