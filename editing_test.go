package ccmock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEditingDocument runs docs/editing.md as TestREADME does the README.
func TestEditingDocument(t *testing.T) {
	text, err := os.ReadFile("docs/editing.md")
	require.NoError(t, err)
	binary := build(t)
	ran := 0
	for _, s := range sections(string(text)) {
		t.Run(s.title, func(t *testing.T) {
			shell := &session{dir: t.TempDir(), path: filepath.Dir(binary)}
			for _, b := range s.blocks {
				ran += shell.run(t, b)
			}
		})
	}
	require.Equal(t, 14, ran, "the document lost its commands, or this test no longer finds them")
}
