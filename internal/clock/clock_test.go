package clock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
)

var noon = time.Date(2024, 2, 15, 12, 0, 0, 0, time.UTC)

func TestFrozenStandsStill(t *testing.T) {
	c := clock.NewFrozen(noon)
	require.True(t, c.Frozen())
	require.Equal(t, noon, c.Now())
	require.Equal(t, noon, c.Now())

	require.Equal(t, noon.Add(2*time.Hour), c.Advance(2*time.Hour))
	require.Equal(t, noon.Add(2*time.Hour), c.Now())

	c.Set(noon)
	require.Equal(t, noon, c.Now())
}

func TestResumeRunsOnFromWhereItStood(t *testing.T) {
	c := clock.NewFrozen(noon)
	c.Resume()
	require.False(t, c.Frozen())
	require.False(t, c.Now().Before(noon))

	c.Freeze()
	stood := c.Now()
	require.Equal(t, stood, c.Now())
	require.WithinDuration(t, noon, stood, time.Minute)
}

func TestSetKeepsARunningClockRunning(t *testing.T) {
	c := clock.NewRunning(noon)
	later := noon.Add(48 * time.Hour)
	c.Set(later)
	require.False(t, c.Frozen())
	require.WithinDuration(t, later, c.Now(), time.Minute)
}

func TestChangedIsClosedByEachChange(t *testing.T) {
	c := clock.NewFrozen(noon)
	for n, change := range []func(){
		func() { c.Set(noon) },
		func() { c.Advance(time.Second) },
		c.Freeze,
		c.Resume,
	} {
		changed := c.Changed()
		change()
		select {
		case <-changed:
		default:
			t.Errorf("change %d was not told", n)
		}
	}
}

func TestSkewShiftsOneServiceOnly(t *testing.T) {
	c := clock.NewFrozen(noon)
	var skew clock.Skew
	service := clock.Skewed(c, &skew)
	require.Equal(t, noon, service.Now())

	skew.Set(-90 * time.Second)
	require.Equal(t, noon.Add(-90*time.Second), service.Now())
	require.Equal(t, noon, c.Now())
}

func every(d time.Duration) func(time.Time) time.Time {
	return func(t time.Time) time.Time { return t.Add(d) }
}

func TestScheduleRunsDueJobsInOrderOfTime(t *testing.T) {
	var s clock.Schedule
	var ran []string
	note := func(name string) func(context.Context, time.Time) {
		return func(_ context.Context, due time.Time) { ran = append(ran, name+due.Format("@15")) }
	}
	s.Add(noon, clock.Job{Name: "slow", Next: every(3 * time.Hour), Run: note("slow")})
	s.Add(noon, clock.Job{Name: "quick", Next: every(2 * time.Hour), Run: note("quick")})

	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, noon.Add(2*time.Hour), next)

	s.RunDue(t.Context(), noon.Add(time.Hour))
	require.Empty(t, ran)

	s.RunDue(t.Context(), noon.Add(5*time.Hour))
	require.Equal(t, []string{"quick@14", "slow@15", "quick@16"}, ran)

	s.RunDue(t.Context(), noon.Add(5*time.Hour))
	require.Len(t, ran, 3, "what ran is not due again")
}

func TestScheduleResetPlansAnew(t *testing.T) {
	var s clock.Schedule
	s.Add(noon, clock.Job{Next: every(time.Hour), Run: func(context.Context, time.Time) {}})
	s.Reset(noon.Add(30 * time.Minute))
	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, noon.Add(90*time.Minute), next)

	s.Clear()
	_, ok = s.Next()
	require.False(t, ok)
}

func TestAJobWithoutANextTimeLeavesTheSchedule(t *testing.T) {
	var s clock.Schedule
	at := noon.Add(time.Hour)
	ran := 0
	once := clock.Job{
		Next: func(t time.Time) time.Time {
			if t.Before(at) {
				return at
			}
			return time.Time{}
		},
		Run: func(context.Context, time.Time) { ran++ },
	}
	s.Add(noon, once)
	s.Add(at, once)
	s.RunDue(t.Context(), noon.Add(3*time.Hour))
	require.Equal(t, 1, ran)
	_, ok := s.Next()
	require.False(t, ok)

	s.Add(noon, once)
	s.Reset(at)
	_, ok = s.Next()
	require.False(t, ok, "planned anew after its time, it has none left")
}

func TestFollowRunsWhatARunningClockReaches(t *testing.T) {
	var s clock.Schedule
	c := clock.NewRunning(noon)
	ran := make(chan time.Time, 1)
	s.Add(noon, clock.Job{
		Next: every(time.Hour),
		Run:  func(_ context.Context, due time.Time) { ran <- due },
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Follow(ctx, c); close(done) }()

	c.Advance(time.Hour)
	require.Equal(t, noon.Add(time.Hour), <-ran)

	stop()
	<-done
}

func TestSpend(t *testing.T) {
	c := clock.NewFrozen(noon)
	require.NoError(t, clock.Spend(t.Context(), c, time.Hour))
	require.Equal(t, noon.Add(time.Hour), c.Now(), "a clock that stands still is moved on")

	running := clock.NewRunning(noon)
	require.NoError(t, clock.Spend(t.Context(), running, time.Millisecond))
	require.GreaterOrEqual(t, running.Now().Sub(noon), time.Millisecond)
	require.Less(t, running.Now().Sub(noon), time.Hour, "one that runs is waited for")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, clock.Spend(ctx, running, time.Hour), context.Canceled)
}
