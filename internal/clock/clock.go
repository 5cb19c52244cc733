// Package clock tells stub time.
//
// Issuers, verifiers, key caches, sync jobs, rate limits and the journal of one
// ecosystem share one clock, so that a scenario which moves time moves it for
// everybody at once. This is the only package that reads the system clock or waits
// for it.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// Real is the system clock.
type Real struct{}

// Now returns the system's time in UTC.
func (Real) Now() time.Time { return time.Now().UTC() }

// Stopwatch measures real durations, for reports. Stub time may stand still while
// work is done, so elapsed time is never taken from a Clock.
func Stopwatch() (elapsed func() time.Duration) {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// Adjustable is a clock that a scenario can move. Frozen, it stands still until told;
// running, it goes on at the pace of the system clock from where it was put.
// It is safe for concurrent use.
type Adjustable struct {
	mu      sync.RWMutex
	at      time.Time // the stub time at the moment of the last change
	since   time.Time // the real time of that moment; zero while frozen
	changed chan struct{}
}

// NewFrozen returns a clock that stands at t until it is moved.
func NewFrozen(t time.Time) *Adjustable {
	return &Adjustable{at: t.UTC(), changed: make(chan struct{})}
}

// NewRunning returns a clock that starts at t and runs on.
func NewRunning(t time.Time) *Adjustable {
	return &Adjustable{at: t.UTC(), since: time.Now(), changed: make(chan struct{})}
}

// Now returns the stub time in UTC.
func (a *Adjustable) Now() time.Time {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.now()
}

func (a *Adjustable) now() time.Time {
	if a.since.IsZero() {
		return a.at
	}
	return a.at.Add(time.Since(a.since))
}

// Frozen reports whether the clock stands still.
func (a *Adjustable) Frozen() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.since.IsZero()
}

// Set puts the clock at t, forward or back. It stays frozen or running as it was.
func (a *Adjustable) Set(t time.Time) {
	a.change(func() { a.at = t.UTC() })
}

// Advance moves the clock by d and returns the new time. A negative d moves it back.
func (a *Adjustable) Advance(d time.Duration) time.Time {
	var now time.Time
	a.change(func() {
		a.at = a.now().Add(d)
		now = a.at
	})
	return now
}

// Freeze stops the clock where it stands.
func (a *Adjustable) Freeze() {
	a.change(func() {
		a.at = a.now()
		a.since = time.Time{}
	})
}

// Resume lets a frozen clock run on from where it stands.
func (a *Adjustable) Resume() {
	a.change(func() {
		a.at = a.now()
		a.since = time.Now()
	})
}

// Changed returns a channel that is closed at the next change of the clock.
func (a *Adjustable) Changed() <-chan struct{} {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.changed
}

func (a *Adjustable) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	if !a.since.IsZero() {
		a.since = time.Now()
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

// Skew is how far one service's clock is off, adjustable at run time.
// Its zero value is no skew.
type Skew struct {
	mu sync.RWMutex
	d  time.Duration
}

// Set makes the service's clock run d ahead of the ecosystem's (behind, if negative).
func (s *Skew) Set(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d = d
}

// Get returns the present skew.
func (s *Skew) Get() time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.d
}

// Skewed returns c as a service sees it whose clock is off by s.
func Skewed(c Clock, s *Skew) Clock { return skewed{c, s} }

type skewed struct {
	clock Clock
	skew  *Skew
}

func (s skewed) Now() time.Time { return s.clock.Now().Add(s.skew.Get()) }

// Wait waits for d of real time, or until ctx ends, whose error it then returns.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Spend lets d of c's time go by: a clock that stands still is moved on, and any other is
// waited for, until ctx ends, whose error it then returns.
func Spend(ctx context.Context, c Clock, d time.Duration) error {
	if a, ok := c.(*Adjustable); ok && a.Frozen() {
		a.Advance(d)
		return ctx.Err()
	}
	return Wait(ctx, d)
}
