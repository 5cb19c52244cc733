package scenarios_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
)

// FuzzParseFlow feeds anything to the reader of flows: it returns a flow that has all that
// it needs, or problems that point into the file.
func FuzzParseFlow(f *testing.F) {
	for _, dir := range []string{"flows", "testdata/invalid", "testdata/fails"} {
		files, err := filepath.Glob(dir + "/*.yaml")
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	known := features(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		flow, err := scenarios.ParseFlow("f.yaml", data, known, func(string) ([]byte, error) { return nil, fs.ErrNotExist })
		if err == nil {
			require.NotEmpty(t, flow.Steps)
			require.NotEmpty(t, flow.Features)
			for _, s := range flow.Steps {
				require.NotEmpty(t, s.Title())
			}
			return
		}
		var problems strictyaml.Problems
		require.True(t, errors.As(err, &problems), "%v", err)
		for _, p := range problems {
			require.GreaterOrEqual(t, p.Line, 0)
			require.NotEmpty(t, p.Message)
		}
	})
}
