package scenarios

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

// T is who a run reports to: a test, through Testing, or a Console.
type T interface {
	// Run runs f as a part of its own and reports whether nothing failed in it. Where f
	// calls Parallel, Run returns before f has ended.
	Run(name string, f func(T)) bool
	// Parallel lets the part run beside others.
	Parallel()
	// Errorf says what went wrong. The part has failed and goes on.
	Errorf(format string, args ...any)
	// Skipf says why the part cannot be done, and may end it.
	Skipf(format string, args ...any)
	// Context ends when the part is to stop.
	Context() context.Context
}

// Options say what flows run against: an ecosystem for each, or a served one that
// they take in turns.
type Options struct {
	// Start gives one flow an ecosystem, new or as good as new. It is called for each, from
	// several goroutines, and what it returns last when the flow has ended.
	Start func(ctx context.Context, given world.World, features []feature.Feature) (Target, func(), error)
	// Target is a served ecosystem, used if Start is nil. It is put into the world of each
	// flow and, after the last one, back into its own.
	Target Target
	// Stopwatch measures how long things took; nil means real time.
	Stopwatch func() (elapsed func() time.Duration)
	// Again is the command line that runs one flow alone, which the story of a failure ends
	// with. Nil means that of the test, if it is a test that runs flows.
	Again func(Flow) string
	// Capsules are left of the flows that fail; nil means none.
	Capsules *Capsules
	// Color has the stories that T is told use a terminal's colours.
	Color bool
	// Done is called with the result of each flow as soon as it has ended, from several
	// goroutines. It may be nil.
	Done func(*Result)
}

// InProcess is the name of the target where each flow has an ecosystem of its own.
const InProcess = "in-process"

// Run runs flows: one part of t for each flow, and in it one for each step. Where t runs
// parts beside one another, the report is complete only when all of t's parts have ended.
func Run(t T, flows []Flow, o Options) *Report {
	if o.Stopwatch == nil {
		o.Stopwatch = clock.Stopwatch
	}
	report := &Report{Target: o.Target.Name, Flows: make([]*Result, len(flows))}
	if o.Start != nil {
		report.Target = InProcess
	}
	for n, capsule := range capsuleNames(flows) {
		report.Flows[n] = newResult(&flows[n])
		report.Flows[n].capsule = capsule
		if o.Again != nil {
			report.Flows[n].Again = o.Again(flows[n])
		}
	}
	if o.Start != nil {
		for n := range flows {
			t.Run(flows[n].Name(), func(t T) {
				t.Parallel()
				if t.Context().Err() == nil {
					runOwn(t, &flows[n], report.Flows[n], o)
				}
			})
		}
		return report
	}
	served, err := newServed(t.Context(), o.Target)
	for n := range flows {
		result := report.Flows[n]
		t.Run(flows[n].Name(), func(t T) {
			switch {
			case err != nil:
				notStarted(t, result, o, err)
			case t.Context().Err() == nil:
				served.run(t, &flows[n], result, o)
			}
		})
	}
	if err == nil {
		// Also after an interruption: the stack is somebody's.
		if err := served.putBack(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("%s could not be put back into the world that it was started with: %v", report.Target, err)
		}
	}
	return report
}

func newResult(f *Flow) *Result {
	r := &Result{File: f.File, Scenario: f.Scenario, Status: NotRun, Steps: make([]*StepResult, len(f.Steps))}
	secrets := newRedactor(f)
	for n, s := range f.Steps {
		r.Steps[n] = &StepResult{
			Number: n + 1, Title: secrets.text(s.Title()), Action: s.action(), Status: NotRun,
			File: f.File, Line: f.doc.Line(fmt.Sprintf("steps[%d]", n)),
		}
	}
	return r
}

// runOwn runs a flow in the ecosystem that Start gives it.
func runOwn(t T, f *Flow, r *Result, o Options) {
	target, stop, err := o.Start(t.Context(), f.World, f.Features)
	if err != nil {
		notStarted(t, r, o, err)
		return
	}
	defer stop()
	c, err := target.connect(t.Context())
	if err != nil {
		notStarted(t, r, o, err)
		return
	}
	defer c.close()
	play(t, f, r, c, o)
}

func notStarted(t T, r *Result, o Options, err error) {
	r.Status, r.NotStarted = Failed, true
	r.Problems = append(r.Problems, Problem{File: r.File, Line: 1, Message: fmt.Sprintf("there is no ecosystem to run in: %v", err)})
	t.Errorf("%s", Story(r, o.Color))
	done(r, o)
}

func done(r *Result, o Options) {
	if o.Done != nil {
		o.Done(r)
	}
}

// served is an ecosystem that flows take in turns.
type served struct {
	*connection
	frozen bool     // whether its clock stood still before
	synced []string // the instances that had a token before
	moved  bool     // whether a flow has changed anything
}

func newServed(ctx context.Context, target Target) (*served, error) {
	c, err := target.connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &served{connection: c}
	if c.client != nil {
		state, err := c.client.Clock(ctx)
		if err != nil {
			c.close()
			return nil, err
		}
		s.frozen = state.Frozen
		s.synced = syncedInstances(ctx, c.client)
	}
	return s, nil
}

// syncedInstances are the instances that hold a token of CustomersDot's.
func syncedInstances(ctx context.Context, client *control.Client) []string {
	var names []string
	for _, service := range client.Services() {
		if service.Kind != journal.Rails {
			continue
		}
		ask := control.InstanceRequest{Instance: service.Name}
		stored, err := control.Call[control.StoredResult](ctx, client, control.ActionStored, ask)
		if err == nil && len(stored.Tokens) > 0 {
			names = append(names, service.Name)
		}
	}
	return names
}

func (s *served) run(t T, f *Flow, r *Result, o Options) {
	if s.client == nil {
		r.Notes = append(r.Notes, "the target has no control plane: what is given is taken to be there, and nobody says why a call was refused")
	} else {
		s.moved = true
		given, err := f.onItsOwn()
		if err == nil {
			err = s.client.SetWorld(t.Context(), given)
		}
		if err != nil {
			notStarted(t, r, o, err)
			return
		}
	}
	play(t, f, r, s.connection, o)
}

// onItsOwn is the flow's world for an ecosystem that may have more features than the flow
// is about: its catalog holds the flow's alone, so that tokens have the scopes that they
// have in an ecosystem of the flow's own.
func (f *Flow) onItsOwn() (world.World, error) {
	w := f.World
	if w.Catalog != "" {
		return w, nil
	}
	services, files := make([]catalog.Service, len(f.Features)), make([]string, len(f.Features))
	for n, known := range f.Features {
		services[n], files[n] = known.CloudConnector, known.File
	}
	merged, err := catalog.Merge(&catalog.Catalog{}, services...)
	if err != nil {
		return w, err
	}
	w.Catalog, w.CatalogName = string(merged.YAML()), "catalog made of "+strings.Join(files, ", ")
	return w, nil
}

// putBack leaves the target as it was found.
func (s *served) putBack(ctx context.Context) error {
	defer s.close()
	if !s.moved {
		return nil
	}
	if err := s.client.Reset(ctx); err != nil {
		return err
	}
	for _, name := range s.synced {
		ask := control.SyncRequest{Instance: name, Force: true}
		if _, err := control.Call[control.SyncResult](ctx, s.client, control.ActionSync, ask); err != nil {
			return err
		}
	}
	return s.client.SetFrozen(ctx, s.frozen)
}
