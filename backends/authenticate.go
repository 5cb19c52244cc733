package backends

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// What the middleware says, in the AI gateway's words. The last is our own.
const (
	saysNoHeader    = "No authorization header presented"
	saysWrongHeader = "Invalid authorization header"
	saysWrongType   = "Invalid authentication token type - only OIDC is supported"
	saysForbidden   = "Forbidden by auth provider"
	saysMismatch    = "Header mismatch '%s'"
	saysNoKeys      = "Keys of the token's issuer are not available"
)

// authenticate verifies the request's token and compares its claims with the headers.
func (b *strict) authenticate(r *http.Request) (*token.Verified, error) {
	entry := journal.Of(r.Context())
	raw, err := token.FromHeader(r.Header)
	if err != nil {
		return nil, unauthorized(r.Header, err)
	}
	if len(r.Header.Values(token.AuthTypeHeader)) > 0 {
		if err := token.CheckAuthType(r.Header); err != nil {
			entry.Token = fastapi.Carried(r.Header)
			return nil, refused(http.StatusUnauthorized, saysWrongType, err)
		}
	}
	verified, err := b.verifier.Load().Verify(r.Context(), raw)
	if err != nil {
		entry.Token = fastapi.Carried(r.Header)
		return nil, unauthorized(r.Header, err)
	}
	entry.Token = fastapi.Journaled(verified.Decoded)
	if err := verified.CheckHeaders(r.Header); err != nil {
		return nil, refused(http.StatusUnauthorized, fmt.Sprintf(saysMismatch, mismatched(verified, r.Header, err)), err)
	}
	return verified, nil
}

// unauthorized words a refusal of the token itself.
func unauthorized(h http.Header, err error) error {
	status, says := http.StatusUnauthorized, saysForbidden
	var why *token.Refusal
	if errors.As(err, &why) {
		switch why.Reason {
		case token.NoToken:
			if len(h.Values("Authorization")) == 0 {
				says = saysNoHeader
			}
		case token.WrongScheme:
			says = saysWrongHeader
		case token.KeysUnavailable:
			status, says = http.StatusServiceUnavailable, saysNoKeys
		}
	}
	return refused(status, says, err)
}

// mismatched names the header that CheckHeaders failed on.
func mismatched(v *token.Verified, h http.Header, err error) string {
	var why *token.Refusal
	errors.As(err, &why)
	switch why.Reason {
	case token.RealmMismatch:
		return token.RealmHeader
	case token.InstanceMismatch:
		return token.InstanceHeader
	case token.UserMismatch:
		return token.UserHeader
	}
	// One is missing. The realm is looked at first, if the token has one.
	if v.Decoded.Text("gitlab_realm") != "" && len(h.Values(token.RealmHeader)) == 0 {
		return token.RealmHeader
	}
	return token.InstanceHeader
}

func forbidden(scope string, err error) error {
	return refused(http.StatusForbidden, "Unauthorized to access "+scope, err)
}

func refused(status int, says string, err error) error {
	var why *token.Refusal
	if !errors.As(err, &why) {
		return err
	}
	return &stub.Error{Status: status, Message: says, Reason: string(why.Reason), Detail: why.Detail}
}
