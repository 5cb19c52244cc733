//go:build unix

package probe_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/probe/probetest"
)

// TestMain makes this binary the service that TestAServiceIsStartedAndStopped starts.
func TestMain(m *testing.M) {
	if !probetest.Main() {
		m.Run()
	}
}

// gone reports whether the process ends soon.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	for range 100 {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		// Its new parent has yet to take note.
		if state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(state), ") Z ") {
			return true
		}
		require.NoError(t, clock.Wait(t.Context(), 20*time.Millisecond))
	}
	return false
}

// TestAServiceIsStartedAndStopped: with what it started itself, be it a child that does not
// listen to signals.
func TestAServiceIsStartedAndStopped(t *testing.T) {
	t.Parallel()
	address := probetest.FreeAddress(t)
	p := start(t, "http://"+address, only("^none$"))
	children := filepath.Join(t.TempDir(), "pids")
	s, err := p.Serve(t.Context(), []string{"sh", "-c", `
		echo hello
		(trap '' TERM; while :; do sleep 1; done) & echo $! > ` + children + `
		` + probetest.AddressVariable + `=` + address + ` exec ` + os.Args[0]})
	require.NoError(t, err)
	r := run(t, p)
	require.True(t, r.OK, r.Findings)
	require.Equal(t, "hello\nlistening on "+address, s.Output(2))
	require.Equal(t, "listening on "+address, s.Output(1))

	ctx, stop := s.While(t.Context())
	defer stop()
	_, err = p.Serve(t.Context(), []string{"true"})
	require.ErrorContains(t, err, "somebody else answers at http://"+address+"/new_feature_endpoint already, with status 401")

	s.Close()
	<-ctx.Done()
	require.ErrorContains(t, context.Cause(ctx), "sh stopped")
	text, err := os.ReadFile(children)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.True(t, gone(t, pid), "a child lives on")
}

func TestAServiceThatEndsEndsTheWait(t *testing.T) {
	t.Parallel()
	p := start(t, "http://127.0.0.1:1", nil)
	s, err := p.Serve(t.Context(), []string{"sh", "-c", "echo $GITLAB_URL; echo oh no >&2; exit 7"})
	require.NoError(t, err)
	ctx, stop := s.While(t.Context())
	defer stop()
	require.EqualError(t, p.Wait(ctx, time.Minute), "sh stopped by itself: exit status 7")
	gitlab, _ := issuers(p)
	require.Equal(t, gitlab+"\noh no", s.Output(40))
	s.Close()

	_, err = p.Serve(t.Context(), []string{"no-such-command"})
	require.ErrorContains(t, err, "start no-such-command: ")
}
