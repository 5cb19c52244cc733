// Package journal keeps what happened: one entry for each request that a stub
// answered, for each token that it issued and for each job that it ran.
//
// The journal is bounded. It holds no secret: a token is kept as a digest and its
// decoded claims, never with its signature. It answers what the imitated services
// keep to themselves, above all why a request was refused.
package journal

import (
	"context"
	"sync"
	"time"
)

// Entry is one thing that happened at one service.
type Entry struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`      // by the service's own clock
	Service string    `json:"service"` // "gitlab", "acme", "customersdot", "gateway", "foo", ...
	Kind    Kind      `json:"kind"`
	// Route is the route's name, or "(no route)", "(method not allowed)"; for work that
	// no request asked for, "job:" and the job's name.
	Route  string `json:"route"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Status int    `json:"status,omitempty"`
	// RequestID is the X-Request-ID that ties the hops of one call together.
	RequestID  string `json:"request_id,omitempty"`
	InstanceID string `json:"instance_id,omitempty"` // X-Gitlab-Instance-Id of the request
	// Token is the token that the request carried, Issued the one that the answer gave.
	Token  *Token `json:"token,omitempty"`
	Issued *Token `json:"issued,omitempty"`
	// Scope is what the endpoint requires of the token; empty where it requires none, or was
	// not reached.
	Scope string `json:"scope,omitempty"`
	// Scopes says, where a token was issued, of each scope why it is in it or not.
	Scopes []Scope `json:"scopes,omitempty"`
	// Reason is why the service refused; empty when it did not. Detail says it in words,
	// or says what else is worth knowing of the entry.
	Reason   string `json:"reason,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Place    string `json:"place,omitempty"`    // the line of a file that a refusal goes back to, if one does
	Upstream string `json:"upstream,omitempty"` // where the call went on to
	Fault    string `json:"fault,omitempty"`    // the fault rule that was applied
	// Elapsed is real time, in nanoseconds.
	Elapsed time.Duration `json:"elapsed,omitempty"`
}

// Kind is the kind of a service.
type Kind string

// The kinds of services.
const (
	Rails        Kind = "rails"
	CustomersDot Kind = "customersdot"
	Gateway      Kind = "gateway"
	Backend      Kind = "backend"
)

// Token is a token without its signature.
type Token struct {
	Digest string         `json:"digest"`
	ID     string         `json:"jti,omitempty"`
	Header map[string]any `json:"header,omitempty"`
	Claims map[string]any `json:"claims,omitempty"`
}

// Scope is the decision on one scope of an issued token.
type Scope struct {
	Name    string `json:"name"`
	Granted bool   `json:"granted"`
	Rule    string `json:"rule"`
	Why     string `json:"why"`
	// Place is the line of the catalog that decided, and AudiencePlace the one that makes the
	// token's audience; empty where no file says it.
	Place         string `json:"place,omitempty"`
	AudiencePlace string `json:"audience_place,omitempty"`
}

// Capacity is how many entries a journal keeps when it is not told otherwise.
const Capacity = 10_000

// Journal is a bounded list of entries, safe for concurrent use. The oldest entries go
// first.
type Journal struct {
	mu      sync.Mutex
	limit   int
	entries []Entry // a ring once it is full
	next    int     // where the ring writes next
	seq     uint64
}

// New returns a journal of at most limit entries; 0 means Capacity.
func New(limit int) *Journal {
	if limit <= 0 {
		limit = Capacity
	}
	return &Journal{limit: limit}
}

// Add appends e, numbers it and returns its number.
func (j *Journal) Add(e Entry) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	e.Seq = j.seq
	if len(j.entries) < j.limit {
		j.entries = append(j.entries, e)
		return e.Seq
	}
	j.entries[j.next] = e
	j.next = (j.next + 1) % j.limit
	return e.Seq
}

// Reset forgets all entries. Numbers go on, so that "after" marks stay true.
func (j *Journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries, j.next = nil, 0
}

// Last returns the number of the newest entry.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// Filter selects entries; its zero value selects all.
type Filter struct {
	After     uint64 // only entries numbered higher
	RequestID string
	Service   string
}

// Entries returns the entries that f selects, oldest first; never nil.
func (j *Journal) Entries(f Filter) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	found := []Entry{}
	for i := range j.entries {
		e := j.entries[(j.next+i)%len(j.entries)]
		if e.Seq <= f.After ||
			f.RequestID != "" && e.RequestID != f.RequestID ||
			f.Service != "" && e.Service != f.Service {
			continue
		}
		found = append(found, e)
	}
	return found
}

type contextKey struct{}

// WithEntry returns a context that carries the entry of the request being answered.
func WithEntry(ctx context.Context, e *Entry) context.Context {
	return context.WithValue(ctx, contextKey{}, e)
}

// Of returns the entry of the request being answered, for its handler to fill in. Where
// no request is being answered it returns one that is kept nowhere, so that callers need
// not ask. A handler must not keep it beyond its return.
func Of(ctx context.Context) *Entry {
	if e, ok := ctx.Value(contextKey{}).(*Entry); ok {
		return e
	}
	return &Entry{}
}
