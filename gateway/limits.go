package gateway

import (
	"container/list"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// DefaultWindow is the time in which requests are counted when limits name none.
const DefaultWindow = time.Minute

// maxWindows bounds how many callers are counted at once. Beyond it, the one that was
// first seen the longest ago starts anew.
const maxWindows = 10_000

func checkLimits(l Limits) error {
	var errs []error
	for _, f := range []struct {
		name  string
		value int
	}{{"per_user", l.PerUser}, {"per_instance", l.PerInstance}, {"per_unauthorized", l.PerUnauthorized}, {"window", int(l.Window)}} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("gateway limits: %s is negative", f.name))
		}
	}
	return errors.Join(errs...)
}

// limiter counts requests in fixed windows.
type limiter struct {
	clock clock.Clock

	mu      sync.Mutex
	limits  Limits
	windows map[subject]*list.Element
	oldest  *list.List // of *window, in the order in which they began
}

// kind says what is counted.
type kind string

const (
	byUser       kind = "user"
	byInstance   kind = "instance"
	unauthorized kind = "refused caller"
)

// subject is who is counted where. The id is hashed, as its length is the client's choice.
type subject struct {
	kind  kind
	route string
	id    [sha256.Size]byte
}

type window struct {
	subject subject
	began   time.Time
	count   int
}

func newLimiter(c clock.Clock, l Limits) *limiter {
	m := &limiter{clock: c}
	m.reset(l)
	return m
}

// reset puts limits in force and forgets all counts.
func (m *limiter) reset(l Limits) {
	if l.Window == 0 {
		l.Window = DefaultWindow
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limits = l
	m.windows, m.oldest = map[subject]*list.Element{}, list.New()
}

// restart forgets all counts.
func (m *limiter) restart() {
	m.mu.Lock()
	l := m.limits
	m.mu.Unlock()
	m.reset(l)
}

// admit counts a request, or says why it does not pass. One that does not pass counts for
// nobody.
func (m *limiter) admit(route string, r *http.Request) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.limits
	if l.PerUser == 0 && l.PerInstance == 0 && l.PerUnauthorized == 0 {
		return nil
	}
	now := m.clock.Now()
	user, instance := r.Header.Get(token.UserHeader), r.Header.Get(token.InstanceHeader)
	counted := make([]*window, 0, 2)
	for _, c := range []struct {
		kind  kind
		id    string
		limit int
		bound bool
	}{
		{byUser, user, l.PerUser, user != ""},
		{byInstance, instance, l.PerInstance, instance != "" && r.Header.Get(token.RealmHeader) == string(world.SelfManaged)},
		{unauthorized, caller(r), l.PerUnauthorized, true},
	} {
		if c.limit == 0 || !c.bound {
			continue
		}
		s := subject{c.kind, route, sha256.Sum256([]byte(c.id))}
		if c.kind == unauthorized { // counted when the origin has answered
			if w := m.current(s, now); w != nil && w.count >= c.limit {
				return m.refusal(w, fmt.Sprintf("was answered 401 by %s %d times", route, w.count), c.limit, now)
			}
			continue
		}
		w := m.window(s, now)
		if w.count >= c.limit {
			return m.refusal(w, fmt.Sprintf("%q sent %s %d requests", short(c.id), route, w.count), c.limit, now)
		}
		counted = append(counted, w)
	}
	for _, w := range counted {
		w.count++
	}
	return nil
}

// unauthorized counts an answer of 401.
func (m *limiter) unauthorized(route string, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limits.PerUnauthorized > 0 {
		m.window(subject{unauthorized, route, sha256.Sum256([]byte(caller(r)))}, m.clock.Now()).count++
	}
}

// caller is who is refused together: a client address, and the instance and user that it
// names.
func caller(r *http.Request) string {
	return clientIP(r) + "\n" + r.Header.Get(token.InstanceHeader) + "\n" + r.Header.Get(token.UserHeader)
}

// current returns the window of s that is under way, or nil. Call with the lock held.
func (m *limiter) current(s subject, now time.Time) *window {
	e, ok := m.windows[s]
	if !ok {
		return nil
	}
	w := e.Value.(*window)
	// The clock may have been set back to before the window.
	if past := now.Sub(w.began); past < 0 || past >= m.limits.Window {
		m.drop(e)
		return nil
	}
	return w
}

// window is current, begun if need be.
func (m *limiter) window(s subject, now time.Time) *window {
	if w := m.current(s, now); w != nil {
		return w
	}
	if len(m.windows) >= maxWindows {
		m.drop(m.oldest.Front())
	}
	w := &window{subject: s, began: now}
	m.windows[s] = m.oldest.PushBack(w)
	return w
}

func (m *limiter) drop(e *list.Element) {
	delete(m.windows, e.Value.(*window).subject)
	m.oldest.Remove(e)
}

func (m *limiter) refusal(w *window, what string, limit int, now time.Time) error {
	left := w.began.Add(m.limits.Window).Sub(now)
	seconds := max(1, int((left+time.Second-1)/time.Second))
	return &stub.Error{
		Status: http.StatusTooManyRequests, Message: "Too Many Requests",
		Header: http.Header{"Retry-After": {strconv.Itoa(seconds)}},
		Reason: RateLimited,
		Detail: fmt.Sprintf("%s %s within %s, and %d is the limit; free again in %s", w.subject.kind, what, m.limits.Window, limit, left),
	}
}

// short cuts what a client sent to a length fit for the journal.
func short(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
