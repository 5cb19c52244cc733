package scenarios_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

const ownCatalog = `defaults: &defaults
  services:
    new_feature_scope:
      service_start_time: 2024-03-01 00:00:00 UTC
      bundled_with: 'gold_pack'
development:
  <<: *defaults
`

// TestCatalogsBesideAFlow names catalogs by file, in given and in a step.
func TestCatalogsBesideAFlow(t *testing.T) {
	fsys := fstest.MapFS{
		"team/catalogs/first.yml": {Data: []byte(ownCatalog)},
		"team/second.yml":         {Data: []byte(ownCatalog)},
		"team/catalogs/flow.txt":  {Data: []byte("not a flow")},
	}
	_, err := scenarios.Load(fsys, features(t))
	require.ErrorContains(t, err, "team/catalogs/first.yml", "every YAML file below the root is taken for a flow")

	fsys = fstest.MapFS{
		"team/catalogs/first": {Data: []byte(ownCatalog)},
		"team/broken":         {Data: []byte("defaults: {servces: {}}")},
		"team/flow.yaml": {Data: []byte(`
format: 1
scenario: with a catalog of its own
features: [new_feature_scope]
given:
  now: 2024-02-01
  instances:
    acme: {realm: self-managed, license: {kind: online_cloud}}
  catalog_file: catalogs/first
steps:
  - purchase: {instance: acme, add_on: gold_pack}
  - catalog: {file: catalogs/first}
  - sync: acme
    expect: {token: {scopes: [new_feature_scope]}}
`)},
	}
	loaded, err := scenarios.Load(fsys, features(t))
	require.NoError(t, err, "its add-ons are known, too")
	require.Equal(t, ownCatalog, loaded[0].World.Catalog)
	require.Equal(t, "flow", loaded[0].Name())
	require.Equal(t, "team/flow.yaml", loaded[0].File)
	report := scenarios.Console{Quiet: true}.Run(t.Context(), loaded, scenarios.Options{Start: start})
	require.False(t, report.Failed(), scenarios.Story(report.Flows[0], false))

	fsys["team/flow.yaml"].Data = []byte(`
format: 1
scenario: with a broken catalog
features: [new_feature_scope]
given: {now: 2024-02-01, catalog_file: broken}
steps:
  - catalog: {file: broken}
  - catalog: {file: ../nowhere}
`)
	_, err = scenarios.Load(fsys, features(t))
	require.ErrorContains(t, err, `broken:1:12: defaults: unknown key "servces" (did you mean "services"?)`)
	require.ErrorContains(t, err, `team/flow.yaml:8:21: steps[1].catalog.file: "../nowhere" cannot be read: there is no such file beside the flow`)
}
