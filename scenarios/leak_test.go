package scenarios_test

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/scenarios"
)

// TestAThousandFlowsLeaveNothingBehind runs flows in one process, and wants as few
// goroutines, open files and as little memory after the last as after the first hundred. It
// is not parallel, as other tests have goroutines and files of their own.
func TestAThousandFlowsLeaveNothingBehind(t *testing.T) {
	requireNoGrowth(t, pool, 100, 9)
}

// TestEcosystemsLeaveNothingBehind is the same of flows that each start an ecosystem and
// close it.
func TestEcosystemsLeaveNothingBehind(t *testing.T) {
	closed := inprocess.New(ecosystem.Options{Keys: keys, Seed: seed})
	closed.Close() // keeps none
	requireNoGrowth(t, closed, 10, 9)
}

// requireNoGrowth runs a number of flows once, and then more times.
func requireNoGrowth(t *testing.T, ecosystems *inprocess.Pool, number, more int) {
	t.Helper()
	var short []scenarios.Flow
	for _, f := range flows(t) {
		if f.Name() == "cut_off" {
			short = append(short, f)
		}
	}
	require.Len(t, short, 1)
	some := slices.Repeat(short, number)
	run := func() {
		report := scenarios.Console{Quiet: true}.Run(t.Context(), some, scenarios.Options{Start: ecosystems.Start})
		require.False(t, report.Failed())
	}
	run()
	first := held(t)
	for range more {
		run()
	}
	// What is closed ends a little later, and the waiting has goroutines of its own; a leak
	// would show with every flow.
	require.Eventually(t, func() bool {
		last := held(t)
		return last.goroutines < first.goroutines+50 && last.files < first.files+50 && last.heap < first.heap+4<<20
	}, 20*time.Second, 50*time.Millisecond, "after %d flows %+v, after %d more %+v", number, first, more*number, held(t))
}

// holdings are what a process holds.
type holdings struct {
	goroutines, files int
	heap              uint64 // bytes
}

func held(t *testing.T) holdings {
	t.Helper()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	h := holdings{goroutines: runtime.NumGoroutine(), heap: memory.HeapAlloc}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux has it
		h.files = len(open)
	}
	return h
}
