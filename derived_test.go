package ccmock_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDerivedDocument runs docs/derived.md as TestREADME does the README, and counts the
// cases that one file is worth.
func TestDerivedDocument(t *testing.T) {
	text, err := os.ReadFile("docs/derived.md")
	require.NoError(t, err)
	binary := build(t)
	shell := &session{dir: t.TempDir(), path: filepath.Dir(binary)}
	ran := 0
	for _, s := range sections(string(text)) {
		for _, b := range s.blocks {
			ran += shell.run(t, b)
		}
	}
	require.Equal(t, 6, ran, "the document lost its commands, or this test no longer finds them")

	test := exec.CommandContext(context.Background(), binary, "test", "--features", "features")
	test.Dir = shell.dir
	out, err := test.Output()
	require.NoError(t, err, "%s", out)
	passed := regexp.MustCompile(`(?m)^(\d+) flows passed \(`).FindSubmatch(out)
	require.NotNil(t, passed, "%s", out)
	n, err := strconv.Atoi(string(passed[1]))
	require.NoError(t, err)
	require.Greater(t, n, 100)
}
