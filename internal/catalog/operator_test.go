package catalog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fidelity"
)

// sold is when none of the library is free any more that has a cut-off.
var sold = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// TestDecideOnALibrary goes by the same rules as for cloud_connector.yml, and by those of
// operators beside.
func TestDecideOnALibrary(t *testing.T) {
	fidelity.Proves(t, "catalog/rules/operator", "catalog/rules/any-add-on", "catalog/rules/license-types")
	files := gem()
	files["unit_primitives/premium_only.yml"] = primitive("premium_only", "license_types: [premium]")
	c := load(t, files.write(t))
	before, after := time.Date(2024, 10, 16, 0, 0, 0, 0, time.UTC), time.Date(2024, 10, 18, 0, 0, 0, 0, time.UTC)
	premium := &catalog.License{Plan: catalog.PlanPremium}
	bought := func(addOns ...string) []catalog.Purchase {
		var list []catalog.Purchase
		for _, addOn := range addOns {
			list = append(list, catalog.Purchase{AddOn: addOn})
		}
		return list
	}
	for _, x := range []struct {
		name    string
		scope   string
		facts   catalog.Facts
		granted bool
		rule    catalog.Rule
		why     string
	}{
		{"free before the cut-off", "duo_chat", catalog.Facts{Now: before}, true, catalog.RuleFreeAccess, "it is free until"},
		{"any of its add-ons will do", "duo_chat", catalog.Facts{Now: after, Purchases: bought("code_suggestions")}, true, catalog.RuleAddOn, "duo_pro was bought"},
		{"another does not", "ask_issue", catalog.Facts{Now: after, Purchases: bought("duo_pro")}, false, catalog.RuleAddOnMissing, "duo_enterprise was not bought"},
		{"free for ever", "plain", catalog.Facts{Now: after}, true, catalog.RuleNoCutOff, "no cut-off"},
		{"for a plan", "premium_only", catalog.Facts{Now: after}, false, catalog.RuleLicensePlan, "only premium includes it"},
		{"which is had", "premium_only", catalog.Facts{Now: after, License: premium}, true, catalog.RuleNoCutOff, ""},
		{"no operator is satisfied", "own_model", catalog.Facts{Now: after}, false, catalog.RuleOperator, "self_hosted_operator needs duo_enterprise, which is not bought or not active, and amazon_q_operator needs duo_amazon_q, which is not bought or not active"},
		{"one is, by its add-on", "own_model", catalog.Facts{Now: after, Purchases: bought("duo_enterprise")}, true, catalog.RuleNoCutOff, ""},
		{"one is not, by its license type", "own_model", catalog.Facts{Now: after, License: premium, Purchases: bought("duo_amazon_q")}, false, catalog.RuleOperator, "amazon_q_operator needs a license for ultimate, and this one is for premium"},
		{"an expired add-on satisfies none", "own_model", catalog.Facts{Now: after, Purchases: []catalog.Purchase{{AddOn: "duo_enterprise", ExpiresOn: before}}}, false, catalog.RuleOperator, "not active"},
		{"operators count in free access too", "own_model", catalog.Facts{Now: before}, false, catalog.RuleOperator, ""},
		{"an operator is not all", "duo_chat", catalog.Facts{Now: after, Purchases: bought("duo_amazon_q")}, false, catalog.RuleAddOnMissing, ""},
		{"GitLab.com looks at no operator", "own_model", catalog.Facts{Now: after, SelfIssued: true}, true, catalog.RuleNoCutOff, ""},
	} {
		x.facts.Version = version(t, "18.2.0-ee")
		if x.facts.License == nil {
			x.facts.License = &catalog.License{}
		}
		got, known := catalog.Decide(c, x.facts).Of(x.scope)
		require.True(t, known, x.name)
		require.Equal(t, x.granted, got.Granted, "%s: %s", x.name, got.Why)
		require.Equal(t, x.rule, got.Rule, x.name)
		require.Contains(t, got.Why, x.why, x.name)
	}
}

func TestAUnitPrimitiveOfSeveralBackends(t *testing.T) {
	c := load(t, gem().write(t))
	facts := catalog.Facts{Now: sold, Version: version(t, "18.2.0"), License: &catalog.License{}, Purchases: []catalog.Purchase{{AddOn: "duo_pro"}}}
	d := catalog.Decide(c, facts)
	require.Equal(t, []string{"duo_chat", "plain"}, d.Granted())
	require.Equal(t, []string{"gitlab-ai-gateway", "gitlab-duo-workflow-service"}, d.Audiences(), "plain has none")
	chat, _ := d.Of("duo_chat")
	require.Equal(t, []string{"gitlab-duo-workflow-service"}, chat.AlsoFor)
	require.Equal(t, d, catalog.Decide(c, facts), "what is decided is not kept in the catalog")
}

func TestVersionsOfALibrary(t *testing.T) {
	c := load(t, gem().write(t))
	for _, x := range []struct {
		version string
		now     time.Time
		rule    catalog.Rule
	}{
		{"16.7.9", time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), catalog.RuleVersionTooLowForFreeAccess},
		{"16.8.0", time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), catalog.RuleFreeAccess},
		{"16.8.0", sold, catalog.RuleVersionTooLow},
		{"16.9.0-pre", sold, catalog.RuleAddOn},
	} {
		d, _ := catalog.Decide(c, catalog.Facts{
			Now: x.now, Version: version(t, x.version), License: &catalog.License{}, Purchases: []catalog.Purchase{{AddOn: "duo_pro"}},
		}).Of("duo_chat")
		require.Equal(t, x.rule, d.Rule, x)
	}
}
