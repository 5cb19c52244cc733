package derive

import (
	"fmt"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
)

// ruling is what a verifier makes of a call.
type ruling struct {
	status int
	says   string // of a 403: empty for the backend's usual words
	reason token.Reason
	gap    bool // it gets in although it ought not to
}

// What a ruling may be. The words are those of verifier_verdicts, which both profiles
// share; 401 and 403 of the strict profile follow from the order in which it checks.
var (
	accepted = ruling{status: 200}
	gap      = ruling{status: 200, gap: true}
	no       = func(r token.Reason) ruling { return ruling{status: 401, says: "Forbidden by auth provider", reason: r} }
	mismatch = func(header string, r token.Reason) ruling {
		return ruling{status: 401, says: "Header mismatch '" + header + "'", reason: r}
	}
	noHeader    = ruling{status: 401, says: "No authorization header presented", reason: token.NoToken}
	wrongHeader = ruling{status: 401, says: "Invalid authorization header", reason: token.WrongScheme}
	wrongType   = ruling{status: 401, says: "Invalid authentication token type - only OIDC is supported", reason: token.WrongAuthType}
	noScope     = ruling{status: 403, reason: token.MissingScope}
)

// spoilt are the calls, each with what the strict profile and the AI gateway make of it
// (verifier_verdicts; ai_gateway 1.3 and 2.4). The strict profile is what the documents
// ask of a backend: RS256 only, a key by its id, the issuer that published it, an expiry,
// the audience exactly, headers that agree, scopes as a list.
func (d deriver) spoilt() []spoilt {
	all := []spoilt{{name: Good, strict: accepted, gateway: accepted}}
	for _, group := range [][]spoilt{d.bearers(), segments(), d.algorithms(), d.keys(), d.expiries(), d.audiences(), d.claims(), d.headers(), d.users()} {
		all = append(all, group...)
	}
	return all
}

func claims(members ...member) object { return object{{"claims", object(members)}} }

func header(members ...member) object { return object{{"header", object(members)}} }

func headers(members ...member) object { return object{{"headers", object(members)}} }

// bearers are about the Authorization header.
func (d deriver) bearers() []spoilt {
	raw := func(value any) object { return headers(member{"Authorization", value}) }
	return []spoilt{
		{name: "none", call: object{{"token", "none"}}, strict: noHeader, gateway: noHeader},
		{name: "empty-bearer", call: object{{"token", "none"}}.with("headers", object{{"Authorization", "Bearer "}}), strict: no(token.NoToken), gateway: no(token.NoToken)},
		{name: "other-scheme", call: raw("Basic ${token}"), strict: wrongHeader, gateway: wrongHeader},
		{name: "no-scheme", call: raw("${token}"), strict: wrongHeader, gateway: wrongHeader},
		{name: "lower-case-scheme", call: raw("bearer ${token}"), strict: accepted, gateway: accepted},
		{name: "two-authorizations", call: object{{"also", object{{"Authorization", "Bearer garbage"}}}}, strict: no(token.Malformed), gateway: gap},
	}
}

// either marks what a real service may take either way.
func either(s spoilt) spoilt {
	s.open = true
	return s
}

// segments are about the token's text.
func segments() []spoilt {
	spoil := func(how string, strict, gateway ruling) spoilt {
		return spoilt{name: strings.ReplaceAll(how, "_", "-"), sign: object{{"spoil", how}}, strict: strict, gateway: gateway}
	}
	malformed, badSignature := no(token.Malformed), no(token.BadSignature)
	return []spoilt{
		spoil("garbage", malformed, malformed),
		spoil("one_segment", malformed, malformed),
		spoil("two_segments", malformed, malformed),
		spoil("four_segments", malformed, malformed),
		spoil("garbled_header", malformed, malformed),
		// The AI gateway verifies before it reads the payload.
		spoil("garbled_payload", malformed, badSignature),
		spoil("payload_list", malformed, malformed),
		either(spoil("payload_with_bom", malformed, malformed)),
		spoil("no_signature", badSignature, badSignature),
		spoil("half_a_signature", badSignature, badSignature),
		spoil("changed_signature", badSignature, badSignature),
		spoil("changed_payload", badSignature, badSignature),
		spoil("scopes_twice_bad_last", malformed, noScope),
		either(spoil("scopes_twice_good_last", malformed, gap)), // RFC 7519, 4: refuse, or let the last count
	}
}

// algorithms are about alg: RS256 is the only one.
func (d deriver) algorithms() []spoilt {
	wrong := no(token.WrongAlgorithm)
	var all []spoilt
	for _, spelling := range []string{"none", "None", "NONE", "nOnE", ""} {
		name := "alg-" + spelling
		if spelling == "" {
			name = "alg-empty"
		}
		// Names of cases become names of files, of which some systems ignore the case.
		switch spelling {
		case "None":
			name = "alg-none-capitalized"
		case "NONE":
			name = "alg-none-upper-case"
		case "nOnE":
			name = "alg-none-mixed-case"
		}
		all = append(all, spoilt{name: name, sign: object{{"alg", "none"}}.with("header", object{{"alg", spelling}}), strict: wrong, gateway: wrong})
	}
	all = append(all,
		spoilt{name: "alg-none-signed", sign: header(member{"alg", "none"}), strict: wrong, gateway: wrong},
		spoilt{name: "alg-absent", sign: header(member{"alg", nil}), strict: wrong, gateway: wrong},
		spoilt{name: "alg-rs256-lower-case", sign: header(member{"alg", "rs256"}), strict: wrong, gateway: wrong},
	)
	for _, alg := range token.Algorithms() {
		if alg == "none" || alg == "HS256" || alg == "RS256" {
			continue
		}
		all = append(all, spoilt{name: "alg-" + strings.ToLower(alg), sign: object{{"alg", alg}}, strict: wrong, gateway: wrong})
	}
	for _, form := range token.HMACKeys() {
		name := "alg-hs256-keyed-with-" + strings.ReplaceAll(form, "_", "-")
		all = append(all, spoilt{name: name, sign: object{{"alg", "HS256"}, {"hmac_key", form}}, strict: wrong, gateway: wrong})
	}
	return all
}

// keys are about who signed. The AI gateway tries every key that it has, whatever kid says.
func (d deriver) keys() []spoilt {
	unknown, bad := no(token.UnknownKey), no(token.BadSignature)
	// The attacker's instance publishes its keys where any verifier could fetch them.
	forged := func(extra ...member) object {
		return object{
			{"service", attacker},
			{"instance", selfHosted},
			{"claims", object{{"iss", "${customersdot.url}"}, {"aud", []string{d.feature.Backend.Audience}}, {"scopes", []string{d.feature.Backend.Scope}}}},
			{"header", object(extra)},
		}
	}
	unseen := object{{"calls", object{{attacker, 0}}}}
	return []spoilt{
		{name: "strangers-key", sign: object{{"stranger", true}}, strict: unknown, gateway: unknown},
		{name: "unknown-key-under-a-known-kid", before: d.knownKid(), sign: object{{"stranger", true}}.with("header", object{{"kid", "${kid}"}}), strict: bad, gateway: bad, only: ""},
		{name: "kid-with-traversal", sign: header(member{"kid", "../../../../dev/null"}), strict: unknown, gateway: gap},
		{name: "kid-with-injection", sign: header(member{"kid", "' OR '1'='1"}), strict: unknown, gateway: gap},
		{name: "kid-a-number", sign: header(member{"kid", 1}), strict: no(token.Malformed), gateway: gap},
		{name: "kid-absent", sign: header(member{"kid", nil}), strict: accepted, gateway: accepted},
		{name: "embedded-jwk", sign: object{{"stranger", true}, {"spoil", "embedded_jwk"}}, strict: unknown, gateway: unknown},
		{name: "jku-of-the-attacker", sign: forged(member{"jku", "${mallory.url}/oauth/discovery/keys"}), after: unseen, strict: unknown, gateway: unknown},
		{name: "x5u-of-the-attacker", sign: forged(member{"x5u", "${mallory.url}/oauth/discovery/keys"}), after: unseen, strict: unknown, gateway: unknown},
		{name: "crit-unknown", sign: header(member{"crit", []string{"unknown"}}, member{"unknown", true}), strict: no(token.UnsupportedExtension), gateway: gap},
		{name: "crit-exp", sign: header(member{"crit", []string{"exp"}}), strict: no(token.UnsupportedExtension), gateway: gap},
		{name: "issuer-absent", sign: claims(member{"iss", nil}), strict: no(token.WrongIssuer), gateway: gap},
		{name: "issuer-of-staging", sign: claims(member{"iss", "https://customers.staging.gitlab.com"}), strict: no(token.WrongIssuer), gateway: gap},
		{name: "other-issuers-key", sign: claims(member{"iss", "${gitlab.url}"}), strict: no(token.IssuerMismatch), gateway: gap},
		{name: "trimmed-key", before: []object{
			{{"sign", object{{"service", "customersdot"}, {"instance", selfHosted}}}, {"save", "old"}},
			{{"rotate_keys", object{{"service", "customersdot"}, {"step", "create"}}}},
			{{"rotate_keys", object{{"service", "customersdot"}, {"step", "rotate"}}}},
			{{"rotate_keys", object{{"service", "customersdot"}, {"step", "trim"}}}},
			{{"restart", d.feature.Backend.Name}},
		}, call: object{{"token", "old"}}, strict: unknown, gateway: unknown, stubOnly: true},
	}
}

// knownKid fetches the id of the key that CustomersDot publishes.
func (d deriver) knownKid() []object {
	return []object{{
		{"request", object{{"to", "customersdot"}, {"path", "/oauth/discovery/keys"}}},
		{"save", object{{"name", "kid"}, {"value", "body.keys[0].kid"}}},
		{"expect", object{{"status", 200}}},
	}}
}

// expiries are about exp, nbf and iat. At exp itself a token is over by RFC 7519, and not yet
// for the AI gateway.
func (d deriver) expiries() []spoilt {
	var leeway time.Duration
	ahead := time.Second
	if d.real != nil {
		leeway, ahead = d.real.Leeway, callTakes
	}
	exp := func(at time.Duration) object { return claims(member{"exp", fromNow(at)}) }
	nbf := func(at time.Duration) object { return claims(member{"nbf", fromNow(at)}) }
	return []spoilt{
		{name: "expired-by-a-second", sign: exp(-leeway - time.Second), strict: no(token.Expired), gateway: no(token.Expired)},
		{name: "exactly-at-expiry", sign: exp(-leeway), strict: no(token.Expired), gateway: accepted},
		{name: "a-second-left", sign: exp(time.Second), strict: accepted, gateway: accepted, stubOnly: true},
		{name: "expiry-absent", sign: claims(member{"exp", nil}), strict: no(token.MissingExpiry), gateway: gap},
		{name: "expiry-a-word", sign: claims(member{"exp", "tomorrow"}), strict: no(token.Malformed), gateway: no(token.Malformed)},
		{name: "not-yet-valid", sign: nbf(leeway + ahead), strict: no(token.NotYetValid), gateway: no(token.NotYetValid)},
		{name: "valid-from-now", sign: nbf(0), strict: accepted, gateway: accepted},
	}
}

// fromNow refers to a time as flows write it.
func fromNow(d time.Duration) string {
	if d == 0 {
		return "${now}"
	}
	return fmt.Sprintf("${now%+ds}", int(d.Seconds()))
}

// audiences are about aud, which must be the backend's exactly, or hold it.
func (d deriver) audiences() []spoilt {
	own, wrong := d.feature.Backend.Audience, no(token.WrongAudience)
	aud := func(name string, value any, strict, gateway ruling) spoilt {
		return spoilt{name: "audience-" + name, sign: claims(member{"aud", value}), strict: strict, gateway: gateway}
	}
	return []spoilt{
		aud("other", "gitlab-somebody-else", wrong, wrong),
		aud("absent", nil, wrong, gap),
		aud("empty", "", wrong, wrong),
		aud("a-number", 1, no(token.Malformed), no(token.Malformed)),
		aud("as-text", own, accepted, accepted),
		aud("listed", []string{"gitlab-somebody-else", own}, accepted, accepted),
		aud("list-without-it", []string{"gitlab-somebody-else", "gitlab-nobody"}, wrong, wrong),
		aud("prefix", own[:len(own)-1], wrong, wrong),
		aud("suffix", own+"-2", wrong, wrong),
		aud("upper-case", strings.ToUpper(own), wrong, wrong),
		aud("padded", own+" ", wrong, wrong),
	}
}

// claims are about scopes, and about whom the token is for.
func (d deriver) claims() []spoilt {
	scope := d.feature.Backend.Scope
	with := func(name string, value any, strict, gateway ruling) spoilt {
		return spoilt{name: "scope-" + name, sign: claims(member{"scopes", value}), strict: strict, gateway: gateway}
	}
	// A real service may never see it, as many an HTTP server has a lower limit and hangs up.
	oversize := spoilt{name: "oversize", sign: claims(member{"padding", strings.Repeat("x", 20<<10)}), strict: no(token.Malformed), gateway: accepted, stubOnly: true}
	instance := func(name, value string) spoilt {
		r := mismatch(token.InstanceHeader, token.InstanceMismatch)
		return spoilt{name: name, sign: claims(member{"sub", value}), strict: r, gateway: r}
	}
	realm := mismatch(token.RealmHeader, token.RealmMismatch)
	return []spoilt{
		with("absent", nil, noScope, noScope),
		with("empty", []any{}, noScope, noScope),
		with("other", []string{"somebody_elses"}, noScope, noScope),
		with("prefix", []string{scope[:len(scope)-1]}, noScope, noScope),
		with("suffix", []string{scope + "_2"}, noScope, noScope),
		with("upper-case", []string{strings.ToUpper(scope)}, noScope, noScope),
		with("as-text", scope, noScope, gap),
		with("in-a-text", "not_"+scope, noScope, gap),
		oversize,
		instance("of-another-instance", "${other.uuid}"),
		instance("subject-upper-case", "ACME"),
		{name: "subject-a-number", sign: claims(member{"sub", 1}), strict: no(token.Malformed), gateway: no(token.Malformed)},
		{name: "realm-of-saas", sign: claims(member{"gitlab_realm", "saas"}), strict: realm, gateway: realm},
		{name: "realm-upper-case", sign: claims(member{"gitlab_realm", "SELF-MANAGED"}), strict: realm, gateway: realm},
	}
}

// headers are those that must agree with the token.
func (d deriver) headers() []spoilt {
	send := func(name, key string, value any, strict, gateway ruling) spoilt {
		return spoilt{name: "header-" + name, call: headers(member{key, value}), strict: strict, gateway: gateway}
	}
	realm, instance := mismatch(token.RealmHeader, token.RealmMismatch), mismatch(token.InstanceHeader, token.InstanceMismatch)
	twice := func(name, key, first, second string, strict, gateway ruling) spoilt {
		call := headers(member{key, first}).with("also", object{{key, second}})
		return spoilt{name: "header-" + name, call: call, strict: strict, gateway: gateway}
	}
	return []spoilt{
		send("realm-missing", token.RealmHeader, nil, mismatch(token.RealmHeader, token.MissingHeader), mismatch(token.RealmHeader, token.MissingHeader)),
		send("realm-other", token.RealmHeader, "saas", realm, realm),
		send("realm-dedicated", token.RealmHeader, "dedicated", realm, realm),
		twice("realm-twice-good-first", token.RealmHeader, "self-managed", "saas", realm, gap),
		twice("realm-twice-good-last", token.RealmHeader, "saas", "self-managed", realm, realm),
		send("instance-missing", token.InstanceHeader, nil, mismatch(token.InstanceHeader, token.MissingHeader), mismatch(token.InstanceHeader, token.MissingHeader)),
		send("instance-other", token.InstanceHeader, "${other.uuid}", instance, instance),
		twice("instance-twice-good-first", token.InstanceHeader, "${acme.uuid}", "${other.uuid}", instance, gap),
		twice("instance-twice-good-last", token.InstanceHeader, "${other.uuid}", "${acme.uuid}", instance, instance),
		send("user-missing", token.UserHeader, nil, accepted, accepted), // no instance's token has a user
		send("user-other", token.UserHeader, "somebody", accepted, accepted),
		send("type-missing", token.AuthTypeHeader, nil, accepted, wrongType), // the tutorial's feature sends none
		send("type-other", token.AuthTypeHeader, "api-key", wrongType, wrongType),
		send("type-upper-case", token.AuthTypeHeader, "OIDC", wrongType, wrongType),
	}
}

// users are about tokens that the AI gateway issues to users itself.
func (d deriver) users() []spoilt {
	path := "POST /" + d.feature.Backend.Name + "/v1/code/user_access_token"
	refused := ruling{status: 403, says: "Unauthorized to create user access token", reason: token.UserTokenNotAllowed}
	return []spoilt{
		{
			name: "user-token-for-another", only: feature.AIGateway,
			sign: object{{"service", d.feature.Backend.Name}}, call: object{{"endpoint", path}}, gateway: refused, stubOnly: true,
		},
		{
			name: "user-token-of-somebody-else", only: feature.AIGateway,
			sign: object{{"service", d.feature.Backend.Name}}, call: headers(member{token.UserHeader, "somebody"}),
			gateway: mismatch(token.UserHeader, token.UserMismatch), stubOnly: true,
		},
		{
			name: "user-token", only: feature.Strict,
			sign:   claims(member{"iss", d.feature.Backend.Audience}, member{"sub", "${ada.global_id}"}),
			strict: no(token.WrongIssuer),
		},
	}
}
