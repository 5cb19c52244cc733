package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims is the payload of a Cloud Connector token. Empty strings and zero times are
// left out of it (early GitLab versions have no sub); aud and scopes are always there.
type Claims struct {
	ID       string   // jti
	Issuer   string   // iss
	Subject  string   // sub: the instance's UUID, or a user's global id
	Audience []string // aud: a list, unless AudienceAsString
	// AudienceAsString writes the one Audience as a string, as GitLab 16 does.
	AudienceAsString bool
	IssuedAt         time.Time // iat, whole seconds
	NotBefore        time.Time // nbf, whole seconds
	ExpiresAt        time.Time // exp, whole seconds
	Realm            string    // gitlab_realm: "saas" or "self-managed"
	Scopes           []string  // scopes, in order; nil is written as []
	// Extra is merged flat, last, so that it may replace any of the above.
	Extra map[string]any
}

// SignOptions says how a token is signed.
type SignOptions struct {
	// WithKeyID puts the key's id into the header as "kid". GitLab up to 17.4 and the
	// AI gateway's own user tokens have none.
	WithKeyID bool
}

// Sign returns the token that says c, signed by k with RS256 under the header
// {alg, typ: JWT, kid}. It fails on AudienceAsString with other than one Audience and
// on an Extra that JSON cannot hold.
func Sign(k *Key, c Claims, o SignOptions) (string, error) {
	if k == nil {
		return "", errors.New("sign token: no key")
	}
	payload, err := c.payload()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(payload))
	t.Header = o.header(k)
	text, err := t.SigningString()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	signature, err := k.sign(text)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func (o SignOptions) header(k *Key) map[string]any {
	header := map[string]any{"typ": "JWT", "alg": algorithm}
	if o.WithKeyID {
		header["kid"] = k.ID()
	}
	return header
}

// Unsigned is the header and the claims of the token that [Sign] would make, to be
// changed and handed to [ForgeAs].
func Unsigned(k *Key, c Claims, o SignOptions) (header, claims map[string]any, err error) {
	claims, err = c.payload()
	if err != nil {
		return nil, nil, fmt.Errorf("claims of a token: %w", err)
	}
	return o.header(k), claims, nil
}

func (c Claims) payload() (map[string]any, error) {
	p := make(map[string]any, 9+len(c.Extra))
	for name, value := range map[string]string{
		"jti": c.ID, "iss": c.Issuer, "sub": c.Subject, "gitlab_realm": c.Realm,
	} {
		if value != "" {
			p[name] = value
		}
	}
	for name, at := range map[string]time.Time{"iat": c.IssuedAt, "nbf": c.NotBefore, "exp": c.ExpiresAt} {
		if !at.IsZero() {
			p[name] = at.Unix()
		}
	}
	switch {
	case !c.AudienceAsString:
		p["aud"] = list(c.Audience)
	case len(c.Audience) == 1:
		p["aud"] = c.Audience[0]
	default:
		return nil, fmt.Errorf("expected one audience to write as a string, got %d", len(c.Audience))
	}
	p["scopes"] = list(c.Scopes)
	maps.Copy(p, c.Extra)
	return p, nil
}

// list keeps an empty list from becoming null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Forge signs any header and claims, right or wrong, by RS256 whatever "alg" says;
// without a key the signature is empty. It is for negative tests: nothing that an
// issuer does goes through it.
func Forge(k *Key, header, claims map[string]any) (string, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("forge token: header: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("forge token: claims: %w", err)
	}
	return ForgeBytes(k, head, body)
}

// ForgeBytes is Forge with the header and payload as bytes, which need not be JSON.
func ForgeBytes(k *Key, header, payload []byte) (string, error) {
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	if k == nil {
		return text + ".", nil
	}
	signature, err := k.sign(text)
	if err != nil {
		return "", fmt.Errorf("forge token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
