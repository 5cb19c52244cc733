package derive_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// TestRealCases: what a real service is sent is what the stub is sent, but for what needs a
// stub; of its answer, the status alone is expected.
func TestRealCases(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, f := range shipped(t) {
		cases, left := derive.RealCases(f, derive.Real{Now: now})
		require.Equal(t, []string{derive.Good, derive.GoodOfGitLab}, []string{cases[0].Name, cases[1].Name}, "the good calls come first")
		flows, err := derive.Flows(cases, []feature.Feature{f})
		require.NoError(t, err)
		for n, flow := range flows {
			require.Equal(t, now, flow.World.Now)
			expect := flow.Steps[len(flow.Steps)-1].Expect
			require.NotZero(t, expect.Status, cases[n].Name)
			require.Nil(t, expect.Body, cases[n].Name)
			require.Nil(t, expect.Refused, cases[n].Name)
			require.Empty(t, expect.Calls, cases[n].Name)
			require.Equal(t, cases[n].Reason != "", expect.Status >= 400, cases[n].Name)
		}

		all, err := derive.Cases([]feature.Feature{f}, derive.Options{})
		require.NoError(t, err)
		var stubs []string
		for _, c := range all {
			if c.Kind == derive.Token {
				stubs = append(stubs, c.Name)
			}
		}
		var names []string
		for _, c := range cases {
			names = append(names, c.Name)
		}
		for _, name := range left {
			require.Contains(t, stubs, name)
			require.NotContains(t, names, name)
		}
		added := []string{derive.GoodOfGitLab, derive.LongExpired, derive.LongToCome}
		require.ElementsMatch(t, append(stubs, added...), append(names, left...))
	}
}

func TestRealCasesByLeeway(t *testing.T) {
	t.Parallel()
	f := shipped(t)[0]
	for leeway, want := range map[time.Duration]map[string]string{
		0: {
			"expired-by-a-second": "{exp: \"${now-1s}\"}", "exactly-at-expiry": "{exp: \"${now}\"}", "not-yet-valid": "{nbf: \"${now+10s}\"}",
			"expired-by-a-day": "{exp: \"${now-86400s}\"}", "not-valid-for-a-day": "{nbf: \"${now+86400s}\"}",
		},
		time.Minute: {
			"expired-by-a-second": "{exp: \"${now-61s}\"}", "exactly-at-expiry": "{exp: \"${now-60s}\"}", "not-yet-valid": "{nbf: \"${now+70s}\"}",
			"expired-by-a-day": "{exp: \"${now-86400s}\"}", "not-valid-for-a-day": "{nbf: \"${now+86400s}\"}",
		},
	} {
		cases, _ := derive.RealCases(f, derive.Real{Now: time.Unix(0, 0), Leeway: leeway})
		for name, claims := range want {
			n := slices.IndexFunc(cases, func(c derive.Case) bool { return c.Name == name })
			require.GreaterOrEqual(t, n, 0, name)
			require.True(t, strings.Contains(cases[n].YAML, "claims: "+claims), cases[n].YAML)
		}
	}
}
