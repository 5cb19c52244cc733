package scenarios_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

// TestFailuresOfOneCauseReadAsOne runs a flow that fails, as one and as four.
func TestFailuresOfOneCauseReadAsOne(t *testing.T) {
	const text = `format: 1
scenario: somebody hopes for the feature without the add-on
features: [new_feature_scope]
given:
  now: 2024-02-16T00:00:00Z
  instances: {acme: {realm: self-managed, gitlab_version: 16.9.0, license: {}}}
  users: {ada: {instance: acme}}
steps:
  - sync: acme
  - use: new_feature_scope
    as: ada
    expect: {status: 200}
`
	flow, err := scenarios.ParseFlow("hope.yaml", []byte(text), features(t), nil)
	require.NoError(t, err)
	run := func(n int, verbose bool) string {
		var out bytes.Buffer
		all := make([]scenarios.Flow, n)
		for i := range all {
			all[i] = flow
		}
		scenarios.Console{Out: &out, Workers: 1, Verbose: verbose}.Run(t.Context(), all, scenarios.Options{
			Start: start, Stopwatch: standing, Again: func(f scenarios.Flow) string { return "ccmock test " + f.File },
		})
		return out.String()
	}
	const place = "new_feature_scope.yaml:13 (bundled_with)"
	one := run(1, false)
	require.Contains(t, one, "["+place+"]")
	require.NotContains(t, one, "what the failures go back to")

	four := run(4, false)
	require.Equal(t, 2, bytes.Count([]byte(four), []byte("> POST ")), "two are told in full")
	require.Equal(t, 2, bytes.Count([]byte(four), []byte("step 2, refused by foo: missing_scope, as above (hope.yaml:10)")))
	require.Equal(t, 4, bytes.Count([]byte(four), []byte("\nagain: ccmock test hope.yaml\n")), "each tells how to run it again")
	require.Contains(t, four, "\nwhat the failures go back to\n  4  refused by foo: missing_scope  "+place+"\n\n")
	require.Equal(t, 4, bytes.Count([]byte(run(4, true)), []byte("> POST ")), "verbose tells all in full")
}
