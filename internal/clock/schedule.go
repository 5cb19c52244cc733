package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Job is work that falls due at certain times of the stub clock.
type Job struct {
	Name string
	// Next returns the first time strictly after t at which the job is due. The zero time
	// means never: the job leaves the schedule, as a retry does once it was made.
	Next func(t time.Time) time.Time
	// Run does the work. It is called with the time at which it fell due.
	Run func(ctx context.Context, due time.Time)
}

// Schedule holds jobs and runs those that are due. A frozen clock is walked from one
// due time to the next (see Next); a running one is followed by Follow.
// It is safe for concurrent use; jobs run one after another.
type Schedule struct {
	mu   sync.Mutex
	jobs []*pending
	run  sync.Mutex // held while jobs run, so that two callers do not run one job twice
}

type pending struct {
	Job
	due time.Time
}

// Add puts a job on the schedule, first due at job.Next(now).
func (s *Schedule) Add(now time.Time, job Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if due := job.Next(now); !due.IsZero() {
		s.jobs = append(s.jobs, &pending{Job: job, due: due})
	}
}

// Reset plans every job anew from now, as a restart of the service would.
func (s *Schedule) Reset(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.jobs {
		p.due = p.Next(now)
	}
	s.dropFinished()
}

func (s *Schedule) dropFinished() {
	s.jobs = slices.DeleteFunc(s.jobs, func(p *pending) bool { return p.due.IsZero() })
}

// Clear removes all jobs.
func (s *Schedule) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = nil
}

// Next returns when the next job is due, and false when there is none.
func (s *Schedule) Next() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.earliest(); p != nil {
		return p.due, true
	}
	return time.Time{}, false
}

func (s *Schedule) earliest() *pending {
	var first *pending
	for _, p := range s.jobs {
		if first == nil || p.due.Before(first.due) {
			first = p
		}
	}
	return first
}

// RunDue runs every job that is due by now, in order of time. A job that was due
// several times runs as often, as cron entries of a service that was up would have.
func (s *Schedule) RunDue(ctx context.Context, now time.Time) {
	s.run.Lock()
	defer s.run.Unlock()
	for ctx.Err() == nil {
		s.mu.Lock()
		p := s.earliest()
		if p == nil || p.due.After(now) {
			s.mu.Unlock()
			return
		}
		due := p.due
		p.due = p.Next(due)
		s.dropFinished()
		s.mu.Unlock()
		p.Run(ctx, due)
	}
}

// Follow runs jobs as the clock reaches them, until ctx ends. While the clock is
// frozen it does nothing: whoever moves a frozen clock calls RunDue.
func (s *Schedule) Follow(ctx context.Context, clk *Adjustable) {
	for {
		changed := clk.Changed()
		timer := time.NewTimer(s.pause(clk))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
		if !clk.Frozen() {
			s.RunDue(ctx, clk.Now())
		}
	}
}

// pause is how long there is nothing to do. A frozen clock can leave a job overdue, which
// is nothing to do either.
func (s *Schedule) pause(clk *Adjustable) time.Duration {
	pause := time.Minute // jobs added meanwhile are noticed within this time
	if next, ok := s.Next(); ok && !clk.Frozen() {
		pause = min(pause, max(0, next.Sub(clk.Now())))
	}
	return pause
}
