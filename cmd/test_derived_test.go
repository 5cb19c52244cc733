package cmd_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestADerivedCaseIsListedShownAndRunByHand goes the way of whoever keeps a case.
func TestADerivedCaseIsListedShownAndRunByHand(t *testing.T) {
	t.Parallel()
	const id = "new_feature_scope/token/other-issuers-key"
	listed := ok(t, "test", "--list")
	require.Contains(t, listed, "derived/"+id+".yaml\n")
	require.Contains(t, listed, "cut_off.yaml\n", "flows of files are listed as well")

	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(ok(t, "test", "--show", id)), 0o600))
	require.Contains(t, ok(t, "test", file), "1 flow passed")
	require.Contains(t, ok(t, "test", "--derived", "--run", "^derived/"+id+".yaml$"), "1 flow passed")

	r := ccmock(t, "test", "--show", "new_feature_scope/token/other-issuer-key")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, id)
}
