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
// which passes the call on through the gateway as Workhorse does; and direct access to
// Code Suggestions. The jobs: token sync, seat link and activation, with the licence
// checks, schedules, retries and storage rules of the instance's version. Of the GraphQL
// API, POST /api/graphql has cloudConnectorStatus (17.3 and later), the health check with
// its probes, for administrators of self-managed instances, and of currentUser whether
// chat and code suggestions are offered. What changed
// between GitLab 16.8 and 18.9 stands in the tables of generation.go and headers.go.
//
// # Refuses
//
// A caller without a known token (401), with an expired token (401), with a token of
// other scopes than api and ai_features (403) or whose account is blocked (403). A user
// who may not use the feature, and up to 18.2 a call for which there is no token (401
// with X-GitLab-Error-Origin: monolith; chat says 404 to the former). A body that the
// endpoint cannot use (400) or that is too large (413). An upstream that does not answer
// within 55 seconds is a plain 500, as Workhorse gives it, and so is one behind a
// firewall. In Silent Mode a call that Rails makes itself, of chat or of a feature of
// one's own, is a 500 of the API's, and every job that asks CustomersDot fails; what
// Workhorse sends passes. What the gateway and the
// backend refuse is relayed as it came.
//
// Where facts about GitLab are silent, this was chosen: a feature of one's own answers
// 401 like Code Suggestions when the user may not use it; a personal access token that
// has expired is answered like an unknown one; ci_jwt_signing_key is the same key as
// openid_connect_signing_key, so it is not listed twice; 16.8 syncs like 16.9; a rotation
// of keys restarts the processes that hold the old key, unless a flow says otherwise; instances below 17.9, which have
// no rotation tasks, rotate the OIDC key by the same steps; X-Request-ID is sent by every
// version, and to CustomersDot too, so that the hops of a call can be tied together; a
// Duo Core customer has the feature switched on; the health check asks hosts for their
// headers in every version, and its words to who must act are those of the access probe
// in the token probe too; a job that Silent Mode stops raises, and is tried again. Duo Pro counts under both of its names
// (18.9 as released compares only the older one on GitLab.com).
//
// # Does not do
//
// Rate limits, GraphQL with arguments, aliases, variables or
// fragments and all other fields, usage quotas, Amazon Q, self-hosted models, namespaces beyond the one group that all users of GitLab.com are in, HTML
// pages. Chat relays the backend's answer instead of a bare string. A client's headers
// are sent in Go's spelling of their names (X-Gitlab-Instance-Id, where 18.x writes them
// in lower case), and refresh of a saas token is not cached: it is signed for each call,
// as in life.
package railsstub
