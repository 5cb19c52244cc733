package token

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/internal/clock"
)

// AIGatewayVerifier answers as the AI gateway's own authentication was measured to
// answer (its in-tree module of 2024-11 on python-jose 3.5), where it is laxer than
// the strict profile, and where it crashes:
//
//   - kid, typ and crit are ignored; every key of the merged set is tried;
//   - iss is not compared with who published the key, nor required;
//   - a token without exp, nbf, aud, sub or jti passes, and exp is good until the
//     second after it;
//   - scopes may be a list, an object or a string, in which any part matches;
//   - base64, JSON and integers are read as Python reads them;
//   - some wrong types, and an unusable key in the set, are a 500.
//
// Set its fields before the first use; after that it is safe for concurrent use.
type AIGatewayVerifier struct {
	Keys *AIGatewayKeys
	// Service is the gateway's own name, the audience that it expects and the issuer
	// of its user tokens: "gitlab-ai-gateway".
	Service string
	Clock   clock.Clock
	// EnforceSeatCount refuses a token whose claim duo_seat_count is not the header
	// X-Gitlab-Duo-Seat-Count, as earlier releases of the gateway did. Later ones only log that.
	EnforceSeatCount bool
	// SkipSignature takes a token whatever its signature. All else is checked, and there must be keys.
	SkipSignature bool
}

// Verdict is what the gateway answers.
type Verdict struct {
	Status int    // 200, 401, 403 or 500
	Says   string // "error" of a 401, "detail" of a 403, the text of a 500; "" for 200
	Log    string // what its log has as the cause of "Forbidden by auth provider", else ""
	Reason Reason // the cause by our names; "" for 200
	Detail string // the cause in words, for a journal; the real gateway does not say it
}

// OK says that the request passed.
func (v Verdict) OK() bool { return v.Status == http.StatusOK }

// AIGatewayUser is whom the gateway takes a request to come from.
type AIGatewayUser struct {
	// Claims are all claims of the token. Integers are *big.Int.
	Claims map[string]any
	// Own says that iss is the gateway's own name: a user's token, or one that claims
	// to be.
	Own bool
	// Debug is somebody whom the gateway let in without authentication: all scopes, and no claims.
	Debug bool
}

// Check authenticates the request and then demands scope.
func (v *AIGatewayVerifier) Check(ctx context.Context, h http.Header, scope string) Verdict {
	user, verdict := v.Authenticate(ctx, h)
	if !verdict.OK() {
		return verdict
	}
	return user.Can(scope)
}

// Authenticate runs the checks that the gateway makes on every path. The user is nil
// unless the verdict is OK.
func (v *AIGatewayVerifier) Authenticate(ctx context.Context, h http.Header) (*AIGatewayUser, Verdict) {
	claims, verdict := v.claims(ctx, h)
	if verdict == nil {
		verdict = v.checkHeaders(claims, h)
	}
	if verdict == nil && v.EnforceSeatCount {
		verdict = checkSeatCount(claims, h)
	}
	if verdict != nil {
		return nil, *verdict
	}
	return &AIGatewayUser{Claims: claims, Own: claims["iss"] == any(v.Service)}, Verdict{Status: http.StatusOK}
}

func (v *AIGatewayVerifier) claims(ctx context.Context, h http.Header) (map[string]any, *Verdict) {
	authorization, ok := gatewayHeader(h, "Authorization")
	if !ok {
		return nil, refuse(NoToken, "No authorization header presented", "no Authorization header")
	}
	scheme, raw, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return nil, refuse(WrongScheme, "Invalid authorization header", "expected Authorization \"Bearer <token>\"")
	}
	if kind, _ := gatewayHeader(h, AuthTypeHeader); kind != "oidc" {
		return nil, refuse(WrongAuthType, "Invalid authentication token type - only OIDC is supported",
			fmt.Sprintf("expected %s \"oidc\", got %q", AuthTypeHeader, short(kind)))
	}
	set, err := v.Keys.get(ctx)
	if err != nil {
		return nil, crash(KeysUnavailable, err.Error())
	}
	if len(set.keys) == 0 {
		return nil, crash(KeysUnavailable, "no keys in the key set: "+set.failures())
	}
	t, verdict := joseLoad(raw)
	if verdict == nil && !v.SkipSignature {
		verdict = t.checkSignature(set)
	}
	if verdict != nil {
		return nil, verdict
	}
	return joseClaims(t.payload, v.Service, v.Clock.Now())
}

// checkHeaders compares claims with headers. An absent or empty claim is not compared.
func (v *AIGatewayVerifier) checkHeaders(claims map[string]any, h http.Header) *Verdict {
	subject, subjectReason := InstanceHeader, InstanceMismatch
	if claims["iss"] == any(v.Service) {
		subject, subjectReason = UserHeader, UserMismatch
	}
	for _, c := range []struct {
		claim, header string
		reason        Reason
	}{
		{"gitlab_realm", RealmHeader, RealmMismatch},
		{instanceClaim, InstanceHeader, InstanceMismatch},
		{"sub", subject, subjectReason},
	} {
		want := claims[c.claim]
		got, sent := gatewayHeader(h, c.header)
		if !pyTrue(want) || sent && want == any(got) {
			continue
		}
		text, _ := want.(string)
		says := fmt.Sprintf("Header mismatch '%s'", c.header)
		if !sent { // the gateway has no other words for it
			return refuse(MissingHeader, says, fmt.Sprintf("no header %s, and claim %s is %q", c.header, c.claim, short(text)))
		}
		return refuse(c.reason, says, fmt.Sprintf("header %s is %q, but claim %s is %q", c.header, short(got), c.claim, short(text)))
	}
	return nil
}

// SeatCountHeader is how many seats of Duo an instance says that it has.
const SeatCountHeader = "X-Gitlab-Duo-Seat-Count"

// checkSeatCount compares the claim, as text, with the header. An absent claim is not
// compared.
func checkSeatCount(claims map[string]any, h http.Header) *Verdict {
	claim, ok := claims["duo_seat_count"]
	if !ok {
		return nil
	}
	want := fmt.Sprint(claim)
	switch got, sent := gatewayHeader(h, SeatCountHeader); {
	case !sent:
		return refuse(MissingHeader, fmt.Sprintf("Header is missing: '%s'", SeatCountHeader),
			fmt.Sprintf("no header %s, and claim duo_seat_count is %q", SeatCountHeader, short(want)))
	case got != want:
		return refuse(SeatCountMismatch, fmt.Sprintf("Header mismatch '%s'", SeatCountHeader),
			fmt.Sprintf("header %s is %q, but claim duo_seat_count is %q", SeatCountHeader, short(got), short(want)))
	}
	return nil
}

// Can says whether the user may call an endpoint that demands scope: 200, or 403 with
// the usual text, or 500 where scopes is of a type that cannot be searched. A token
// whose iss is one of disallowedIssuers may not. Debug may all.
func (u *AIGatewayUser) Can(scope string, disallowedIssuers ...string) Verdict {
	if u.Debug {
		return Verdict{Status: http.StatusOK}
	}
	says := "Unauthorized to access " + scope
	iss, _ := u.Claims["iss"].(string)
	for _, d := range disallowedIssuers {
		if iss == d {
			return Verdict{Status: http.StatusForbidden, Says: says, Reason: UserTokenNotAllowed, Detail: fmt.Sprintf("a token of %q may not call this", d)}
		}
	}
	has, ok := pyIn(scope, u.Claims)
	switch {
	case !ok:
		return *crash(Malformed, fmt.Sprintf("claim scopes is %s, which cannot be searched", gatewayKind(u.Claims["scopes"])))
	case !has:
		return Verdict{Status: http.StatusForbidden, Says: says, Reason: MissingScope, Detail: fmt.Sprintf("claim scopes does not hold %q", scope)}
	}
	return Verdict{Status: http.StatusOK}
}

// pyIn is "scope in scopes": membership in a list, a member of an object, a part of a
// string, and an exception for the rest. No scopes are an empty list.
func pyIn(scope string, claims map[string]any) (has, ok bool) {
	v, found := claims["scopes"]
	if !found {
		return false, true
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if item == any(scope) {
				return true, true
			}
		}
		return false, true
	case map[string]any:
		_, has = v[scope]
		return has, true
	case string:
		return strings.Contains(v, scope), true
	}
	return false, false
}

func gatewayKind(v any) string {
	switch v.(type) {
	case nil, bool, float64:
		return kind(v)
	}
	return "a number"
}

func refuse(reason Reason, says, detail string) *Verdict {
	return &Verdict{Status: http.StatusUnauthorized, Says: says, Reason: reason, Detail: detail}
}

// gatewayHeader is the first value, without the space that servers strip.
func gatewayHeader(h http.Header, name string) (string, bool) {
	values := h.Values(name)
	if len(values) == 0 {
		return "", false
	}
	return latin1(strings.Trim(values[0], " \t")), true
}
