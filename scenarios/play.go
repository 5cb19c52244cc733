package scenarios

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
)

// player plays one flow.
type player struct {
	*connection
	flow    *Flow
	result  *Result
	options Options
	redact  redactor
	resolve resolver
	now     time.Time       // stub time when the present step began
	saved   map[string]any  // a token as its raw text
	healed  []fault.State   // faults as they were when they were taken out of force
	journal []journal.Entry // of the steps so far
	seen    *control.Sight  // by the end of the step before
}

func play(t T, f *Flow, r *Result, c *connection, o Options) {
	p := &player{connection: c, flow: f, result: r, options: o, redact: newRedactor(f), saved: map[string]any{}}
	p.resolve = facts{
		flow: f,
		now:  func() time.Time { return p.now },
		saved: func(name string) (any, []string, bool) {
			v, ok := p.saved[name]
			return v, slices.Sorted(maps.Keys(p.saved)), ok
		},
		url: p.base,
	}.resolve
	if c.client != nil {
		r.Seed = c.client.Seed()
	}
	if test, ok := t.(interface{ again(seed uint64) string }); ok && r.Again == "" {
		r.Again = test.again(r.Seed)
	}
	r.Stage = newStage(f, c.client)
	elapsed := o.Stopwatch()
	for n := range f.Steps {
		step := r.Steps[n]
		t.Run(fmt.Sprintf("%d %s", step.Number, step.Title), func(t T) { p.step(t, n) })
		if step.Status == Failed {
			break
		}
	}
	r.Elapsed = elapsed()
	p.conclude(t)
	r.Stage.called(c.client)
	done(r, o)
}

// conclude looks at what only the end of a flow can tell.
func (p *player) conclude(t T) {
	r := p.result
	if r.Status == Failed {
		return // the failing step has told its story
	}
	if err := p.unusedFaults(t.Context()); err != nil {
		r.Problems = append(r.Problems, Problem{File: r.File, Line: 1, Message: err.Error()})
	}
	switch skipped := count(r.Steps, Skipped); {
	case len(r.Problems) > 0:
		p.failed(t)
	case skipped == len(r.Steps):
		r.Status = Skipped
		t.Skipf("all steps were skipped; the first because %s", r.Steps[0].Skipped)
	default:
		r.Status = Passed
	}
}

func count(steps []*StepResult, status Status) int {
	n := 0
	for _, s := range steps {
		if s.Status == status {
			n++
		}
	}
	return n
}

// base is the base URL of a service of the target.
func (p *player) base(service string) (string, error) {
	u, ok := p.url(service)
	if !ok {
		return "", fmt.Errorf("the target serves no %s", service)
	}
	return u, nil
}

// step plays one step.
func (p *player) step(t T, n int) {
	ctx, s, r := t.Context(), &p.flow.Steps[n], p.result.Steps[n]
	if r.Skipped = p.cannot(n); r.Skipped != "" {
		r.Status = Skipped
		t.Skipf("%s", r.Skipped)
		return
	}
	r.RequestID = fmt.Sprintf("%s-%d", p.flow.Name(), r.Number)
	mark, err := p.begin(ctx, r)
	if err != nil {
		p.fail(t, r, fmt.Sprintf("steps[%d]", n), err)
		return
	}
	elapsed := p.options.Stopwatch()
	out := p.do(ctx, s, r)
	p.measure(ctx, s, out)
	r.Elapsed = elapsed()
	p.judge(ctx, n, out, mark)
	if len(r.Problems) > 0 {
		r.Status = Failed
		p.failed(t)
		return
	}
	r.Status = Passed
	p.keep(s, out)
}

// begin notes the stub time, and returns the place in the journal where the step begins:
// where the one before ended, if there was one.
func (p *player) begin(ctx context.Context, r *StepResult) (control.Mark, error) {
	if p.client == nil {
		p.now = clock.Real{}.Now()
		r.At = p.now
		return nil, nil
	}
	if p.seen == nil {
		seen, err := p.client.LookUp(ctx)
		if err != nil {
			return nil, err
		}
		p.seen = &seen
	}
	mark := p.seen.End
	p.now, p.seen = p.seen.Now, nil
	r.At = p.now
	return mark, nil
}

func (p *player) fail(t T, r *StepResult, path string, err error) {
	r.Status = Failed
	r.Problems = append(r.Problems, p.problem(path, "%v", err))
	p.failed(t)
}

// failed says that the flow failed, and leaves its capsule.
func (p *player) failed(t T) {
	p.result.Status = Failed
	p.options.Capsules.leave(p.flow, p.result)
	t.Errorf("%s", Story(p.result, p.options.Color))
}

func (p *player) problem(path, format string, args ...any) Problem {
	return Problem{
		File: p.flow.File, Line: p.flow.doc.Line(path), Path: path,
		Message: p.redact.text(fmt.Sprintf(format, args...)),
	}
}

// journalPatience is how long a step waits for entries that it expects: a service writes
// its own when the answer is out already.
const journalPatience = 250 * time.Millisecond

// judge compares what came out with what is expected. As long as that fails and hangs on
// the journal, it looks again at one that may not be complete yet.
func (p *player) judge(ctx context.Context, n int, out *outcome, mark control.Mark) {
	r := p.result.Steps[n]
	for wait := time.Millisecond; ; wait *= 2 {
		if p.client != nil {
			seen, err := p.client.Look(ctx, mark, "")
			if err != nil {
				r.Problems = append(r.Problems, p.problem(fmt.Sprintf("steps[%d]", n), "the journal cannot be read: %v", err))
				return
			}
			p.seen = &seen
			r.Journal, r.Hops = seen.Entries, explain.Hops(seen.Entries, r.RequestID)
		}
		r.Problems, r.Notes = p.check(n, out, r)
		good := len(r.Problems) == 0 || !out.sent || !p.flow.Steps[n].Expect.ofJournal()
		if p.client == nil || good && p.settled(out, r) || wait > journalPatience/2 {
			break
		}
		if clock.Wait(ctx, wait) != nil {
			break
		}
	}
	p.journal = append(p.journal, r.Journal...)
	p.describe(ctx, n, out, r)
}

// settled reports whether the journal is complete as far as can be told: whom the step
// asked is in it, and so is whoever was asked in turn and answered.
func (p *player) settled(out *outcome, r *StepResult) bool {
	has := func(service, requestID string) bool {
		return slices.ContainsFunc(r.Journal, func(e journal.Entry) bool {
			return e.Service == service && e.RequestID == requestID
		})
	}
	if _, known := p.client.Service(out.to); known && out.sent && !has(out.to, r.RequestID) {
		return false
	}
	for _, e := range r.Journal {
		if e.Upstream == "" || e.Reason != "" || e.Fault != "" {
			continue
		}
		if next, known := p.serves(e.Upstream); known && !has(next, e.RequestID) {
			return false
		}
	}
	return true
}

// serves is the service that a URL is one of.
func (p *player) serves(u string) (name string, ok bool) {
	for _, s := range p.client.Services() {
		if base := strings.TrimSuffix(s.URL, "/"); u == base || strings.HasPrefix(u, base+"/") {
			return s.Name, true
		}
	}
	return "", false
}

// keep saves what the step is to save; check has seen that it is there.
func (p *player) keep(s *Step, out *outcome) {
	if s.Save == nil {
		return
	}
	if s.Save.Value == "" {
		p.saved[s.Save.Name] = out.raw
		return
	}
	if v, err := out.value(s.Save.Value); err == nil {
		p.saved[s.Save.Name] = v
	}
}
