package scenarios_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

// BenchmarkFlows runs all flows of the repository.
func BenchmarkFlows(b *testing.B) {
	all := flows(b)
	steps := 0
	for _, f := range all {
		steps += len(f.Steps)
	}
	once := func() bool {
		return scenarios.Console{Quiet: true}.Run(b.Context(), all, scenarios.Options{Start: start}).Failed()
	}
	require.False(b, once()) // makes the keys
	runs := 0
	for b.Loop() {
		require.False(b, once())
		runs++
	}
	b.ReportMetric(float64(runs*len(all))/b.Elapsed().Seconds(), "flows/s")
	b.ReportMetric(float64(runs*steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "procs")
}

// BenchmarkLoad reads and checks all flows.
func BenchmarkLoad(b *testing.B) {
	known := features(b)
	for b.Loop() {
		_, err := scenarios.Load(scenarios.Flows(), known)
		require.NoError(b, err)
	}
}
