// Package scenarios reads flows, runs them against an ecosystem and reports what
// happened. It knows base URLs and the control plane, but no stub, so that the same flow
// runs in one process, against containers, or with real parts among the stubs.
//
// A flow is a YAML file: what is given, and then steps of one action each. Steps must go
// well unless their expect says otherwise, so a feature that is used and answered with
// 403 fails the flow even where nothing is expected. Load finds everything that is wrong
// with a file before anything runs.
//
//	format: 1
//	scenario: a self-managed instance uses the feature
//	features: [new_feature_scope]
//	given:
//	  now: 2024-02-14T23:00:00Z
//	  instances:
//	    acme: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud}}
//	  users:
//	    ada: {instance: acme}
//	steps:
//	  - sync: acme
//	    expect: {token: {scopes: [new_feature_scope], ttl: 72h}}
//	  - use: new_feature_scope
//	    as: ada
//	    expect: {status: 200, body: {extra: Feature}}
//
// GitLab.com is always there, under the name gitlab. given may also have a catalog (the
// text of a cloud_connector.yml, which explanations call catalog_name) or a catalog_file
// beside the flow, and seat_count_enforced: true for an AI gateway that still refuses a seat
// count other than the token's. An instance may turn feature_flags of GitLab off and have
// settings and projects; see docs/gitlab.md. ai_gateway says how that gateway is deployed:
// {release, quota, no_internal_events, bypass, duo_core_chat, line_ends, disallowed_flags,
// proxy_saas, proxy_self_managed, models}, where models is a list of what the step model
// says. duo_workflow: {script, quota} is what the Duo Workflow Service does with workflows
// (docs/duoworkflow.md), and whether it asks for credits first.
//
// # Steps
//
// The keys that go with any action:
//
//	name      says what the step does, in place of words made up from its action
//	as        with use: the user
//	save      keeps the token that the step gave, or a value of its answer, under a name
//	expect    what must come of it
//
// The actions. Where one is followed by "or", the short form stands for the first key.
//
//	use             calls a feature as a user does: FEATURE, or {feature, as, headers, body}
//	call            sends to the gateway what GitLab would send, with changes: {feature, user, instance, token, endpoint, headers, also, body}; a header of null is not sent, one under also is sent once more, token is a saved one or none
//	request         sends anything to any service: {to, method, path, headers, body, token, protocol}
//	grpc            calls the Duo Workflow Service as GitLab does, with changes: {method, to, instance, user, token, metadata, messages}; to is the backend, in place of the gateway, and each message after the first waits for something to answer
//	access_token    what CloudConnector::AccessService gives: INSTANCE, or {instance, user, scopes, extra_claims}
//	sync            runs the token sync job: INSTANCE, or {instance, force}
//	seat_link       reports seats, fetches the licence and syncs: INSTANCE
//	activate        types an activation code in: INSTANCE, or {instance, code}
//	assign_seat     gives a seat of an add-on, or takes it away: {user, add_on, remove}
//	set_user        changes a user: {user, blocked, denied}
//	upgrade         installs another version: {instance, gitlab_version}
//	stored          looks at what it has stored: INSTANCE
//	jobs            stops its jobs, or has its token sync keep the present licence or lose what it was enqueued with: {instance, run, stale_license, lost_arguments}
//	upload_license  installs a licence key: {instance, key}
//	settings        changes what its administrator can switch on and off: {instance, silent_mode, dns_rebinding_protection}
//	network         changes what stands between it and everybody else: {instance, unreachable, dns_timeout, buffering}
//	restore         runs it on a copy of another instance's database: {instance, from, own_uuid}
//	purchase        buys an add-on: {instance, add_on, seats, starts_on, expires_on, trial}
//	cancel_add_on   ends an add-on at once: {instance, add_on}
//	revoke_license  ends the right to tokens: INSTANCE
//	renew_license   sells another period: INSTANCE, or {instance, kind, plan, starts_at, expires_at, trial, no_expiry}
//	catalog         edits cloud_connector.yml: TEXT, or {yaml, file}
//	credits         says what is left of a subscription's credits: {instance, state}, which is left, exhausted or not_entitled
//	sign            has an issuer sign what it never would: {service, instance, claims, header, stranger, alg, hmac_key, spoil, nulls}; a claim of null is left out, one under nulls is null, and package token lists what alg, hmac_key and spoil may be
//	misissue        has CustomersDot issue wrong tokens, until told otherwise: INSTANCE, or {instance, claims, header, stranger}
//	rotate_keys     one step of a key rotation: {service, step}, which is create, rotate, trim or list; restart: false leaves the issuer running on the old key
//	restart         empties the caches of a backend, the gateway, CustomersDot or an instance: SERVICE, or all backends and the gateway
//	limits          sets the gateway's rate limits: {window, per_user, per_instance, per_unauthorized}
//	model           has the AI gateway's models answer something, until told otherwise: {service, name, prompt, route, times, answer, chunks, fail: {status, retry_after, message, no_answer}, forget}; prompt is a part of the prompts that it is for, chunks are the pieces of a stream, no_answer is timeout or connection, and forget takes back the answer of that name, or all
//	fault           makes something go wrong: {name, where: {service, route, method, path, protocol, header}, skip, times, probability, do: {status, headers, body, reset, cut_after, truncate, malformed, keys, corrupt_signature, strip, delay}}; keys is without_first, without_last or stale, corrupt_signature is request or answer, strip lists headers
//	heal            takes a fault out of force: NAME
//	let             keeps a value, as a setting that is changed later: {name, value}
//	advance         moves time on, and runs the jobs that fall due on the way: DURATION
//	set_time        puts the clock anywhere, and runs nothing: TIME
//	skew            makes one service's clock run ahead or behind: {service, by}
//
// A flow fails when a fault that it set up was never met. One with a probability must only
// have had the chance to be.
//
// # Expectations
//
//	status   of the answer; of a call over gRPC, the HTTP status that stands for its code
//	body     an object may have more members than named here, and a null one must be null or absent; a list must be the same; a text is compared as it stands
//	headers  of the answer; null means absent
//	refused  {by: SERVICE, reason: REASON}: who refused by the journal, and that nobody else did; detail: what the journal's detail contains
//	token    {absent, scopes, audience, ttl, issuer, subject, realm, claims, header} of the token that the step gave or, of a call, of the one that got furthest in
//	outcome  of a job: succeeded, skipped or failed
//	message  that the job's message contains
//	error    that the action's error contains
//	calls    {SERVICE: COUNT}: the requests that services answered during the step, fetches of keys among them
//	keys     {published, signing} after rotate_keys: how many, and whether the same key signs or it changed
//	stored   {tokens, expired, license, license_kind, seats} after stored: how many rows, the licence and its kind, {ADD_ON: SEATS}; token is the last row
//	took     how much stub time went by, in whole seconds
//	streamed  whether the answer came in pieces
//
// # References
//
// Texts may refer to what a step saved as ${NAME}, to the stub time as ${now} or ${now+72h}
// (in seconds since 1970), and to ${SERVICE.url}, ${SERVICE.host}, ${INSTANCE.uuid},
// ${INSTANCE.license_key}, ${INSTANCE.activation_code}, ${USER.global_id} and ${USER.token}.
package scenarios
