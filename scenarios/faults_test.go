package scenarios_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

// throw runs a flow of three calls that a fault meets with some probability, and returns
// what became of it and the number of the step that failed, or 0.
func throw(t *testing.T, seed uint64, where string) (*scenarios.Result, int) {
	t.Helper()
	text := strings.ReplaceAll(flowHead, "steps:\n", "  instances:\n    gitlab: {realm: saas, gitlab_version: 16.9.2}\nsteps:\n") +
		"  - fault: {name: flaky, where: {service: foo" + where + "}, times: 1, probability: 0.5, do: {status: 503}}\n" +
		strings.Repeat("  - {use: new_feature_scope, as: grace}\n", 3)
	flow, err := scenarios.ParseFlow("flaky.yaml", []byte(text), features(t), nil)
	require.NoError(t, err)
	r := scenarios.Console{Quiet: true}.Run(t.Context(), []scenarios.Flow{flow}, scenarios.Options{Start: pooled(t, seed).Start}).Flows[0]
	for _, s := range r.Steps {
		if s.Status == scenarios.Failed {
			return r, s.Number
		}
	}
	return r, 0
}

// TestTheSeedDrawsTheLotsOfFaults also sees that a flow which was spared says so, and passes.
func TestTheSeedDrawsTheLotsOfFaults(t *testing.T) {
	t.Parallel()
	outcomes := map[int]bool{}
	for seed := range uint64(12) {
		first, failed := throw(t, seed, "")
		_, again := throw(t, seed, "")
		require.Equal(t, failed, again, "seed %d", seed)
		outcomes[failed] = true
		if failed > 0 {
			require.Contains(t, scenarios.Story(first, false), fmt.Sprintf(", seed %d\n", seed))
			continue
		}
		require.Equal(t, scenarios.Passed, first.Status)
		require.Equal(t, []string{fmt.Sprintf(`the fault "flaky" was never applied: it matched 3 requests, and no lot of seed %d fell on one`, seed)}, first.Notes)
	}
	require.Greater(t, len(outcomes), 2)

	r, _ := throw(t, 1, ", path: /elsewhere")
	require.Equal(t, scenarios.Failed, r.Status)
	require.Contains(t, scenarios.Story(r, false), `the fault "flaky" was never applied: it matched 0 requests`)
}
