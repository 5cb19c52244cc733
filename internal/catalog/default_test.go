package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fidelity"
)

func defaultCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.DefaultSource().Catalog("")
	require.NoError(t, err)
	return c
}

// TestDefault holds the catalog that comes with ccmock against what is public: names and
// counts, and who gets what at what time.
func TestDefault(t *testing.T) {
	fidelity.Proves(t, "catalog/default/unit-primitives", "catalog/default/bundles")
	c := defaultCatalog(t)
	require.Len(t, c.Scopes(), 62)
	for _, name := range []string{
		"access_artifact_registry", "ask_work_item", "code_suggestions", "duo_agent_platform", "duo_classic_chat", "generate_cube_query",
		"include_user_rule_context", "self_hosted_duo_agent_platform", "semantic_search_issue", "update_vulnerability_severity", "write_tests",
		"summarize_merge_request", // of the map alone
	} {
		require.Contains(t, c.Scopes(), name)
	}
	require.Equal(t, []string{
		"gitlab-ai-gateway", "gitlab-duo-workflow-service", "gitlab-observability-backend", "gitlab-security-gateway", "gitlab-artifact-registry",
	}, c.Audiences())

	unknown := 22
	granted := func(now time.Time, addOns ...string) int {
		f := catalog.Facts{Now: now, Version: version(t, "18.9.0-ee"), License: &catalog.License{}}
		for _, addOn := range addOns {
			f.Purchases = append(f.Purchases, catalog.Purchase{AddOn: addOn})
		}
		return len(catalog.Decide(c, f).Granted())
	}
	require.Equal(t, 62, granted(time.Date(2024, 2, 14, 0, 0, 0, 0, time.UTC)), "all is free")
	require.Equal(t, 59, granted(time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)), "code suggestions are not")
	later := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, unknown+4, granted(later))
	require.Equal(t, unknown+4+3+8, granted(later, "duo_pro"))
	require.Equal(t, 62, granted(later, "duo_enterprise"))

	services := map[string]catalog.Service{}
	for _, s := range c.LegacyServices(catalog.SelfManaged) {
		services[s.Name] = s
	}
	require.NotContains(t, services, "sast")
	require.Len(t, services["duo_chat"].Bundles, 2)
	require.Len(t, services["duo_chat"].Scopes(), 17)
	require.Equal(t, "16.9", services["duo_chat"].MinVersion.String())
	require.Equal(t, []string{"duo_workflow_execute_workflow"}, services["duo_workflow"].Scopes())
	require.False(t, services["observability_all"].Bundles[0].Sold())
	dotCom := map[string]catalog.Service{}
	for _, s := range c.LegacyServices(catalog.GitLabCom) {
		dotCom[s.Name] = s
	}
	require.Equal(t, []string{"security_scans"}, dotCom["sast"].Scopes())
	require.Len(t, dotCom["self_hosted_models"].Scopes(), 19)
}

func TestOverlay(t *testing.T) {
	own := catalog.Service{Name: "duo_chat", Generation: catalog.G2, Backend: "mine", Bundles: []catalog.Bundle{{AddOn: "duo_pro", UnitPrimitives: []string{"duo_chat", "ask_build"}}}}
	code := catalog.Service{Name: "mine", Generation: catalog.G2, Bundles: []catalog.Bundle{{UnitPrimitives: []string{"complete_code", "generate_code"}}}}
	base := defaultCatalog(t)
	c, err := catalog.Overlay(base, own, code, tutorial(t))
	require.NoError(t, err)
	require.Len(t, c.Scopes(), 63, "one scope is new")
	require.Equal(t, defaultCatalog(t), base, "the base stays as it is")

	d := catalog.Decide(c, catalog.Facts{Now: sold, Version: version(t, "18.0.0"), License: &catalog.License{}})
	for scope, service := range map[string]string{"duo_chat": "duo_chat", "ask_build": "duo_chat", "complete_code": "mine", "new_feature_scope": "new_feature_scope"} {
		got, _ := d.Of(scope)
		require.Equal(t, service, got.Service, scope)
	}
	names := map[string]int{}
	for _, s := range c.LegacyServices(catalog.SelfManaged) {
		names[s.Name]++
	}
	require.Equal(t, 1, names["duo_chat"])
	require.Equal(t, 1, names["mine"])

	back, err := catalog.Parse("text", c.YAML(), "")
	require.NoError(t, err)
	require.ElementsMatch(t, d.Granted(), catalog.Decide(back, catalog.Facts{Now: sold, Version: version(t, "18.0.0"), License: &catalog.License{}}).Granted())

	older, err := catalog.Overlay(&catalog.Catalog{Services: mixed(t)}, catalog.Service{Name: "x", Bundles: []catalog.Bundle{{UnitPrimitives: []string{"duo_chat", "new_feature_scope"}}}})
	require.NoError(t, err)
	require.NotContains(t, older.Services[0].Name, "new_feature_scope")
	require.Equal(t, "x", older.Services[len(older.Services)-1].Name)
	require.NotContains(t, older.Services[1].Scopes(), "duo_chat")

	_, err = catalog.Overlay(base, own, own)
	require.ErrorContains(t, err, "declared twice")
}

func BenchmarkDecideDefault(b *testing.B) {
	c := defaultCatalog(b)
	facts := catalog.Facts{Now: sold, Version: version(b, "18.9.0-ee"), License: &catalog.License{}, Purchases: []catalog.Purchase{{AddOn: "duo_enterprise"}}}
	b.ReportAllocs()
	for b.Loop() {
		if len(catalog.Decide(c, facts).Granted()) != 62 {
			b.Fatal("expected 62 scopes")
		}
	}
}
