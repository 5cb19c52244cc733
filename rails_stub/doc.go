// Package railsstub is GitLab Rails as Cloud Connector sees it: any number of GitLab
// instances, told apart by host name, each at a GitLab version of its own. The folder is
// called rails_stub; Go names carry no underscore.
//
// # Imitates
//
// OIDC discovery and the JSON Web Key Set of every instance. The access token of Cloud
// Connector: GitLab.com signs its own, every other instance (Dedicated among them) hands
// out the one that it last synced from CustomersDot, unchanged. The headers that GitLab
// sends to other services. One endpoint for each feature, for users with a personal
// access token, which GitLab.com's or the instance's right to the feature guards and
// which passes the call on through the gateway as Workhorse does. The jobs: token sync,
// seat link and activation, with the licence checks, schedules, retries and storage rules
// of the instance's version. Signing keys: list, create, rotate and trim.
//
// For editors and other clients: completions, direct access, connection details and
// whether a project has Code Suggestions, each with GitLab's order of checks, feature flags
// and rate limits; chat, which waits for the AI gateway's agent and says with an error code
// what went wrong; and at /api/graphql aiAction, aiMessages, currentUser with what is open
// to the user, gitlabSubscriptionActivate, and cloudConnectorStatus, whose probes really
// connect. A field is in the schema of the versions that have it.
//
// What changed between GitLab 16.8 and 18.9 stands in the tables of generation.go,
// clientrules.go, probes.go, headers.go and schema.graphql.
//
// # Refuses
//
// A caller without a known token (401), with an expired token (401), with a token of
// other scopes than api and ai_features (403) or whose account is blocked (403). A user
// who may not use the feature, and up to 18.2 a call for which there is no token (401
// with X-GitLab-Error-Origin: monolith; chat says 404 to the former). An endpoint whose
// feature flag is off (404), more requests than the limit (429 with Retry-After), a user of
// GitLab.com who has chosen no group (422). A body that the endpoint cannot use (400) or
// that is too large (413). An upstream that does not answer within 55 seconds is a plain
// 500, as Workhorse gives it. What the gateway and the backend refuse is relayed as it
// came; chat alone tells it in its own words, with status 201. GraphQL refuses with status
// 200, but for tokens (401), blocked accounts (403) and requests that are no good (400, 422).
//
// Where facts about GitLab are silent, this was chosen: a feature of one's own answers
// 401 like Code Suggestions when the user may not use it; a personal access token that
// has expired is answered like an unknown one; ci_jwt_signing_key is the same key as
// openid_connect_signing_key, so it is not listed twice; 16.8 syncs like 16.9; a rotation
// of keys restarts the processes that hold the old key, unless a flow says otherwise; instances below 17.9, which have
// no rotation tasks, rotate the OIDC key by the same steps; X-Request-ID is sent by every
// version, and to CustomersDot too, so that the hops of a call can be tied together; a
// Duo Core customer has the feature switched on. Access_rest_chat and all other feature
// flags are on. Chat has the error codes of 18.9 in every version, and sends an empty
// bearer when it has no token.
//
// Where it is inferred what GitLab does, an instance's settings have it otherwise: Duo Pro
// counts under both of its names (raw_add_on_names: under the older one, as 18.9 is
// written); a user token that is missing in a 2xx keeps that status (missing_user_token_503);
// a token sync that cannot reach CustomersDot raises and is tried again
// (sync_failures_logged).
//
// The job that asks for the answer of aiAction is performed before the mutation is
// answered, so that aiMessages has the answer at once and runs do not differ. While an
// instance's jobs are stopped, questions wait, and are asked when jobs are run again.
//
// Which chat agent is asked is up to the feature's file: with POST /v1/chat/agent it is
// that one in every version; with POST /v2/chat/agent, whose scope is duo_classic_chat in
// later releases of the AI gateway, versions from 17.5 on ask it, and earlier ones the first.
//
// # Does not do
//
// Usage quotas, Amazon Q, self-hosted models, Duo Workflow and the probe that goes there,
// namespaces beyond the one group that all users of GitLab.com are in, HTML pages. Of
// GraphQL, subscriptions, and what is not listed above; nothing has vulnerabilities or merge
// requests to ask about. Chat runs no tools: each finds nothing. A client's headers
// are sent in Go's spelling of their names (X-Gitlab-Instance-Id, where 18.x writes them
// in lower case), and refresh of a saas token is not cached: it is signed for each call,
// as in life.
package railsstub
