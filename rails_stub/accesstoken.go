package railsstub

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// ask is what a caller tells of the token that it wants. Only GitLab.com listens, and to
// which part of it depends on the version.
type ask struct {
	person    *person
	service   string // 17.1 to 18.2
	primitive string // 17.11 to 18.2
	scopes    []string
	extra     map[string]any
}

// accessToken is a token with what the journal keeps of it. Its zero value is no token.
type accessToken struct {
	raw    string
	bearer string // "Bearer " and raw
	token  *journal.Token
	issued bool // signed for this call
	scopes []journal.Scope
}

func newAccessToken(raw string) accessToken {
	t := &journal.Token{Digest: token.Digest(raw)}
	// A token that CustomersDot sent may be anything; it is kept as it came.
	if d, err := token.Decode(raw); err == nil {
		t.ID, t.Header, t.Claims = d.Text("jti"), d.Header, d.Claims
	}
	return accessToken{raw: raw, bearer: "Bearer " + raw, token: t}
}

// The life of a self-issued token.
const (
	selfIssuedTTL  = time.Hour
	notBeforeDrift = 5 * time.Second
)

// AccessToken returns the token that an instance would use for a call, as
// CloudConnector::AccessService#access_token(scopes:, extra_claims:) and its successors
// do, and no token if it has none. GitLab.com signs it: up to 17.0 with the scopes that
// were asked for, then with what its catalog decides for the service that the first of
// them belongs to, and from 18.3 on for the whole catalog. Everybody else has what was
// synced, and scopes, extra claims and user change nothing. User may be empty.
func (s *Stub) AccessToken(ctx context.Context, instance, user string, scopes []string, extra map[string]any) (control.TokenResult, error) {
	i, err := s.instance(instance)
	if err != nil {
		return control.TokenResult{}, err
	}
	a := ask{scopes: scopes, extra: extra}
	if user != "" {
		if a.person, err = i.personNamed(user); err != nil {
			return control.TokenResult{}, err
		}
	}
	r := i.installed()
	if len(scopes) > 0 {
		a.service, a.primitive = i.serviceOf(scopes[0]), scopes[0]
	}
	t, err := i.accessToken(a, r, i.service.Clock().Now())
	if err != nil {
		return control.TokenResult{}, err
	}
	if t.issued {
		i.service.Record(journal.Entry{
			Route: "access_token", Issued: t.token, Scopes: t.scopes, RequestID: journal.Of(ctx).RequestID,
		})
	}
	return control.TokenResult{Raw: t.raw, Token: t.token}, nil
}

// serviceOf names the service of the catalog that a scope belongs to.
func (i *Instance) serviceOf(scope string) string {
	for _, s := range i.catalog.Services {
		if s.Name == scope {
			return s.Name
		}
		for _, b := range s.Bundles {
			if slices.Contains(b.UnitPrimitives, scope) {
				return s.Name
			}
		}
	}
	return scope
}

func (i *Instance) accessToken(a ask, r *release, now time.Time) (accessToken, error) {
	if i.given.Realm == world.SaaS {
		return i.issue(a, r, now)
	}
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.synced.current(now), nil
}

// issue signs a token.
func (i *Instance) issue(a ask, r *release, now time.Time) (accessToken, error) {
	claims := token.Claims{
		ID: i.stub.env.Random.UUID(), Issuer: i.url, Realm: string(i.given.Realm),
		IssuedAt: now, NotBefore: now.Add(-notBeforeDrift), ExpiresAt: now.Add(selfIssuedTTL),
		Extra: a.extra,
	}
	if r.sub {
		claims.Subject = i.given.UUID
	}
	entry, form := r.entry, r.aud
	if slices.Contains(r.rolledOut, a.primitive) {
		entry, form = Tokens, ofPrimitive
	}
	var decision catalog.Decision
	switch entry {
	case AccessService:
		claims.Scopes = a.scopes
	case AvailableServices:
		service, known := i.serviceNamed(a.service)
		if !known {
			return accessToken{}, nil // CloudConnector::MissingServiceData has no token
		}
		decision = catalog.Decide(&catalog.Catalog{Services: []catalog.Service{service}}, i.facts(a.person, r, now, true))
		claims.Scopes, claims.Audience = decision.Granted(), []string{service.Audience()}
	case Tokens:
		decision = catalog.Decide(i.catalog, i.facts(nil, r, now, false))
		claims.Scopes, claims.Audience = decision.Granted(), decision.Audiences()
	}
	if form == constant {
		claims.Audience = []string{catalog.DefaultAudience}
	}
	claims.AudienceAsString = form != ofPrimitive
	raw, err := i.sign(claims, r)
	if err != nil {
		return accessToken{}, err
	}
	t := newAccessToken(raw)
	t.issued, t.scopes = true, reasonsOf(decision, claims.Scopes)
	return t, nil
}

func (i *Instance) sign(claims token.Claims, r *release) (string, error) {
	ring, err := i.keys.ring(r.key)
	if err != nil {
		return "", err
	}
	key, err := ring.Loaded()
	if err != nil {
		return "", err
	}
	return token.Sign(key, claims, token.SignOptions{WithKeyID: r.kid})
}

// facts are what GitLab.com decides on: the group's purchases, or those of them that the
// user has a seat of.
func (i *Instance) facts(p *person, r *release, now time.Time, bySeat bool) catalog.Facts {
	i.mu.RLock()
	bought := i.purchases
	i.mu.RUnlock()
	if bySeat && p != nil {
		bought = slices.DeleteFunc(slices.Clone(bought), func(b catalog.Purchase) bool { return !p.hasSeat(b.AddOn) })
	}
	return catalog.Facts{Now: now, Version: r.version, Purchases: bought, SelfIssued: true}
}

func (i *Instance) serviceNamed(name string) (catalog.Service, bool) {
	for _, s := range i.catalog.Services {
		if s.Name == name {
			return s, true
		}
	}
	return catalog.Service{}, false
}

// reasonsOf says of each scope why it is in the token or not.
func reasonsOf(d catalog.Decision, scopes []string) []journal.Scope {
	if len(d.Scopes) > 0 {
		return stub.Scopes(d)
	}
	found := make([]journal.Scope, len(scopes))
	for n, name := range scopes {
		found[n] = journal.Scope{Name: name, Granted: true, Rule: "asked_for", Why: "the caller asked for it, and GitLab.com does not check"}
	}
	return found
}

// extraClaims are what a feature puts into a self-issued token.
func extraClaims(f *endpoint, p *person, r *release) map[string]any {
	if !r.usageClaimed || !f.ai {
		return f.Rails.ExtraClaims
	}
	claims := map[string]any{"skip_usage_cutoff": p.TeamMember}
	maps.Copy(claims, f.Rails.ExtraClaims)
	return claims
}

// personNamed returns a user of the instance.
func (i *Instance) personNamed(name string) (*person, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if p := i.people[name]; p != nil {
		return p, nil
	}
	return nil, errors.New(i.name + " has no user " + name + ", it has " + strings.Join(slices.Sorted(maps.Keys(i.people)), ", "))
}
