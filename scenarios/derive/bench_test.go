package derive_test

import (
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// BenchmarkDerivedCases runs every case of the features that ccmock comes with. With
// -cpu 1,2 it shows what a second core adds.
func BenchmarkDerivedCases(b *testing.B) {
	features := shipped(b)
	cases, err := derive.Cases(features, derive.Options{})
	require.NoError(b, err)
	flows, err := derive.Flows(cases, features)
	require.NoError(b, err)
	once := func() bool {
		return scenarios.Console{Out: io.Discard, Quiet: true}.Run(b.Context(), flows, scenarios.Options{Start: pool.Start}).Failed()
	}
	require.False(b, once()) // makes the keys
	runs := 0
	for b.Loop() {
		require.False(b, once())
		runs++
	}
	b.ReportMetric(float64(runs*len(flows))/b.Elapsed().Seconds(), "cases/s")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "procs")
}

// BenchmarkDerivation derives those cases, and makes flows of them.
func BenchmarkDerivation(b *testing.B) {
	features := shipped(b)
	for b.Loop() {
		cases, err := derive.Cases(features, derive.Options{})
		require.NoError(b, err)
		_, err = derive.Flows(cases, features)
		require.NoError(b, err)
	}
}
