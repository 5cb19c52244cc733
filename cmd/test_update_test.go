package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTestUpdatesExpectedBodies(t *testing.T) {
	const comment = "# the lamp\n"
	dir := write(t, map[string]string{
		"features/shine.yaml": goodFeature,
		"flows/dark.yaml":     comment + strings.Replace(goodFlow, "bright: true", "bright: false", 1),
		"flows/good.yaml":     goodFlow,
		"flows/teapot.yaml":   strings.Replace(goodFlow, "status: 200, body: {bright: true}", "status: 418, body: {bright: false}", 1),
	})
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, "flows", name))
		require.NoError(t, err)
		return string(text)
	}
	teapot := read("teapot.yaml")
	args := []string{"test", "--features", filepath.Join(dir, "features"), "--update", filepath.Join(dir, "flows")}
	r := ccmock(t, args...)
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "updated "+filepath.Join(dir, "flows/dark.yaml")+":11: steps[0].expect.body.bright: false, now true\n")
	require.Contains(t, r.out, "left as it is: "+filepath.Join(dir, "flows/teapot.yaml")+": step 1 fails for another reason: expected status 418, got 200 OK\n")
	require.Contains(t, r.out, "2 flows passed, 1 failed")
	require.Equal(t, comment+goodFlow, read("dark.yaml"))
	require.Equal(t, goodFlow, read("good.yaml"))
	require.Equal(t, teapot, read("teapot.yaml"))

	require.NoError(t, os.Remove(filepath.Join(dir, "flows/teapot.yaml")))
	out := ok(t, args...)
	require.NotContains(t, out, "updated")
	require.Contains(t, out, "2 flows passed (2 steps")
}

func TestUpdateGoesOnlyWithFilesOfFlows(t *testing.T) {
	dir := flows(t)
	for want, args := range map[string][]string{
		"nothing to rewrite":     nil,
		"does not go with --wat": {"--watch", dir},
		"does not go with --jso": {"--json", dir},
		"does not go with --sho": {"--show", "x", dir},
		"--derived":              {"--derived", dir},
	} {
		r := ccmock(t, append([]string{"test", "--update"}, args...)...)
		require.Equal(t, 2, r.code, r.out)
		require.Contains(t, r.err, want)
	}
}
