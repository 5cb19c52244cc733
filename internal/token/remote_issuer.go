package token

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// remoteIssuer is one issuer, what it published, and the fetch under way.
type remoteIssuer struct {
	Issuer
	keys *RemoteKeys

	mu          sync.Mutex
	set         *publishedSet // nil until a fetch succeeds
	fetchedAt   time.Time
	jwksURI     string
	err         error // of the last fetch
	attemptedAt time.Time
	failures    int
	refetchedAt time.Time
	flight      *flight
	discoveries int
	keyFetches  int
}

// flight is a fetch that several callers may wait for.
type flight struct{ done chan struct{} }

type publishedKey struct {
	id     string
	public *rsa.PublicKey
}

// publishedSet is immutable.
type publishedSet struct {
	keys    []publishedKey
	skipped []string
}

// candidate is a key that may have signed, and whose it is: that of a remote issuer,
// or else of a local one.
type candidate struct {
	key    publishedKey
	issuer *remoteIssuer
	local  string
}

func (c candidate) name() string {
	if c.issuer != nil {
		return c.issuer.Name
	}
	return c.local
}

func (s *publishedSet) byID(kid string, issuer *remoteIssuer) []candidate {
	if s == nil || kid == "" {
		return nil
	}
	var found []candidate
	for _, k := range s.keys {
		if k.id == kid {
			found = append(found, candidate{key: k, issuer: issuer})
		}
	}
	return found
}

func (s *publishedSet) ids() []string {
	ids := []string{}
	if s != nil {
		for _, k := range s.keys {
			ids = append(ids, k.id)
		}
	}
	return ids
}

// haste says when to fetch.
type haste int

const (
	whenDue     haste = iota // when there is no set or its time is over, and no pause after a failure
	evenTooSoon              // the same, without regard to the pause
)

func (i *remoteIssuer) get(ctx context.Context, h haste) (*publishedSet, error) {
	set, _, err := i.wait(ctx, h)
	return set, err
}

// getNews also says whether the caller had to wait for a fetch.
func (i *remoteIssuer) getNews(ctx context.Context) (set *publishedSet, news bool, err error) {
	return i.wait(ctx, whenDue)
}

// fresh returns the set if no fetch is due.
func (i *remoteIssuer) fresh() *publishedSet {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.flight != nil || i.due(i.keys.clock.Now(), whenDue) {
		return nil
	}
	return i.set
}

func (i *remoteIssuer) wait(ctx context.Context, h haste) (*publishedSet, bool, error) {
	i.mu.Lock()
	if i.flight == nil {
		now := i.keys.clock.Now()
		if !i.due(now, h) {
			defer i.mu.Unlock()
			return i.set, false, i.err
		}
		i.start(ctx, now, "")
	}
	f := i.flight
	i.mu.Unlock()
	set, err := i.join(ctx, f)
	return set, true, err
}

// join waits for a fetch under way, or for the caller to give up.
func (i *remoteIssuer) join(ctx context.Context, f *flight) (*publishedSet, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the keys: %w", ctx.Err())
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.set, i.err
}

// due is false for times that lie ahead, so that a clock set back does not hold a
// fetch off for long.
func (i *remoteIssuer) due(now time.Time, h haste) bool {
	if i.set != nil && within(now, i.fetchedAt, i.keys.options.TTL) {
		return false
	}
	return h == evenTooSoon || i.failures == 0 || !within(now, i.attemptedAt, backoff(i.failures))
}

// within tells whether now is less than d after start, and not before it.
func within(now, start time.Time, d time.Duration) bool {
	past := now.Sub(start)
	return 0 <= past && past < d
}

func backoff(failures int) time.Duration {
	if failures > 6 {
		return lastBackoff
	}
	return min(firstBackoff<<(failures-1), lastBackoff)
}

// start begins a fetch that outlives the caller who began it: others wait for it too.
// With a uri, it fetches the key set there without a discovery. Call with the lock held.
func (i *remoteIssuer) start(ctx context.Context, now time.Time, uri string) {
	f := &flight{done: make(chan struct{})}
	i.flight = f
	i.attemptedAt = now
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer close(f.done)
		set, uri, err := i.fetch(ctx, uri)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.flight != f {
			return // forgotten meanwhile
		}
		i.flight = nil
		i.err = err
		if err != nil {
			i.failures++
			return
		}
		i.failures = 0
		i.set, i.jwksURI, i.fetchedAt = set, uri, now
	}()
}

// refetch fetches the key set for the sake of an unknown key id, unless that was
// done a short while ago; note says so.
func (i *remoteIssuer) refetch(ctx context.Context) (set *publishedSet, note string) {
	i.mu.Lock()
	now := i.keys.clock.Now()
	if i.flight == nil {
		if !i.refetchedAt.IsZero() && within(now, i.refetchedAt, i.keys.options.RefetchEvery) {
			defer i.mu.Unlock()
			return i.set, fmt.Sprintf("; fetched again %s ago, and at most once in %s", now.Sub(i.refetchedAt), i.keys.options.RefetchEvery)
		}
		i.refetchedAt = now
		i.start(ctx, now, i.jwksURI)
	}
	f := i.flight
	i.mu.Unlock()
	set, err := i.join(ctx, f)
	if err != nil {
		return set, fmt.Sprintf("; fetching them again failed: %v", err)
	}
	return set, "; fetched again just now"
}

func (i *remoteIssuer) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set, i.err, i.flight, i.jwksURI, i.failures = nil, nil, nil, "", 0
	i.fetchedAt, i.attemptedAt, i.refetchedAt = time.Time{}, time.Time{}, time.Time{}
}

func (i *remoteIssuer) status() IssuerStatus {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := IssuerStatus{
		Name: i.Name, URL: i.URL, Identifier: i.identifier(), KeyIDs: i.set.ids(),
		DiscoveryFetches: i.discoveries, KeyFetches: i.keyFetches,
	}
	if i.set != nil {
		s.FetchedAt, s.ValidUntil = i.fetchedAt, i.fetchedAt.Add(i.keys.options.TTL)
		s.Skipped = slices.Clone(i.set.skipped)
	}
	if i.err != nil {
		s.Error = i.err.Error()
	}
	return s
}

// keysThere names the issuer and its keys for an error text.
func (i *remoteIssuer) keysThere(set *publishedSet) string {
	switch {
	case set == nil:
		return i.identifier() + " (keys not available)"
	case len(set.keys) == 0:
		return i.identifier() + " (no usable keys there)"
	}
	const most = 8
	ids := set.ids()
	more := ""
	if len(ids) > most {
		ids, more = ids[:most], ", ..."
	}
	for n := range ids {
		ids[n] = short(ids[n])
	}
	return fmt.Sprintf("%s (keys there: %s%s)", i.identifier(), strings.Join(ids, ", "), more)
}

func (i *remoteIssuer) unavailable(err error) *Refusal {
	if err == nil {
		err = errors.New("not fetched")
	}
	return &Refusal{KeysUnavailable, fmt.Sprintf("no keys of %s (%s): %v", i.Name, i.identifier(), err)}
}
