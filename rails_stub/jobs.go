package railsstub

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// job is a Sidekiq worker.
type job struct {
	name    string
	retries int // how often it is tried again when it raises
	backoff func(attempt int) time.Duration
	work    func(i *Instance, ctx context.Context, w work) result
	// then follows a run that succeeded.
	then func(i *Instance, ctx context.Context, w work) result
}

// work is one run of a job.
type work struct {
	at        time.Time // when it fell due, by the ecosystem's clock
	requestID string
	attempt   int  // 0 for the first
	force     bool // token sync: even if the token lasts
	refresh   bool // seat link: sync the token next
	code      string
}

// result is how a run ended. A raised one is tried again.
type result struct {
	outcome  control.Outcome
	message  string
	reason   token.Reason
	raised   bool
	upstream string
	errors   []string // of an activation, as they came
}

func failed(reason token.Reason, format string, args ...any) result {
	return result{outcome: control.Failed, reason: reason, message: fmt.Sprintf(format, args...)}
}

func raised(format string, args ...any) result {
	r := failed(CustomersDotFailed, format, args...)
	r.raised = true
	return r
}

// perform runs a job once, journals it, and plans another try if it raised. What follows a
// success is performed too; the result is that of the job itself, with the messages of
// both.
func (i *Instance) perform(ctx context.Context, j *job, w work) result {
	if i.retired.Load() {
		return result{outcome: control.Skipped, message: "the instance is gone"}
	}
	i.working.Lock()
	r := j.work(i, ctx, w)
	i.working.Unlock()
	if r.raised && w.attempt < j.retries {
		again := w
		again.attempt++
		again.at = w.at.Add(j.backoff(w.attempt))
		i.once(j, again)
		r.message += fmt.Sprintf(" (try %d of %d is due at %s)", again.attempt, j.retries, again.at.UTC().Format(time.RFC3339))
	}
	entry := journal.Entry{
		Route: "job:" + j.name, RequestID: w.requestID, Upstream: r.upstream,
		Reason: string(r.reason), Detail: string(r.outcome) + ": " + r.message,
	}
	entry.Token = i.currentToken().token
	i.service.Record(entry)
	if j.then == nil || r.outcome != control.Succeeded {
		return r
	}
	if next := j.then(i, ctx, w); next.message != "" {
		r.message = strings.Join([]string{r.message, next.message}, "; ")
	}
	return r
}

// performDue performs a job that fell due by itself, if jobs are run.
func (i *Instance) performDue(ctx context.Context, j *job, w work) {
	i.mu.RLock()
	halted := i.halted
	i.mu.RUnlock()
	if !halted {
		i.perform(ctx, j, w)
	}
}

func (i *Instance) currentToken() accessToken {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.synced.current(i.service.Clock().Now())
}

// once plans one more run of a job.
func (i *Instance) once(j *job, w work) {
	i.stub.jobs.Add(w.at.Add(-1), clock.Job{
		Name: i.name + ": " + j.name + " again",
		Next: func(t time.Time) time.Time {
			if t.Before(w.at) && !i.retired.Load() {
				return w.at
			}
			return time.Time{}
		},
		Run: func(ctx context.Context, _ time.Time) { i.performDue(ctx, j, w) },
	})
}

// sidekiq is the time that Sidekiq lets pass before it tries a job again, without the
// random part.
func sidekiq(attempt int) time.Duration {
	return time.Duration(attempt*attempt*attempt*attempt+15) * time.Second
}

// plan puts the instance's cron jobs on the schedule. GitLab.com has them too, but
// neither does anything there.
func (i *Instance) plan(now time.Time) {
	if i.given.Realm != world.SelfManaged {
		return
	}
	i.cron(now, tokenSync, 5, func() bool { return i.installed().hourly })
	i.cron(now, seatLink, 3, func() bool { return false })
}

// cron plans a job for a minute that GitLab draws when it starts: of every hour, or of the
// given hour or the one after it, UTC. Here it is drawn from the instance's name.
func (i *Instance) cron(now time.Time, j *job, hour int, hourly func() bool) {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(i.name + " " + j.name))
	drawn := sum.Sum32()
	minute := time.Duration(drawn%60) * time.Minute
	ofDay := time.Duration(hour+int(drawn/60%2))*time.Hour + minute
	i.stub.jobs.Add(now, clock.Job{
		Name: i.name + ": " + j.name,
		Next: func(t time.Time) time.Time {
			if i.retired.Load() {
				return time.Time{}
			}
			skew := i.service.Skew().Get()
			if hourly() {
				return following(t.Add(skew), time.Hour, minute).Add(-skew)
			}
			return following(t.Add(skew), 24*time.Hour, ofDay).Add(-skew)
		},
		Run: func(ctx context.Context, due time.Time) {
			i.performDue(ctx, j, work{at: due, requestID: i.stub.env.Random.Hex(16)})
		},
	})
}

// following is the first time after t that lies offset behind the start of a period.
func following(t time.Time, period, offset time.Duration) time.Time {
	next := t.UTC().Truncate(period).Add(offset)
	if !next.After(t) {
		next = next.Add(period)
	}
	return next
}

// onDemand is a run that nobody's cron asked for.
func (i *Instance) onDemand(ctx context.Context) work {
	return work{at: i.stub.env.Clock.Now(), requestID: i.stub.requestID(ctx)}
}

// answer is what the control plane is told of a run.
func (i *Instance) answer(r result) control.SyncResult {
	return control.SyncResult{Outcome: r.outcome, Message: r.message, Token: i.currentToken().token}
}
