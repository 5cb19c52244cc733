package derive_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// TestExportedCasesAreFlows: each case is the text of a flow file without problems, under
// a name of its own, also where the file system ignores case.
func TestExportedCasesAreFlows(t *testing.T) {
	t.Parallel()
	features := shipped(t)
	for _, full := range []bool{false, true} {
		cases, err := derive.Cases(features, derive.Options{Full: full})
		require.NoError(t, err)
		again, err := derive.Cases(features, derive.Options{Full: full})
		require.NoError(t, err)
		require.Equal(t, cases, again, "the same features give other cases")

		seen := map[string]bool{}
		for _, c := range cases {
			name := strings.ToLower(c.ID())
			require.False(t, seen[name], "%s occurs twice", c.ID())
			require.NotContains(t, c.Name, "/")
			seen[name] = true
		}
		if full { // thousands: one of each hundred will do
			cases = slices.DeleteFunc(cases, func(c derive.Case) bool { return len(c.YAML)%100 != 0 })
		}
		flows, err := derive.Flows(cases, features)
		require.NoError(t, err)
		require.Len(t, flows, len(cases))
		for n, f := range flows {
			require.Equal(t, cases[n].Name, f.Name())
		}
	}
	for _, f := range features {
		cases, err := derive.Cases([]feature.Feature{f}, derive.Options{})
		require.NoError(t, err)
		if f.Backend.GRPC() {
			require.Empty(t, cases, f.Name)
			continue
		}
		require.Greater(t, len(cases), 100, f.Name)
	}
}

// failing runs cases and returns the ids of those that fail.
func failing(t *testing.T, cases []derive.Case, features []feature.Feature) []string {
	t.Helper()
	flows, err := derive.Flows(cases, features)
	require.NoError(t, err)
	report := scenarios.Console{Out: io.Discard, Quiet: true}.Run(t.Context(), flows, scenarios.Options{Start: pool.Start})
	var failed []string
	for n, r := range report.Flows {
		if r.Status != scenarios.Passed {
			failed = append(failed, cases[n].ID())
		}
	}
	return failed
}

// TestAWrongCatalogFailsCases: CustomersDot's catalog says something else than the feature
// file, in one place each.
func TestAWrongCatalogFailsCases(t *testing.T) {
	t.Parallel()
	const right = `
defaults: &defaults
  services:
    new_feature_scope:
      service_start_time: 2024-02-15 00:00:00 UTC
      min_gitlab_version: '16.8'
      bundled_with: 'duo_pro'
development:
  <<: *defaults
`
	var features []feature.Feature
	for _, f := range shipped(t) {
		if f.Name == "new_feature_scope" {
			features = append(features, f)
		}
	}
	for name, c := range map[string]struct {
		old, wrong string
		fails      string // part of the name of a case that fails
	}{
		"as it ought to be":    {"", "", ""},
		"a day late":           {"2024-02-15", "2024-02-16", "_cut-off_"},
		"a second late":        {"00:00:00", "00:00:01", "_cut-off_"},
		"a second early":       {"2024-02-15 00:00:00", "2024-02-14 23:59:59", "_second-before_"},
		"another add-on":       {"duo_pro", "duo_enterprise", "_duo_pro_"},
		"a version too high":   {"16.8", "16.9", "_16.8.0"},
		"a version too low":    {"16.8", "16.7", "_16.7.9-ee_"},
		"no version":           {"      min_gitlab_version: '16.8'\n", "", "_16.7.9-ee_"},
		"free for ever":        {"      service_start_time: 2024-02-15 00:00:00 UTC\n", "", "_day-after_"},
		"an audience too many": {"bundled_with", "backend: gitlab-other\n      bundled_with", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases, err := derive.Cases(features, derive.Options{Catalog: strings.Replace(right, c.old, c.wrong, 1)})
			require.NoError(t, err)
			var some []derive.Case
			for _, known := range cases {
				// The cases around the right one are enough, and quick.
				if known.Kind == derive.Entitlement && strings.HasPrefix(known.Name, "self-managed_") && strings.HasSuffix(known.Name, "_online") {
					some = append(some, known)
				}
			}
			failed := failing(t, some, features)
			if c.old == "" {
				require.Empty(t, failed)
				return
			}
			require.NotEmpty(t, failed)
			require.Contains(t, strings.Join(failed, "\n"), c.fails)
			require.Less(t, len(failed), len(some), "cases fail that have nothing to do with it")
		})
	}
}

// TestACatalogOfMoreServices: what the features do not declare is expected as the catalog
// has it.
func TestACatalogOfMoreServices(t *testing.T) {
	t.Parallel()
	features := shipped(t)
	var services []catalog.Service
	for _, f := range features {
		services = append(services, f.CloudConnector)
	}
	services = append(services, catalog.Service{
		Name: "generate_docs", Generation: catalog.G2, Backend: "gitlab-docs",
		Bundles: []catalog.Bundle{{AddOn: "_irrelevant_", UnitPrimitives: []string{"generate_docs"}}},
	})
	text := string((&catalog.Catalog{Services: services}).YAML())
	cases, err := derive.Cases(features, derive.Options{Catalog: text})
	require.NoError(t, err)
	cases = slices.DeleteFunc(cases, func(c derive.Case) bool {
		return c.Feature != "duo_chat" || c.Kind != derive.Entitlement || !strings.Contains(c.Name, "18.9")
	})
	require.NotEmpty(t, cases)
	require.Empty(t, failing(t, cases, features))

	_, err = derive.Cases(features, derive.Options{Catalog: "services: ["})
	require.Error(t, err)
}
