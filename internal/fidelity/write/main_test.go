package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestRun(t *testing.T) {
	facts, err := fidelity.Facts()
	require.NoError(t, err)
	var events strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&events, `{"Action":"attr","Package":"p","Test":"TestA","Key":"fact","Value":%q}`+"\n", f.ID)
	}
	events.WriteString(`{"Action":"pass","Package":"p","Test":"TestA"}` + "\n")
	target, tests := filepath.Join(t.TempDir(), "fidelity.md"), filepath.Join(t.TempDir(), "tests.json")
	require.NoError(t, os.WriteFile(tests, []byte(events.String()), 0o600))

	require.ErrorIs(t, run(target, []string{tests}, true), os.ErrNotExist, "to check is not to write")
	require.NoError(t, run(target, []string{tests}, false))
	require.NoError(t, run(target, []string{tests}, true))
	require.NoError(t, os.WriteFile(target, []byte("edited by hand"), 0o600))
	require.ErrorContains(t, run(target, []string{tests}, true), "is out of date")

	require.NoError(t, os.WriteFile(tests, nil, 0o600))
	require.ErrorContains(t, run(target, []string{tests}, false), "no test proves")
	require.EqualError(t, run(target, nil, false), "expected files with the output of go test -json, got none")
}
