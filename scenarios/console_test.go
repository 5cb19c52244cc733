package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

func TestConsoleTellsWhatFailedAndCountsTheRest(t *testing.T) {
	failing, err := scenarios.Load(os.DirFS("testdata/fails"), features(t))
	require.NoError(t, err)
	mixed := append(flows(t)[:2], failing[0])
	var out bytes.Buffer
	report := scenarios.Console{Out: &out, Workers: 1}.Run(t.Context(), mixed, scenarios.Options{Start: start, Stopwatch: standing})
	require.Equal(t, scenarios.Counts{Passed: 2, Failed: 1}, report.Counts())
	text := out.String()
	require.Contains(t, text, "ok   "+mixed[0].Scenario+" (")
	require.Contains(t, text, "FAIL "+failing[0].Scenario+"\n")
	require.Contains(t, text, "answer.yaml:11")
	require.Regexp(t, `2 flows passed, 1 failed \(\d+ steps, coverage [\d.]+ %\)\n$`, text)
	require.NotContains(t, text, "\x1b")

	out.Reset()
	scenarios.Console{Out: &out, Workers: 1, Color: true, Verbose: true}.Run(t.Context(), mixed, scenarios.Options{Start: start, Stopwatch: standing})
	require.Contains(t, out.String(), "\x1b[31mFAIL\x1b[0m")
	require.Contains(t, out.String(), "  \x1b[32mok  \x1b[0m  1  sync acme (0ms)", "verbose tells the steps of flows that passed")
}

func TestConsoleRunsNoMoreFlowsAtOnceThanItIsTold(t *testing.T) {
	var now, most atomic.Int64
	counting := func(ctx context.Context, given world.World, features []feature.Feature) (scenarios.Target, func(), error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		target, stop, err := start(ctx, given, features)
		return target, func() { now.Add(-1); stop() }, err
	}
	scenarios.Console{Quiet: true, Workers: 2}.Run(t.Context(), flows(t)[:8], scenarios.Options{Start: counting})
	require.LessOrEqual(t, most.Load(), int64(2))
	require.Zero(t, now.Load(), "every ecosystem is stopped")
}

func TestAnEcosystemThatDoesNotStartFailsItsFlowOnly(t *testing.T) {
	broken := func(ctx context.Context, given world.World, features []feature.Feature) (scenarios.Target, func(), error) {
		if _, ok := given.User("dora"); ok {
			return scenarios.Target{}, nil, errors.New("no port is free")
		}
		return start(ctx, given, features)
	}
	var out bytes.Buffer
	report := scenarios.Console{Out: &out}.Run(t.Context(), flows(t), scenarios.Options{Start: broken})
	require.Equal(t, 1, report.Counts().Failed)
	require.True(t, report.NotStarted())
	require.Contains(t, out.String(), "there is no ecosystem to run in: no port is free")
}

// TestReportsHoldNoSecret looks through everything that is reported of all flows.
func TestReportsHoldNoSecret(t *testing.T) {
	failing, err := scenarios.Load(os.DirFS("testdata/fails"), features(t))
	require.NoError(t, err)
	all := append(flows(t), failing...)
	report := scenarios.Console{Quiet: true}.Run(t.Context(), all, scenarios.Options{Start: start})
	var out bytes.Buffer
	require.NoError(t, report.WriteJSON(&out))
	text := out.String()
	require.NotRegexp(t, `eyJ[\w-]+\.[\w-]+\.[\w-]+`, text, "a token with its signature")
	require.NotRegexp(t, `eyJ[A-Za-z0-9+/]{40}`, text, "a licence key")
	for _, f := range all {
		for _, u := range f.World.Users {
			require.NotContains(t, text, u.Token+`"`)
		}
	}
	var read struct {
		Flows []struct {
			File, Scenario string
			Status         scenarios.Status
			Steps          []struct {
				Number int
				Line   int
				Hops   []struct{ Service string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	require.Len(t, read.Flows, len(all))
	require.Equal(t, all[0].File, read.Flows[0].File)
	hops := 0
	for _, f := range read.Flows {
		for _, s := range f.Steps {
			hops += len(s.Hops)
			require.Positive(t, s.Line)
		}
	}
	require.Positive(t, hops)
	require.NotRegexp(t, `"(flows|steps|headers|chain)": null`, text, "an empty list is []")
}
