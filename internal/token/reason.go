package token

import "slices"

// Reason names why a token or its request was refused. Services word refusals in
// their own dialects, which often hide the cause; the journal keeps the Reason.
type Reason string

// The reasons, in the order in which the strict profile checks.
const (
	NoToken              Reason = "no_token"               // no Authorization header, or nothing after the scheme
	WrongScheme          Reason = "wrong_scheme"           // Authorization is not "Bearer <token>"
	WrongAuthType        Reason = "wrong_auth_type"        // X-Gitlab-Authentication-Type is not "oidc"
	Malformed            Reason = "malformed"              // not a JWT, or a claim of the wrong type
	UnsupportedExtension Reason = "unsupported_extension"  // the header marks an unknown extension as critical
	WrongAlgorithm       Reason = "wrong_algorithm"        // not RS256
	KeysUnavailable      Reason = "keys_unavailable"       // the keys of the issuer could not be fetched
	UnknownKey           Reason = "unknown_key"            // no issuer publishes the key that the token names
	BadSignature         Reason = "bad_signature"          // the key is known and did not sign this
	WrongIssuer          Reason = "wrong_issuer"           // iss is absent or names nobody that is trusted here
	IssuerMismatch       Reason = "issuer_mismatch"        // iss is trusted, but another issuer published the key
	MissingExpiry        Reason = "missing_expiry"         // no exp
	Expired              Reason = "expired"                // exp has passed
	NotYetValid          Reason = "not_yet_valid"          // nbf has not come yet
	WrongAudience        Reason = "wrong_audience"         // aud does not hold this service
	MissingHeader        Reason = "missing_header"         // a header that a claim must agree with is absent
	RealmMismatch        Reason = "realm_mismatch"         // X-Gitlab-Realm is not the claim gitlab_realm
	InstanceMismatch     Reason = "instance_mismatch"      // X-Gitlab-Instance-Id is not the claim sub (or gitlab_instance_id)
	UserMismatch         Reason = "user_mismatch"          // X-Gitlab-Global-User-Id is not sub of a user's token
	SeatCountMismatch    Reason = "seat_count_mismatch"    // X-Gitlab-Duo-Seat-Count is not the claim duo_seat_count
	UserTokenNotAllowed  Reason = "user_token_not_allowed" // a token that the service issued itself, where only instances may call
	MissingScope         Reason = "missing_scope"          // scopes does not hold the scope of the endpoint
)

var reasons = []Reason{
	NoToken, WrongScheme, WrongAuthType, Malformed, UnsupportedExtension, WrongAlgorithm, KeysUnavailable,
	UnknownKey, BadSignature, WrongIssuer, IssuerMismatch, MissingExpiry, Expired, NotYetValid, WrongAudience,
	MissingHeader, RealmMismatch, InstanceMismatch, UserMismatch, SeatCountMismatch, UserTokenNotAllowed, MissingScope,
}

// Reasons lists every reason that this package gives.
func Reasons() []Reason { return slices.Clone(reasons) }

// Refusal is the error of a check that failed: its one Reason, and a Detail that
// names what was expected and what came, without key material or the whole token.
type Refusal struct {
	Reason Reason
	Detail string
}

// Error returns "<reason>: <detail>".
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return string(r.Reason)
	}
	return string(r.Reason) + ": " + r.Detail
}
