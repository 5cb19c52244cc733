package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
)

func TestYAML(t *testing.T) {
	c := &catalog.Catalog{Services: mixed(t)[:3]}
	require.Equal(t, `# Which scopes there are, and who may have them. Versions need quotes: 16.10 without is 16.1.
defaults: &defaults
  services:
    new_feature_scope:
      service_start_time: 2024-02-15 00:00:00 UTC
      min_gitlab_version: '16.8'
      min_gitlab_version_for_beta: '16.7'
      bundled_with: 'duo_pro'
    observability:
      backend: 'gitlab-observability-backend'
      min_gitlab_version: '16.11'
    duo_chat:
      cut_off_date: 2024-10-17 00:00:00 UTC
      backend: 'gitlab-ai-gateway'
      min_gitlab_version: '16.10'
      min_gitlab_version_for_free_access: '16.8'
      license_types: [premium, ultimate]
      bundled_with:
        duo_pro:
          unit_primitives:
            - duo_chat
            - documentation_search
        duo_enterprise:
          unit_primitives:
            - duo_chat
            - documentation_search
            - ask_build

development:
  <<: *defaults

test:
  <<: *defaults

staging:
  <<: *defaults

production:
  <<: *defaults
`, string(c.YAML()))
}

func TestYAMLIsReadBack(t *testing.T) {
	odd := time.Date(2024, 2, 15, 1, 2, 3, 4, time.UTC)
	bare := catalog.Service{Name: "bare", Generation: catalog.G2, Bundles: []catalog.Bundle{{UnitPrimitives: []string{"bare"}}}}
	strange := catalog.Service{
		Name: "null", Generation: catalog.G2, Backend: "it's: #1", CutOff: &odd, MinVersion: version(t, "17.0-pre"),
		Bundles: []catalog.Bundle{{AddOn: "_irrelevant_", UnitPrimitives: []string{"no", "16.10", "a:b"}}, {AddOn: "{x}", UnitPrimitives: []string{"true"}}},
	}
	for _, c := range []*catalog.Catalog{
		{},
		{Services: []catalog.Service{tutorial(t), chat(t)}},
		{Services: append(mixed(t), bare, strange)},
	} {
		for _, env := range []string{"", "test", "staging", "production"} {
			got, err := catalog.Parse("c.yml", c.YAML(), env)
			require.NoError(t, err, string(c.YAML()))
			require.Equal(t, c.Services, got.Unplaced().Services)
		}
	}
}

// What the tutorial's form cannot say is written in the later one, and means
// the same there.
func TestYAMLChangesTheForm(t *testing.T) {
	s := tutorial(t)
	s.Bundles[0].UnitPrimitives = []string{"one", "two"}
	got, err := catalog.Parse("c.yml", (&catalog.Catalog{Services: []catalog.Service{s}}).YAML(), "")
	require.NoError(t, err)
	require.Equal(t, catalog.G2, got.Services[0].Generation)
	require.Equal(t, s.FreeAccessMinimum(), got.Services[0].FreeAccessMinimum())
	require.Equal(t, s.Scopes(), got.Services[0].Scopes())
}
