package token

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenClaims gives golang-jwt's validator the claims that were already read, so that
// nothing is parsed twice and member names are matched exactly.
type tokenClaims struct{ Claims }

func (c *tokenClaims) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.ExpiresAt), nil }
func (c *tokenClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return date(c.IssuedAt), nil }
func (c *tokenClaims) GetNotBefore() (*jwt.NumericDate, error)      { return date(c.NotBefore), nil }
func (c *tokenClaims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c *tokenClaims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c *tokenClaims) GetAudience() (jwt.ClaimStrings, error)       { return c.Audience, nil }

func date(t time.Time) *jwt.NumericDate {
	if t.IsZero() {
		return nil
	}
	return &jwt.NumericDate{Time: t}
}

// readClaims reads the known claims; one of a wrong type is a Refusal. The scopes are
// left to RequireScope, for a token with wrong ones still says who calls.
func readClaims(m map[string]any) (*tokenClaims, *Refusal) {
	c := &tokenClaims{}
	var refusal *Refusal
	wrong := func(claim, want string) {
		if refusal == nil {
			refusal = malformed("claim %s must be %s, got %s", claim, want, kind(m[claim]))
		}
	}
	for _, f := range []struct {
		claim string
		to    *string
	}{{"iss", &c.Issuer}, {"sub", &c.Subject}, {"jti", &c.ID}, {"gitlab_realm", &c.Realm}, {instanceClaim, new(string)}} {
		v, ok := m[f.claim]
		if !ok {
			continue
		}
		if *f.to, ok = v.(string); !ok {
			wrong(f.claim, "a string")
		}
	}
	for _, f := range []struct {
		claim string
		to    *time.Time
	}{{"exp", &c.ExpiresAt}, {"nbf", &c.NotBefore}, {"iat", &c.IssuedAt}} {
		v, ok := m[f.claim]
		if !ok {
			continue
		}
		n, isNumber := v.(float64)
		if !isNumber {
			wrong(f.claim, "a number")
		} else if *f.to, ok = secondsTime(n); !ok {
			wrong(f.claim, "seconds since 1970 up to the year 9999")
		}
	}
	if v, ok := m["aud"]; ok {
		if c.Audience, ok = stringList(v); !ok {
			wrong("aud", "a string or a list of strings")
		}
		_, c.AudienceAsString = v.(string)
	}
	if _, isText := m["scopes"].(string); !isText {
		c.Scopes, _ = stringList(m["scopes"])
	}
	for name, v := range m {
		if !registered[name] {
			if c.Extra == nil {
				c.Extra = map[string]any{}
			}
			c.Extra[name] = v
		}
	}
	return c, refusal
}

var registered = map[string]bool{
	"jti": true, "iss": true, "sub": true, "aud": true, "iat": true, "nbf": true, "exp": true,
	"gitlab_realm": true, "scopes": true,
}

// kind names a JSON type for an error text.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case float64:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}
