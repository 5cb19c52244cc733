package scenarios_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
)

// TestInvalidFlows reads flows with something wrong at every level and compares what is
// said about them.
func TestInvalidFlows(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	known := features(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = scenarios.ParseFlow(filepath.Base(file), data, known, nil)
			var problems strictyaml.Problems
			require.ErrorAs(t, err, &problems)
			lines := strings.Count(string(data), "\n") + 1
			for _, p := range problems {
				require.Equal(t, filepath.Base(file), p.File, "%v", p)
				require.LessOrEqual(t, p.Line, lines)
				require.NotEmpty(t, p.Message)
			}
			golden(t, "invalid/"+name, err.Error()+"\n")
		})
	}
}

func TestLoadReportsTheProblemsOfAllFiles(t *testing.T) {
	_, err := scenarios.Load(os.DirFS("testdata/invalid"), features(t))
	var problems strictyaml.Problems
	require.ErrorAs(t, err, &problems)
	files := map[string]bool{}
	for _, p := range problems {
		files[p.File] = true
	}
	require.True(t, files["empty.yaml"] && files["top.yaml"] && files["expect.yaml"])

	_, err = scenarios.LoadFiles([]string{"testdata/invalid/top.yaml", "testdata/fails"}, features(t))
	require.ErrorAs(t, err, &problems)
	require.Contains(t, err.Error(), "testdata/invalid/top.yaml:1:1")
	_, err = scenarios.LoadFiles([]string{"testdata/nowhere"}, features(t))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.False(t, errors.As(err, &problems))
}
