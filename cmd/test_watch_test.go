package cmd_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/cmd"
)

func TestWatchRunsAgainWhenAFileChanges(t *testing.T) {
	dir := write(t, map[string]string{"flows/shine.yaml": goodFlow, "features/shine.yaml": goodFeature})
	flow, features := filepath.Join(dir, "flows", "shine.yaml"), filepath.Join(dir, "features")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, errs := &buffer{}, &buffer{}
	code := make(chan int, 1)
	go func() {
		args := []string{"test", "--watch", flow, "--features", features}
		code <- cmd.Main(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: out, Err: errs})
	}()
	runs := 0
	expect := func(in *buffer, text string) {
		t.Helper()
		runs++
		require.Eventually(t, func() bool {
			return strings.Contains(in.String(), text) && strings.Count(errs.String(), "watching ") == runs
		}, 30*time.Second, 10*time.Millisecond, "%s\n%s", out, errs)
	}
	change := func(name, text string) {
		t.Helper()
		// By renaming, as editors do, so that no half of it is read.
		require.NoError(t, os.WriteFile(name+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(name+".new", name))
	}
	expect(out, "1 flow passed (1 step, coverage ")
	change(flow, strings.Replace(goodFlow, "bright: true", "bright: false", 1))
	expect(out, "0 flows passed, 1 failed")
	change(filepath.Join(features, "shine.yaml"), strings.Replace(goodFeature, "bright: true", "bright: fals", 1))
	expect(out, `fals`)
	change(flow, strings.Replace(goodFlow, "scenario:", "scenaro:", 1))
	expect(errs, `unknown key "scenaro" (did you mean "scenario"?)`)
	change(filepath.Join(features, "shine.yaml"), goodFeature)
	runs++ // the flow is still wrong
	require.Eventually(t, func() bool { return strings.Count(errs.String(), "watching ") == runs }, 30*time.Second, 10*time.Millisecond)
	change(flow, goodFlow)
	runs++
	require.Eventually(t, func() bool { return strings.Count(out.String(), "1 flow passed") == 2 }, 30*time.Second, 10*time.Millisecond)
	stop()
	require.Equal(t, 0, <-code, errs.String())
}

func TestWatchOfNothing(t *testing.T) {
	r := ccmock(t, "test", "--watch")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "--watch has nothing to watch")
}
