package derive_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// entitled are the derived cases about who gets the scope at one release.
func entitled(t *testing.T, features []feature.Feature, o derive.Options, version string) []derive.Case {
	t.Helper()
	cases, err := derive.Cases(features, o)
	require.NoError(t, err)
	var some []derive.Case
	for _, c := range cases {
		if c.Kind == derive.Entitlement && strings.Contains(c.Name, version) {
			some = append(some, c)
		}
	}
	require.NotEmpty(t, some)
	return some
}

// TestTheDefaultCatalogUnderTheFeatures grants what the features say, and of all the rest
// what it says itself.
func TestTheDefaultCatalogUnderTheFeatures(t *testing.T) {
	t.Parallel()
	features := shipped(t)
	var services []catalog.Service
	for _, f := range features {
		services = append(services, f.CloudConnector)
	}
	c, err := catalog.WithDefault(services...)
	require.NoError(t, err)
	require.Empty(t, failing(t, entitled(t, features, derive.Options{Catalog: string(c.YAML())}, "18.9"), features))
}

// TestALibraryWithOperators has a unit primitive that depends on an operator and one that
// depends on the plan beside the feature's.
func TestALibraryWithOperators(t *testing.T) {
	t.Parallel()
	const head = "description: d, group: g, feature_category: c, documentation_url: u, backend_services: [ai_gateway]"
	const text = `
backend_services:
  - {name: ai_gateway, project_url: u, group: g, jwt_aud: gitlab-ai-gateway}
  - {name: other, project_url: u, group: g, jwt_aud: gitlab-other}
add_ons: [{name: duo_pro}, {name: duo_enterprise}]
license_types: [{name: premium}, {name: ultimate}]
operators: [{name: self_hosted_operator, add_ons: [duo_enterprise]}]
unit_primitives:
  - {name: new_feature_scope, cut_off_date: 2024-02-15T00:00:00Z, min_gitlab_version: '16.8', min_gitlab_version_for_free_access: '16.8', add_ons: [duo_pro], ` + head + `}
  - {<<: {` + head + `}, name: own_model, backend_services: [ai_gateway, other], operators: [self_hosted_operator]}
  - {name: for_premium, license_types: [premium], ` + head + `}
  - {name: for_ultimate, license_types: [ultimate], ` + head + `}
`
	features := shipped(t)
	for _, f := range features {
		if f.Name == "new_feature_scope" {
			features = []feature.Feature{f}
		}
	}
	right := entitled(t, features, derive.Options{Catalog: text}, "")
	require.Empty(t, failing(t, right, features))

	wrong := strings.Replace(text, "add_ons: [duo_pro], ", "add_ons: [duo_enterprise], ", 1)
	require.NotEmpty(t, failing(t, entitled(t, features, derive.Options{Catalog: wrong}, "18.9"), features), "what the feature says does not hold")
}

// TestAFeatureForOnePlan derives a licence that the feature is not for.
func TestAFeatureForOnePlan(t *testing.T) {
	t.Parallel()
	for plan, other := range map[string]string{"premium": "_on-ultimate", "ultimate": "_on-premium"} {
		f, err := feature.Parse("f.yaml", []byte(`
format: 1
feature: shine
backend: {name: lamp, endpoint: POST /shine}
cloud_connector:
  cut_off_date: 2024-02-15 00:00:00 UTC
  license_types: [`+plan+`]
  bundled_with: {duo_pro: {unit_primitives: [shine]}}
`))
		require.NoError(t, err)
		features := []feature.Feature{f}
		cases := entitled(t, features, derive.Options{}, "")
		require.True(t, strings.Contains(names(cases), other), names(cases))
		require.Empty(t, failing(t, cases, features))
	}
}

func names(cases []derive.Case) string {
	var text strings.Builder
	for _, c := range cases {
		text.WriteString(c.Name + "\n")
	}
	return text.String()
}
