package scenarios_test

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

// TestAThousandFlowsLeaveNothingBehind runs flows in one process, and wants as few
// goroutines, open files and as little memory after the last as after the first hundred. It
// is not parallel, as other tests have goroutines and files of their own.
func TestAThousandFlowsLeaveNothingBehind(t *testing.T) {
	var short []scenarios.Flow
	for _, f := range flows(t) {
		if f.Name() == "cut_off" {
			short = append(short, f)
		}
	}
	require.Len(t, short, 1)
	hundred := slices.Repeat(short, 100)
	run := func() {
		report := scenarios.Console{Quiet: true}.Run(t.Context(), hundred, scenarios.Options{Start: start})
		require.False(t, report.Failed())
	}
	run()
	first := held(t)
	for range 9 {
		run()
	}
	// What is closed ends a little later, and the waiting has goroutines of its own; a leak
	// would show nine hundred times.
	require.Eventually(t, func() bool {
		last := held(t)
		return last.goroutines < first.goroutines+50 && last.files < first.files+50 && last.heap < first.heap+4<<20
	}, 20*time.Second, 50*time.Millisecond, "after 100 flows %+v, after 1000 %+v", first, held(t))
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
