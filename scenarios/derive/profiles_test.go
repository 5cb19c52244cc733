package derive_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

const profilesHead = `# The two verifier profiles

A feature's backend names its profile. ` + "`strict`" + `, the default, is what the documentation asks of a backend. ` + "`ai-gateway`" + ` takes and refuses what the real AI gateway's library does, its gaps included.

This page is written by a test that sends the same calls to a backend of either profile, ` + "`go test ./scenarios/derive -run Profiles -update`" + `. Of %d calls the two agree on %d. These are the others; a call that gets in although it ought not to is in bold.

| call | strict | ai-gateway |
| --- | --- | --- |
`

// TestProfilesPage plays every token case under both profiles, and keeps docs/profiles.md
// true: it lists the calls that are not answered alike.
func TestProfilesPage(t *testing.T) {
	t.Parallel()
	strict, order := answers(t, feature.Strict)
	gateway, _ := answers(t, feature.AIGateway)
	var rows strings.Builder
	calls, same := 0, 0
	for _, name := range order {
		if gateway[name] == "" { // a case for one profile alone
			continue
		}
		calls++
		if strict[name] == gateway[name] {
			same++
			continue
		}
		row := gateway[name]
		if strings.HasPrefix(row, "200") {
			row = "**" + row + "**"
		}
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", name, strict[name], row)
	}
	require.Greater(t, same, 50)
	goldentest.Text(t, "../../../docs/profiles.md", fmt.Sprintf(profilesHead, calls, same)+rows.String())
}

// answers plays the token cases of new_feature_scope under a profile, and says what became
// of each call: the status and, of a refusal, the reason.
func answers(t *testing.T, p feature.Profile) (by map[string]string, order []string) {
	t.Helper()
	var features []feature.Feature
	for _, f := range shipped(t) {
		if f.Name == "new_feature_scope" {
			f.Backend.Profile = p
			features = append(features, f)
		}
	}
	all, err := derive.Cases(features, derive.Options{})
	require.NoError(t, err)
	var cases []derive.Case
	for _, c := range all {
		if c.Kind == derive.Token {
			cases = append(cases, c)
		}
	}
	flows, err := derive.Flows(cases, features)
	require.NoError(t, err)
	report := scenarios.Console{Out: io.Discard, Quiet: true}.Run(t.Context(), flows, scenarios.Options{Start: pool.Start})
	by = map[string]string{}
	for n, r := range report.Flows {
		require.Equal(t, scenarios.Passed, r.Status, cases[n].ID())
		last := r.Steps[len(r.Steps)-1]
		require.NotNil(t, last.Response, cases[n].ID())
		answer := fmt.Sprint(last.Response.Status)
		for _, hop := range last.Hops {
			if hop.Reason != "" {
				answer += " " + string(hop.Reason)
				break
			}
		}
		by[cases[n].Name] = answer
		order = append(order, cases[n].Name)
	}
	return by, order
}
