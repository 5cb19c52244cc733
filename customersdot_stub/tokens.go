package customersdotstub

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// How long a token is good, from its iat on.
const (
	tokenTTL      = 3 * 24 * time.Hour
	tokenBackdate = 5 * time.Second // nbf lies before iat, for clocks that are slow
)

// Why a request was refused, beside license_expired and license_not_started, which are
// rules of package catalog.
const (
	ReasonInvalidLicense = "invalid_license"
	ReasonRevoked        = "license_revoked"
	ReasonInvalidCode    = "invalid_activation_code"
)

// facts are what a token is made of, copied so that nobody changes them meanwhile.
type facts struct {
	catalog.Facts
	edition    *edition
	instanceID string
	uniqueID   string
	revoked    bool
	seats      int // of the licence that was shown
	wrong      *control.MisissueRequest
}

// factsOf collects what is known of a subscription, of which file is a licence. The caller
// holds st.mu.
func (s *Stub) factsOf(st *state, sub *subscription, file world.LicenseFile, version catalog.Version) facts {
	now := s.service.Clock().Now()
	f := facts{
		Facts:   catalog.Facts{Now: now, Version: version, Purchases: slices.Clone(sub.purchases)},
		edition: s.edition(st), instanceID: sub.instanceID, uniqueID: sub.uniqueID, revoked: sub.revoked, wrong: sub.wrong,
	}
	if bought, err := file.Purchases(); err == nil { // one that was sold here can be read
		f.seats = seats(bought, now)
	}
	if len(sub.terms) > 0 {
		terms := sub.terms[sub.period(now)]
		f.License = &terms
	}
	return f
}

// noToken says why an instance has no right to a token at all, and returns an empty reason
// if it has one.
func noToken(l catalog.License, revoked bool, now time.Time) (reason, detail string) {
	switch state := l.State(now); {
	case revoked:
		return ReasonRevoked, "the licence was revoked"
	case state == catalog.Expired:
		return string(catalog.RuleLicenseExpired), fmt.Sprintf("the licence expired on %s and its grace period is over", l.ExpiresAt.UTC().Format(time.RFC3339))
	case state == catalog.NotStarted:
		return string(catalog.RuleLicenseNotStarted), fmt.Sprintf("the licence starts on %s", l.StartsAt.UTC().Format(time.RFC3339))
	}
	return "", ""
}

// uniqueInstanceID is the id of CustomersDot's own for an instance: what the instance has
// told, or else one that is made from its id.
func uniqueInstanceID(told, instanceID string) string {
	if told != "" {
		return told
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(instanceID)).String()
}

// claims are those of a token for what d grants.
func (s *Stub) claims(st *state, f facts, d catalog.Decision) token.Claims {
	issued := f.Now.Truncate(time.Second)
	audiences := d.Audiences()
	if len(audiences) == 0 {
		audiences = f.edition.audiences
	}
	extra := map[string]any{"gitlab_instance_uid": uniqueInstanceID(f.uniqueID, f.instanceID)}
	if f.seats > 0 {
		extra["duo_seat_count"] = f.seats
	}
	return token.Claims{
		ID: s.env.Random.UUID(), Issuer: s.issuer(st), Subject: f.instanceID, Audience: audiences,
		IssuedAt: issued, NotBefore: issued.Add(-tokenBackdate), ExpiresAt: issued.Add(tokenTTL),
		Realm: string(world.SelfManaged), Scopes: d.Granted(), Extra: extra,
	}
}

// issued is a token and what the journal has to say of it.
type issued struct {
	raw       string
	expiresAt time.Time
	token     *journal.Token
	scopes    []journal.Scope
}

// issue signs a token.
func (s *Stub) issue(st *state, f facts) (issued, error) {
	key, err := st.keys.Current()
	if err != nil {
		return issued{}, err
	}
	d := catalog.Decide(f.edition.catalog, f.Facts)
	claims := s.claims(st, f, d)
	raw, err := token.Sign(key, claims, token.SignOptions{WithKeyID: true})
	if err == nil && f.wrong != nil {
		raw, err = s.spoil(key, raw, f.wrong.Header, f.wrong.Claims, f.wrong.Stranger, token.Forgery{})
	}
	if err != nil {
		return issued{}, err
	}
	return issued{raw, claims.ExpiresAt, journalToken(raw), stub.Scopes(d)}, nil
}

func (s *Stub) issuer(st *state) string {
	if s.options.IssuerSlash || st.settings.IssuerSlash {
		return s.options.URL + "/"
	}
	return s.options.URL
}

// journalToken describes a token that was signed here, without its signature.
func journalToken(raw string) *journal.Token {
	t := &journal.Token{Digest: token.Digest(raw)}
	if decoded, err := token.Decode(raw); err == nil {
		t.ID, t.Header, t.Claims = decoded.Text("jti"), decoded.Header, decoded.Claims
	}
	return t
}

// versionOf is the version of the instance that asks: the one that it gives, or else the
// one that its headers tell. It is zero where nothing tells.
func versionOf(given *string, header func(name string) string) (catalog.Version, error) {
	if given != nil && *given != "" {
		return catalog.ParseVersion(*given)
	}
	told := []string{header("X-Gitlab-Version")}
	if agent, ok := strings.CutPrefix(header("User-Agent"), "GitLab/"); ok {
		agent, _, _ = strings.Cut(agent, " ")
		told = append(told, agent)
	}
	for _, text := range told {
		if v, err := catalog.ParseVersion(text); err == nil {
			return v, nil
		}
	}
	return catalog.Version{}, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
