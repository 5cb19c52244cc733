// Package customersdotstub is CustomersDot, the Customers Portal, as GitLab instances and
// backends see it: it knows what was sold and issues the tokens of self-managed and
// Dedicated instances. The folder is called customersdot_stub; Go names carry no
// underscore.
//
// # Imitates
//
// POST /graphql with the query cloudConnectorAccess in every selection that instances
// send, the mutation cloudActivationActivate, and introspection. The licence key is the
// only credential of the query: any key that was sold for a subscription is good, also
// after a newer one was. POST /api/v1/seat_links, which hands out a newer licence after a
// purchase, a cancellation or a renewal. OIDC discovery and the JSON Web Key Set, with a
// signing key and, during a rotation, a validation key. HEAD /api/v1/consumers/resolve, by
// which the AI gateway learns whether a consumer has credits left: 200, 402 or, where
// nothing was sold, 403. Tokens last three days, count
// from five seconds ago, and carry the scopes that package catalog decides on; the journal
// has the reason of each. The sub of a token is the instance that was last seen to hold
// the subscription, at activation or in a seat link, so two instances with one licence get
// in each other's way as they do in life.
//
// HEAD /api/v1/consumers/resolve says by its status whether a consumer has credits: 200,
// 402 when they are used up, 403 when nothing entitles it, with the Cache-Control that
// GitLab and the AI gateway obey. An instance shows its licence's checksum, the AI gateway
// and GitLab.com come as administrators.
//
// The catalogue, of any generation that package catalog reads, is made up of the features'
// entries, or read from a file or a library's folder, which is watched: an edit is in force
// without a restart, and a broken one leaves the last good text in force; or it is the one
// that ccmock comes with, under the features' entries. A scenario's own text goes before
// all of them. availableServices has what older releases know as services, and catalog the
// form of the library, whatever form was read.
//
// # Refuses
//
// A key that was never sold or is not as it was sold, one of a legacy licence, and an
// activation code in place of a key: the GraphQL error "Invalid cloud license". A licence
// that was revoked, is past its grace period or has not started gets no error but a null
// serviceToken, on which GitLab deletes its tokens. What is not GraphQL as it should be
// gets a GraphQL error with status 200. A seat link with missing or bad fields, or with a
// key that the query would refuse, gets 422 with errors and error_attribute_map. A question
// about credits gets 401 without credentials, and 400 without user and realm or with neither
// namespace nor instance. Anything else that cannot be answered is worded as Rails words it
// for an API, with 400, 404, 405, 413 or 415: {"status":404,"error":"Not Found"}.
//
// Where facts about CustomersDot are silent, this was chosen:
//
//   - gitlabVersion may be missing, as it is in the queries of the first 16.9 instances. The
//     version is then the one in X-Gitlab-Version or in the User-Agent, or else unknown, which
//     is lower than any minimum. A text that is no version is an error.
//   - Offline cloud licences are served, although instances that hold one never ask.
//   - aud lists the audiences of the granted scopes; where none is granted, those of the whole
//     catalogue, so that a backend misses the scope and not itself in the audience. It is a
//     list also of one.
//   - Every token has a kid. gitlab_instance_uid is the unique_instance_id of the last seat
//     link, or made from the instance id. duo_seat_count is there while the licence that is
//     shown has seats of Duo Enterprise or else Duo Pro: the largest such purchase, as GitLab
//     counts in its header. Scopes go by what is bought now.
//   - expiresAt is ISO 8601 text; with customersdot: {expires_at: number} in the world it is
//     a number of seconds, which GitLab reads as well. serviceStartTime is such text always.
//   - bundledWith is a list of add-on names; with {bundled_with: map} it is a map from add-on
//     to unit primitives.
//   - availableServices leaves out what the instance's version is too low for, and what a
//     library has for GitLab.com alone. A catalogue with operators has them under a key of
//     that name.
//   - A seat link of GitLab up to 16.8 is answered with service_tokens too. They hold the same
//     token that the query gives, for code_suggestions; older releases had one for each feature.
//   - Whether the seat count in a token is enforced is up to the AI gateway:
//     seat_count_enforced in the world.
//   - Answers about credits may be remembered for an hour, as clients do without being told;
//     {credits_max_age: 10m} changes that. So may refusals. A consumer that is not known is not
//     entitled. All users of GitLab.com are in one namespace.
//   - One request may ask for at most ten tokens, a query may be 64 KiB long and 20 levels deep,
//     a body 1 MiB.
//   - An activation code is good again and again. Any other code, and the code of a legacy,
//     revoked or expired licence, is an error in the payload's errors. Admin headers are not
//     looked at, since the defaults that GitLab sends are everybody's.
//   - A renewal that starts later is listed under future subscriptions until it does.
//     Reconciliation is due every three months of an online licence that is no trial, and shown
//     a week ahead. new_subscription says that the subscription was never renewed.
//   - Whether the live iss ends in a slash is not known; it does here with {issuer_slash:
//     true}, and the backends of ccmock are then set up for it.
//   - A quota check needs a realm, an id of the consumer, and admin headers or a licence's
//     checksum, of which only the presence counts; its answer may be kept for an hour.
//   - Key sets may be cached as any Rails answer: not without asking again.
//
// # Does not do
//
// The query serviceToken that came before cloudConnectorAccess, and tokens with a feature in
// aud. Counting credits: a consumer has some or none, as a scenario says. GitLab.com's
// subscriptions: what is bought there, GitLab.com itself knows. Web pages, users, invoices,
// e-mail. Licence keys are neither encrypted nor signed, and times in them do not count: a
// key is looked up by the subscription and the number that it names.
package customersdotstub
