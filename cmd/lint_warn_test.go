package cmd_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLintWarns(t *testing.T) {
	lazy := strings.Replace(goodFlow, "    expect: {status: 200, body: {bright: true}}\n", "  - {use: shine, as: grace}\n", 1)
	other := strings.NewReplacer("shine", "glow", "bright", "dim").Replace(goodFeature)
	dir := write(t, map[string]string{"flow.yaml": lazy, "features/shine.yaml": goodFeature, "features/glow.yaml": other})

	r := ccmock(t, "lint", dir)
	require.Equal(t, 0, r.code, "a warning is no problem")
	require.Empty(t, r.err)
	golden(t, "lint_warnings", strings.ReplaceAll(r.out, dir, "DIR"))

	var report struct {
		Problems []any
		Warnings []struct {
			File, Message, Hint string
			Line                int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(ok(t, "lint", "--json", dir)), &report))
	require.Empty(t, report.Problems)
	require.Len(t, report.Warnings, 3)
	require.Equal(t, filepath.Join(dir, "features/glow.yaml"), report.Warnings[0].File)
	require.Equal(t, "no flow is about glow", report.Warnings[0].Message)

	r = ccmock(t, "lint", "--strict", dir)
	require.Equal(t, 2, r.code)
	require.NotContains(t, r.out, "warning")
	require.Contains(t, r.out, "no flow is about glow")
	require.Contains(t, r.out, "ccmock: 3 problems in 2 files")
}

func TestLintWarnsOfNothingThatItCannotKnow(t *testing.T) {
	broken := strings.Replace(goodFlow, "scenario:", "scenaro:", 1)
	other := strings.NewReplacer("shine", "glow", "bright", "dim").Replace(goodFeature)
	dir := write(t, map[string]string{"flow.yaml": broken, "features/shine.yaml": goodFeature, "features/glow.yaml": other})
	require.NotContains(t, ccmock(t, "lint", dir).out, "warning", "a flow that cannot be read may be about any feature")
	require.NotContains(t, ccmock(t, "lint", filepath.Join(dir, "features")).out, "warning", "the flows may be anywhere")
}

func TestLintOfACaptureThatNothingUses(t *testing.T) {
	idle := strings.Replace(goodFlow, "    expect: {status: 200", "    save: {name: kept, value: body.bright}\n    expect: {status: 200", 1)
	dir := write(t, map[string]string{"flow.yaml": idle, "shine.yaml": goodFeature})
	r := ccmock(t, "lint", dir)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.out, `"kept" is saved and never used`)
}
