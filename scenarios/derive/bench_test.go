package derive_test

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// BenchmarkDerivedCases runs every case of the features that ccmock comes with, on one
// processor and on all.
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
	for _, procs := range slices.Compact([]int{1, runtime.NumCPU()}) {
		b.Run(fmt.Sprintf("procs=%d", procs), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			runs := 0
			for b.Loop() {
				require.False(b, once())
				runs++
			}
			b.ReportMetric(float64(runs*len(flows))/b.Elapsed().Seconds(), "cases/s")
		})
	}
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
