package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ccmock/ccmock/internal/clock"
)

// algorithm is the only one that any Cloud Connector issuer signs with.
const algorithm = "RS256"

// Verifier checks tokens by the strict profile: what a backend ought to do. Set its
// fields before the first use; after that it is safe for concurrent use.
type Verifier struct {
	// Keys are those of the issuers that are trusted. It may be nil if Local is not.
	Keys *RemoteKeys
	// Audience must be in the token's "aud", exactly.
	Audience string
	// Clock decides on exp and nbf.
	Clock clock.Clock
	// Leeway is how far exp may lie back, and nbf ahead. By default not at all.
	Leeway time.Duration
	// Local are issuers whose keys are in no published set: the service itself, which
	// verifies the user tokens that it issued.
	Local []LocalIssuer
}

// LocalIssuer is an issuer with fixed keys, such as the AI gateway's own signing and
// validation key. Its tokens need no kid.
type LocalIssuer struct {
	Name string // what its tokens have in "iss"
	Keys []*Key
}

// Verified is a token that passed, with the checks that remain.
type Verified struct {
	// Claims are the claims that this package knows; the others are in Decoded.
	Claims Claims
	// Decoded is the header and every claim.
	Decoded *Decoded
	// Issuer is the configured name of who published the key.
	Issuer string
	// KeyID is the id of the key that signed.
	KeyID string
	// Own says that a LocalIssuer signed: a user's token, bound to a user and not to
	// an instance.
	Own bool
}

// Verify checks one token, in this order: structure, critical extensions, algorithm,
// key, signature, the types of the claims, issuer, expiry, start, audience. The first
// that fails is the *Refusal.
//
// A kid must name a key. A token without one (GitLab up to 17.4, early CustomersDot)
// is tried with all keys of the issuer that its iss names. A token counts as expired
// at exp itself, as RFC 7519 has it ("on or after"); the AI gateway's profile still
// takes it in that second.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Verified, error) {
	verified, refusal := v.verify(ctx, raw)
	if refusal != nil {
		return nil, refusal
	}
	return verified, nil
}

func (v *Verifier) verify(ctx context.Context, raw string) (*Verified, *Refusal) {
	if raw == "" {
		return nil, &Refusal{NoToken, "the token is empty"}
	}
	if v.Audience == "" {
		return nil, &Refusal{WrongAudience, "this service was given no audience to expect"}
	}
	d, refusal := decode(raw)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := checkHeader(d.Header); refusal != nil {
		return nil, refusal
	}
	candidates, refusal := v.candidates(ctx, d)
	if refusal != nil {
		return nil, refusal
	}
	claims, claimsRefusal := readClaims(d.Claims)
	signer, refusal := v.signer(d, candidates)
	if refusal != nil {
		return nil, refusal
	}
	if claimsRefusal != nil {
		return nil, claimsRefusal
	}
	verified := &Verified{Claims: claims.Claims, Decoded: d, KeyID: signer.key.id}
	if refusal := v.checkIssuer(verified, signer, d); refusal != nil {
		return nil, refusal
	}
	if err := v.validity(claims); err != nil {
		return nil, v.explain(claims, err)
	}
	return verified, nil
}

func checkHeader(header map[string]any) *Refusal {
	if crit, ok := header["crit"]; ok {
		names, ok := stringList(crit)
		if _, isText := crit.(string); !ok || isText || len(names) == 0 {
			return malformed("header crit must be a list of names")
		}
		return &Refusal{UnsupportedExtension, fmt.Sprintf("header crit demands %q, and none is supported", shortAll(names))}
	}
	switch alg, ok := header["alg"].(string); {
	case !ok:
		return &Refusal{WrongAlgorithm, fmt.Sprintf("expected alg %q, got none", algorithm)}
	case alg != algorithm:
		return &Refusal{WrongAlgorithm, fmt.Sprintf("expected alg %q, got %q", algorithm, short(alg))}
	}
	if kid, ok := header["kid"]; ok {
		if _, ok := kid.(string); !ok {
			return malformed("header kid must be a string, got %s", kind(kid))
		}
	}
	return nil
}

// candidates are the keys to try, those of the issuer that the token names first.
// Keys that the header brings along or points at (jwk, jku, x5c, x5u) are never used.
func (v *Verifier) candidates(ctx context.Context, d *Decoded) ([]candidate, *Refusal) {
	kid, hasKid := d.KeyID()
	iss := d.Text("iss")
	var local []candidate
	for _, l := range v.Local {
		for _, k := range l.Keys {
			if k != nil && (hasKid && k.ID() == kid || !hasKid && l.Name == iss) {
				local = append(local, candidate{key: publishedKey{id: k.ID(), public: k.Public()}, local: l.Name})
			}
		}
	}
	switch {
	case v.isLocal(iss) && (len(local) > 0 || !hasKid):
		if len(local) == 0 {
			return nil, &Refusal{UnknownKey, fmt.Sprintf("%q has no key of its own here", short(iss))}
		}
		return local, nil
	case v.Keys == nil && len(local) > 0:
		return local, nil
	case v.Keys == nil && hasKid:
		return nil, &Refusal{UnknownKey, fmt.Sprintf("no key with kid %q, and no issuer's keys are fetched here", short(kid))}
	case v.Keys == nil:
		return nil, &Refusal{WrongIssuer, fmt.Sprintf("no kid in the header, and iss %q is not trusted here", short(iss))}
	}
	remote, refusal := v.Keys.find(ctx, kid, hasKid, iss)
	if len(local) > 0 {
		return append(remote, local...), nil
	}
	return remote, refusal
}

func (v *Verifier) isLocal(iss string) bool {
	return slices.ContainsFunc(v.Local, func(l LocalIssuer) bool { return l.Name == iss })
}

// signer finds the candidate that signed.
func (v *Verifier) signer(d *Decoded, candidates []candidate) (candidate, *Refusal) {
	signed := d.signed()
	for _, c := range candidates {
		if jwt.SigningMethodRS256.Verify(signed, d.signature, c.key.public) == nil {
			return c, nil
		}
	}
	ids := make([]string, 0, len(candidates))
	for _, c := range candidates {
		ids = append(ids, fmt.Sprintf("%q of %s", c.key.id, c.name()))
	}
	return candidate{}, &Refusal{BadSignature, "the signature is not by key " + strings.Join(shortAll(ids), ", nor by ")}
}

// validity is what the claims say against the token, nil if nothing.
func (v *Verifier) validity(claims *tokenClaims) error {
	return jwt.NewValidator(
		jwt.WithExpirationRequired(),
		jwt.WithAudience(v.Audience),
		jwt.WithTimeFunc(v.Clock.Now),
		jwt.WithLeeway(v.Leeway),
	).Validate(claims)
}

func (v *Verifier) checkIssuer(verified *Verified, signer candidate, d *Decoded) *Refusal {
	iss, isText := d.Claims["iss"].(string)
	verified.Issuer, verified.Own = signer.name(), signer.issuer == nil
	publisher, trusted := signer.local, v.isLocal(iss)
	same := iss == signer.local
	if signer.issuer != nil {
		publisher = signer.issuer.identifier()
		same = v.Keys.same(iss, publisher)
	}
	trusted = trusted || v.Keys != nil && v.Keys.named(iss) != nil
	switch {
	case same:
		return nil
	case !isText:
		return &Refusal{WrongIssuer, fmt.Sprintf("expected iss %q, got none", publisher)}
	case trusted:
		return &Refusal{IssuerMismatch, fmt.Sprintf("iss is %q, but key %q was published by %q", short(iss), short(signer.key.id), publisher)}
	}
	return &Refusal{WrongIssuer, fmt.Sprintf("expected iss %q, got %q", publisher, short(iss))}
}

// explain picks the first thing that is wrong with the claims.
func (v *Verifier) explain(c *tokenClaims, err error) *Refusal {
	now := v.Clock.Now()
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case c.ExpiresAt.IsZero():
		return &Refusal{MissingExpiry, "no exp"}
	case errors.Is(err, jwt.ErrTokenExpired):
		return &Refusal{Expired, fmt.Sprintf("token expired %s ago (exp %s, now %s)", now.Sub(c.ExpiresAt), at(c.ExpiresAt), at(now))}
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return &Refusal{NotYetValid, fmt.Sprintf("token is valid in %s (nbf %s, now %s)", c.NotBefore.Sub(now), at(c.NotBefore), at(now))}
	case c.AudienceAsString:
		return &Refusal{WrongAudience, fmt.Sprintf("audience %q is not %q", short(c.Audience[0]), v.Audience)}
	case c.Audience == nil:
		return &Refusal{WrongAudience, fmt.Sprintf("no aud, expected %q", v.Audience)}
	}
	return &Refusal{WrongAudience, fmt.Sprintf("audience %q does not hold %q", shortAll(c.Audience), v.Audience)}
}
