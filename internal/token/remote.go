package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
)

// What applies where RemoteOptions leaves a field at zero.
const (
	DefaultTTL          = 24 * time.Hour
	DefaultTimeout      = 10 * time.Second
	DefaultMaxBody      = 1 << 20
	DefaultRefetchEvery = time.Minute

	firstBackoff = time.Second
	lastBackoff  = time.Minute
)

// Issuer is a service whose tokens are trusted.
type Issuer struct {
	// Name is how texts call it, such as "customersdot".
	Name string
	// URL is where its discovery document is looked up. It may have a path.
	URL string
	// Identifier is what it calls itself in "issuer" and "iss". If empty, it is the URL
	// without a trailing slash.
	Identifier string
}

func (i Issuer) identifier() string {
	return cmp.Or(i.Identifier, strings.TrimRight(i.URL, "/"))
}

// RemoteOptions tunes RemoteKeys. The zero value is right for nearly everybody.
type RemoteOptions struct {
	TTL          time.Duration // how long a fetched key set counts, by the clock
	Timeout      time.Duration // of one HTTP request, in real time
	MaxBody      int64         // bytes of one reply
	RefetchEvery time.Duration // least time between fetches for unknown key ids, per issuer, by the clock
	// AnySlash takes "https://issuer/" and "https://issuer" for the same issuer.
	// CustomersDot's documentation shows both.
	AnySlash bool
}

// RemoteKeys holds what issuers publish, learnt over HTTP: the discovery document at
// <URL>/.well-known/openid-configuration, then the key set that it names.
//
// Each issuer is on its own: it is fetched at first use, kept for the TTL, and kept
// longer while it cannot be fetched again; one that is down leaves the others usable.
// Failed fetches are repeated no sooner than after 1 s, 2 s, 4 s, up to 60 s by the
// clock. Callers that need the same fetch share it. Safe for concurrent use.
type RemoteKeys struct {
	clock   clock.Clock
	client  *http.Client
	options RemoteOptions
	issuers []*remoteIssuer
}

// NewRemoteKeys returns the keys of issuers, none of them fetched yet. A nil client
// means one with default transport; the client's own timeout applies beside
// RemoteOptions.Timeout.
func NewRemoteKeys(clk clock.Clock, client *http.Client, issuers []Issuer, o RemoteOptions) *RemoteKeys {
	o.TTL = cmp.Or(o.TTL, DefaultTTL)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.RefetchEvery = cmp.Or(o.RefetchEvery, DefaultRefetchEvery)
	if client == nil {
		client = &http.Client{}
	}
	r := &RemoteKeys{clock: clk, client: client, options: o}
	for _, i := range issuers {
		r.issuers = append(r.issuers, &remoteIssuer{Issuer: i, keys: r})
	}
	return r
}

// Prefetch fetches what is not at hand, without regard to the pause after failures,
// and fails naming every issuer that has no keys. A set kept past its TTL counts.
func (r *RemoteKeys) Prefetch(ctx context.Context) error {
	errs := make([]error, len(r.issuers))
	var wait sync.WaitGroup
	for n, i := range r.issuers {
		wait.Go(func() {
			if set, err := i.get(ctx, evenTooSoon); set == nil {
				errs[n] = err
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// Forget drops all that was fetched, as a restart of the process does. Counts stay.
func (r *RemoteKeys) Forget() {
	for _, i := range r.issuers {
		i.forget()
	}
}

// IssuerStatus is what RemoteKeys knows of one issuer.
type IssuerStatus struct {
	Name       string    `json:"name"`
	URL        string    `json:"url"`
	Identifier string    `json:"identifier"`
	KeyIDs     []string  `json:"key_ids"`              // in the order published
	FetchedAt  time.Time `json:"fetched_at,omitzero"`  // zero when there is no set
	ValidUntil time.Time `json:"valid_until,omitzero"` // past it, the set is in use until a fetch succeeds
	Error      string    `json:"error,omitempty"`      // of the last fetch, "" if it went well
	Skipped    []string  `json:"skipped,omitempty"`    // keys of the set that cannot be used, and why
	// DiscoveryFetches and KeyFetches count requests sent since the start.
	DiscoveryFetches int `json:"discovery_fetches"`
	KeyFetches       int `json:"key_fetches"`
}

// Status describes every issuer, in the order given to NewRemoteKeys.
func (r *RemoteKeys) Status() []IssuerStatus {
	all := make([]IssuerStatus, 0, len(r.issuers))
	for _, i := range r.issuers {
		all = append(all, i.status())
	}
	return all
}

// named finds the issuer that calls itself iss.
func (r *RemoteKeys) named(iss string) *remoteIssuer {
	at := slices.IndexFunc(r.issuers, func(i *remoteIssuer) bool { return r.same(i.identifier(), iss) })
	if iss == "" || at < 0 {
		return nil
	}
	return r.issuers[at]
}

// same compares what issuers call themselves.
func (r *RemoteKeys) same(a, b string) bool {
	if r.options.AnySlash {
		a, b = strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/")
	}
	return a == b
}

// find returns the keys that may have signed a token with this kid and iss. With a
// kid, those are the keys so called, the issuer's own first; without one, all keys of
// the issuer.
func (r *RemoteKeys) find(ctx context.Context, kid string, hasKid bool, iss string) ([]candidate, *Refusal) {
	own := r.named(iss)
	if !hasKid {
		return r.findWithoutID(ctx, own, iss)
	}
	var ownSet *publishedSet
	var ownErr error
	var news bool
	if own != nil {
		ownSet, news, ownErr = own.getNews(ctx)
		if found := ownSet.byID(kid, own); found != nil {
			return found, nil
		}
	}
	var found []candidate
	var searched []string
	for n, set := range r.others(ctx, own) {
		found = append(found, set.byID(kid, r.issuers[n])...)
		if r.issuers[n] != own {
			searched = append(searched, r.issuers[n].keysThere(set))
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case own == nil:
		return nil, &Refusal{UnknownKey, fmt.Sprintf("no key with kid %q at any trusted issuer (%s), and iss %q is none of them",
			short(kid), strings.Join(searched, "; "), short(iss))}
	case ownSet == nil:
		return nil, own.unavailable(ownErr)
	}
	note := ""
	if !news && kid != "" {
		ownSet, note = own.refetch(ctx)
		if found := ownSet.byID(kid, own); found != nil {
			return found, nil
		}
	}
	return nil, &Refusal{UnknownKey, fmt.Sprintf("no key with kid %q at %s%s", short(kid), own.keysThere(ownSet), note)}
}

func (r *RemoteKeys) findWithoutID(ctx context.Context, own *remoteIssuer, iss string) ([]candidate, *Refusal) {
	if own == nil {
		return nil, &Refusal{WrongIssuer, fmt.Sprintf("no kid in the header, and iss %q is none of %s", short(iss), r.trusted())}
	}
	set, err := own.get(ctx, whenDue)
	if set == nil {
		return nil, own.unavailable(err)
	}
	if len(set.keys) == 0 {
		return nil, &Refusal{UnknownKey, "no kid in the header, and no key at " + own.keysThere(set)}
	}
	all := make([]candidate, 0, len(set.keys))
	for _, k := range set.keys {
		all = append(all, candidate{key: k, issuer: own})
	}
	return all, nil
}

// others returns the sets of all issuers but own, by their position, all fetched at
// the same time where they need to be; nil for one that has none.
func (r *RemoteKeys) others(ctx context.Context, own *remoteIssuer) []*publishedSet {
	sets := make([]*publishedSet, len(r.issuers))
	var wait sync.WaitGroup
	for n, i := range r.issuers {
		if i == own {
			continue
		}
		if set := i.fresh(); set != nil {
			sets[n] = set
			continue
		}
		wait.Go(func() { sets[n], _ = i.get(ctx, whenDue) })
	}
	wait.Wait()
	return sets
}

// trusted lists the issuers for an error text.
func (r *RemoteKeys) trusted() string {
	names := make([]string, 0, len(r.issuers))
	for _, i := range r.issuers {
		names = append(names, fmt.Sprintf("%q", i.identifier()))
	}
	return "[" + strings.Join(names, " ") + "]"
}
