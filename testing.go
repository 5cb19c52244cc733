package ccmock

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// Tester is the part of testing.TB that StartT needs. Where its Fatalf returns, which that
// of a test does not, StartT returns nil.
type Tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(f func())
}

// StartT starts an ecosystem for a test. It takes Options or none. What goes wrong is
// fatal to the test, the stubs log to the test's log, and the ecosystem ends with the
// test.
func StartT(t Tester, options ...Options) *Ecosystem {
	t.Helper()
	var o Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		t.Fatalf("ccmock: StartT takes one Options, got %d", len(options))
		return nil
	}
	log := &testLog{t: t}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	e, err := Start(context.Background(), o)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Logf("ccmock: %v", err)
		}
		log.end()
	})
	return e
}

// testLog writes to a test's log until the test has ended.
type testLog struct {
	mu    sync.Mutex
	t     Tester
	ended bool
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.t.Logf("%s", bytes.TrimRight(p, "\n"))
	}
	return len(p), nil
}

func (l *testLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// TB is the part of *testing.T that RunFlows needs.
type TB[T any] interface {
	Run(name string, f func(T)) bool
	Parallel()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Context() context.Context
	Name() string
	Helper()
}

// RunFlows runs the flows in a folder, *.yaml, as subtests with a subtest for each step;
// nil means the flows that ccmock comes with. Each flow has an ecosystem of its own and
// runs beside the others. Of the options, Features, Backends, Seed and Log count: the rest
// is what a flow gives. Flows that cannot be read are fatal.
//
// The story of a flow that failed ends with the command line that runs it alone. If the
// environment variable CCMOCK_CAPSULES names a folder, the flow leaves a capsule there for
// "ccmock replay"; CCMOCK_SEED takes the place of the option.
//
//	func TestFlows(t *testing.T) {
//		ccmock.RunFlows(t, os.DirFS("testdata/flows"), ccmock.Options{Features: os.DirFS("features")})
//	}
func RunFlows[T TB[T]](t T, flows fs.FS, o Options) {
	t.Helper()
	features, err := o.load()
	if err != nil {
		t.Fatalf("ccmock: %v", err)
		return
	}
	if flows == nil {
		flows = scenarios.Flows()
	}
	found, err := scenarios.Load(flows, features)
	if err != nil {
		t.Fatalf("ccmock: %v", err)
		return
	}
	if len(found) == 0 {
		t.Fatalf("ccmock: the folder of flows holds no .yaml file")
		return
	}
	read := o.Features
	if read == nil {
		read = scenarios.Features()
	}
	var capsules *scenarios.Capsules
	if o.Seed, capsules, err = scenarios.UnderTest(os.Getenv, o.Seed, read); err != nil {
		t.Fatalf("ccmock: %v", err)
		return
	}
	scenarios.Run(scenarios.Testing(t), found, scenarios.Options{Start: o.startFlow, Capsules: capsules})
}

// startFlow starts the ecosystem of one flow.
func (o Options) startFlow(ctx context.Context, given world.World, features []feature.Feature) (scenarios.Target, func(), error) {
	keys, err := sharedKeys()
	if err != nil {
		return scenarios.Target{}, nil, err
	}
	backends := map[string]string{}
	for _, f := range features { // a flow may be about some features only
		if u, ok := o.Backends[f.Backend.Name]; ok {
			backends[f.Backend.Name] = u
		}
	}
	e, err := ecosystem.Start(ctx, ecosystem.Options{
		World: given, Features: features, Keys: keys, Seed: o.Seed, Log: o.Log,
		URLs: ecosystem.URLs{Backends: backends},
	})
	if err != nil {
		return scenarios.Target{}, nil, err
	}
	target := scenarios.Target{Name: scenarios.InProcess, Control: []string{e.ControlURL()}}
	return target, func() { _ = e.Close(context.Background()) }, nil
}
