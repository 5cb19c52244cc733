package cmd_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSchemaPrintsThePublishedOnes(t *testing.T) {
	for _, form := range []string{"feature", "flow", "target"} {
		text, err := os.ReadFile("../scenarios/schemas/" + form + ".schema.json")
		require.NoError(t, err)
		require.Equal(t, string(text), ok(t, "schema", form))
	}
	r := ccmock(t, "schema", "flwo")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, `unknown form of files "flwo" (did you mean "flow"?), expected one of feature, flow, target`)
	r = ccmock(t, "schema")
	require.Equal(t, 2, r.code)
	require.Equal(t, "ccmock: the form of files is missing, expected one of feature, flow, target\n", r.err)
}
