package token

import (
	"fmt"
	"net/http"
	"slices"
)

// Headers that a backend compares with claims.
const (
	RealmHeader    = "X-Gitlab-Realm"
	InstanceHeader = "X-Gitlab-Instance-Id"
	UserHeader     = "X-Gitlab-Global-User-Id"
	// AuthTypeHeader must be "oidc".
	AuthTypeHeader = "X-Gitlab-Authentication-Type"
)

const instanceClaim = "gitlab_instance_id"

// CheckAuthType fails with WrongAuthType unless X-Gitlab-Authentication-Type is
// exactly "oidc".
func CheckAuthType(h http.Header) error {
	if values := h.Values(AuthTypeHeader); len(values) != 1 || values[0] != "oidc" {
		return &Refusal{WrongAuthType, fmt.Sprintf("expected %s [\"oidc\"], got %q", AuthTypeHeader, shortAll(values))}
	}
	return nil
}

// CheckHeaders compares the request's headers with the claims, each if the claim is
// there and not empty: X-Gitlab-Realm with gitlab_realm, X-Gitlab-Instance-Id with
// gitlab_instance_id, and sub with X-Gitlab-Instance-Id or, in a token that the
// service issued itself, with X-Gitlab-Global-User-Id. A header that is sent several
// times must be right every time. The error is a *Refusal.
func (v *Verified) CheckHeaders(h http.Header) error {
	subjectHeader, subjectReason := InstanceHeader, InstanceMismatch
	if v.Own {
		subjectHeader, subjectReason = UserHeader, UserMismatch
	}
	for _, c := range []struct {
		claim, header string
		reason        Reason
	}{
		{"gitlab_realm", RealmHeader, RealmMismatch},
		{instanceClaim, InstanceHeader, InstanceMismatch},
		{"sub", subjectHeader, subjectReason},
	} {
		want := v.Decoded.Text(c.claim)
		if want == "" {
			continue
		}
		values := h.Values(c.header)
		if len(values) == 0 {
			return &Refusal{MissingHeader, fmt.Sprintf("no header %s, and claim %s is %q", c.header, c.claim, short(want))}
		}
		for _, got := range values {
			if got != want {
				return &Refusal{c.reason, fmt.Sprintf("header %s is %q, but claim %s is %q", c.header, short(got), c.claim, short(want))}
			}
		}
	}
	return nil
}

// RefuseOwn fails with UserTokenNotAllowed if the service issued the token itself.
func (v *Verified) RefuseOwn() error {
	if !v.Own {
		return nil
	}
	return &Refusal{UserTokenNotAllowed, fmt.Sprintf("expected an instance's token, got one that %q issued to a user", v.Issuer)}
}

// RequireScope fails with MissingScope unless the claim scopes is a list of strings
// that holds scope, exactly.
func (v *Verified) RequireScope(scope string) error {
	claim, ok := v.Decoded.Claims["scopes"]
	if !ok {
		return &Refusal{MissingScope, fmt.Sprintf("no scopes, expected %q", scope)}
	}
	scopes, ok := stringList(claim)
	if _, isText := claim.(string); isText || !ok {
		got := kind(claim)
		if _, isList := claim.([]any); isList {
			got = "a list of others"
		}
		return &Refusal{MissingScope, fmt.Sprintf("claim scopes must be a list of strings, got %s", got)}
	}
	if !slices.Contains(scopes, scope) {
		return &Refusal{MissingScope, fmt.Sprintf("scopes %q do not hold %q", shortAll(scopes), scope)}
	}
	return nil
}

// shortAll cuts a list from outside to a length fit for an error text.
func shortAll(all []string) []string {
	const most = 16
	cut := make([]string, 0, min(len(all), most+1))
	for _, s := range all {
		if len(cut) == most {
			return append(cut, "...")
		}
		cut = append(cut, short(s))
	}
	return cut
}
