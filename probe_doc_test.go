package ccmock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/probe/probetest"
)

// TestProbeDocument runs docs/probe.md as TestREADME does the README, with the service on
// another port.
func TestProbeDocument(t *testing.T) {
	text, err := os.ReadFile("docs/probe.md")
	require.NoError(t, err)
	binary := build(t)
	_, port, _ := strings.Cut(probetest.FreeAddress(t), ":")
	t.Setenv("HOME", t.TempDir()) // for the keys
	t.Setenv("XDG_CACHE_HOME", "")
	ran := 0
	for _, s := range sections(string(text)) {
		shell := &session{
			dir: t.TempDir(), path: filepath.Dir(binary),
			moved: strings.NewReplacer("5100", port), back: strings.NewReplacer(port, "5100"),
		}
		for _, b := range s.blocks {
			ran += shell.run(t, b)
		}
	}
	require.Equal(t, 3, ran, "the document lost its commands, or this test no longer finds them")
}
