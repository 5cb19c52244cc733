package clock

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnOverdueJobDoesNotKeepAFrozenScheduleBusy(t *testing.T) {
	at := time.Date(2024, 2, 15, 12, 0, 0, 0, time.UTC)
	var s Schedule
	s.Add(at, Job{
		Next: func(t time.Time) time.Time { return t.Add(time.Second) },
		Run:  func(context.Context, time.Time) {},
	})
	clk := NewFrozen(at.Add(time.Hour))
	require.Equal(t, time.Minute, s.pause(clk))
	clk.Resume()
	require.Zero(t, s.pause(clk), "a running one is to run it at once")
}
