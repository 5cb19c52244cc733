package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/cmd"
)

func ccmock(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cmd.Main(t.Context(), args, cmd.Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// TestADerivedCaseIsListedShownAndRunByHand goes the way of whoever keeps a case.
func TestADerivedCaseIsListedShownAndRunByHand(t *testing.T) {
	t.Parallel()
	const id = "new_feature_scope/token/other-issuers-key"
	code, out, errs := ccmock(t, "test", "--list")
	require.Zero(t, code, errs)
	require.Contains(t, out, "derived/"+id+".yaml\n")
	require.Contains(t, out, "cut_off.yaml\n", "flows of files are listed as well")

	code, text, errs := ccmock(t, "test", "--show", id)
	require.Zero(t, code, errs)
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	code, out, errs = ccmock(t, "test", file, "--data", "")
	require.Zero(t, code, out+errs)

	code, out, errs = ccmock(t, "test", "--derived", "--data", "", "--run", "^derived/"+id+".yaml$")
	require.Zero(t, code, out+errs)
	require.Contains(t, out, "1 flow passed")

	code, _, errs = ccmock(t, "test", "--show", "new_feature_scope/token/other-issuer-key")
	require.Equal(t, 2, code)
	require.Contains(t, errs, id)
}
