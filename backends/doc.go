// Package backends imitates the services behind the gateway: one backend for each name in
// the feature files that has no URL of a real service.
//
// A backend with the profile ai-gateway is the AI gateway, of package aigateway. Every
// other is built as GitLab documents it for whoever adds a backend to Cloud Connector,
// and this is about those.
//
// # Imitates
//
// A FastAPI service with GitLab's Cloud Connector middleware. It learns the issuers' keys
// by OpenID discovery when it first needs them, keeps them for 24 hours, and answers what
// the feature files declare: a JSON body with a status and headers, or pieces of a
// stream. X-Request-Id is echoed, or made up.
//
// GET /monitoring/healthz says {}, and so does GET /monitoring/ready, with 503 while an
// issuer's keys cannot be had. Both take no token.
//
// # Refuses
//
// In this order, for every other path, known or not:
//
//   - 401 {"error": ...} in the AI gateway's words: no Authorization header, another
//     scheme than Bearer, an X-Gitlab-Authentication-Type that is sent and is not "oidc",
//     a token that the strict profile of package token refuses (all with the same words),
//     and X-Gitlab-Realm or X-Gitlab-Instance-Id that is missing or not the token's;
//   - 503 {"error": ...} while the keys of the token's issuer cannot be had: GitLab's
//     documentation does not say what then, so the backend lets nobody in and does not call
//     the token bad, which it cannot know;
//   - 404 and 405, as {"detail": ...};
//   - 413 and 422, as {"detail": ...}, for a body over 4 MiB and for one that claims to be
//     JSON and is not;
//   - 403 {"detail":"Unauthorized to access <scope>"} without the endpoint's scope.
//
// X-Gitlab-Authentication-Type may be left out, as only calls to the AI gateway have it.
// X-Gitlab-Global-User-Id is in no instance's token, so it cannot be checked.
//
// # Does not do
//
// Look into what a feature is asked, work on it, or cost anything. A method other than the
// declared one is refused even if it is HEAD.
package backends
