// Package goldentest compares what a test got with a file below its folder testdata. Only tests import it.
package goldentest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false,
	"rewrite the golden files of this package; read the diff before you commit it, as it is what users will see")

// Text compares got with testdata/<name>, or rewrites that with -update. The name has slashes and the file's ending.
func Text(t testing.TB, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run the test with -update and read the diff")
	require.Equal(t, string(want), got, "%s differs; -update rewrites it", file)
}

// JSON compares a JSON body, its members in the order that they came in, with testdata/<name>, which is indented.
func JSON(t testing.TB, name, got string) {
	t.Helper()
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, []byte(got), "", "  "), got)
	pretty.WriteByte('\n')
	Text(t, name, pretty.String())
}
