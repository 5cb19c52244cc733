package catalog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
)

func TestADecisionNamesTheLineThatItComesFrom(t *testing.T) {
	const text = `defaults:
  services:
    poetry:
      backend: gitlab-poet
      cut_off_date: 2024-02-15 00:00:00 UTC
      min_gitlab_version: '16.9'
      min_gitlab_version_for_free_access: '16.8'
      license_types: [ultimate]
      bundled_with:
        duo_pro: {unit_primitives: [review_poetry]}
    prose:
      bundled_with: 'duo_pro'
`
	c, err := catalog.Parse("c.yml", []byte(text), "")
	require.NoError(t, err)
	cutOff := time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)
	before, after := cutOff.Add(-time.Hour), cutOff.Add(time.Hour)
	bought := []catalog.Purchase{{AddOn: "duo_pro"}}
	license := &catalog.License{Kind: catalog.OnlineCloud, Plan: catalog.PlanUltimate}
	for _, at := range []struct {
		facts catalog.Facts
		rule  catalog.Rule
		place string
	}{
		{catalog.Facts{Now: before, Version: version(t, "16.8"), License: license}, catalog.RuleFreeAccess, "c.yml:5 (cut_off_date)"},
		{catalog.Facts{Now: before, Version: version(t, "16.7"), License: license}, catalog.RuleVersionTooLowForFreeAccess, "c.yml:7 (min_gitlab_version_for_free_access)"},
		{catalog.Facts{Now: after, Version: version(t, "16.8"), License: license, Purchases: bought}, catalog.RuleVersionTooLow, "c.yml:6 (min_gitlab_version)"},
		{catalog.Facts{Now: after, Version: version(t, "16.9"), License: license}, catalog.RuleAddOnMissing, "c.yml:9 (bundled_with)"},
		{catalog.Facts{Now: after, Version: version(t, "16.9"), License: license, Purchases: bought}, catalog.RuleAddOn, "c.yml:9 (bundled_with)"},
		{catalog.Facts{Now: after, Version: version(t, "16.9"), License: &catalog.License{Plan: catalog.PlanPremium}}, catalog.RuleLicensePlan, "c.yml:8 (license_types)"},
		{catalog.Facts{Now: after, Version: version(t, "16.9")}, catalog.RuleLicenseMissing, ""},
	} {
		got, ok := catalog.Decide(c, at.facts).Of("review_poetry")
		require.True(t, ok)
		require.Equal(t, at.rule, got.Rule)
		require.Equal(t, at.place, got.Place.String(), at.rule)
		require.Equal(t, "c.yml:4 (backend)", got.AudiencePlace.String())
	}
	free, _ := catalog.Decide(c, catalog.Facts{Now: after, License: license}).Of("prose")
	require.Equal(t, "c.yml:11 (prose)", free.Place.String(), "no key says that it is free: the service does, by what it lacks")
	require.Equal(t, "c.yml:11 (prose)", free.AudiencePlace.String())
	text2, err := json.Marshal(free)
	require.NoError(t, err)
	require.Contains(t, string(text2), `"place":"c.yml:11 (prose)"`)

	unread := catalog.Decide(&catalog.Catalog{Services: []catalog.Service{tutorial(t)}}, catalog.Facts{Now: before, License: license, Version: version(t, "16.8")})
	require.True(t, unread.Scopes[0].Place.IsZero(), "no file, no line")
	text2, err = json.Marshal(unread.Scopes[0])
	require.NoError(t, err)
	require.NotContains(t, string(text2), "place")
}

func TestADecisionNamesTheLineOfALibrary(t *testing.T) {
	c := load(t, gem().write(t))
	after := time.Date(2024, 10, 18, 0, 0, 0, 0, time.UTC)
	got, ok := catalog.Decide(c, catalog.Facts{Now: after, Version: version(t, "17.0"), License: &catalog.License{Plan: catalog.PlanUltimate}}).Of("ask_issue")
	require.True(t, ok)
	require.Equal(t, catalog.RuleAddOnMissing, got.Rule)
	require.Regexp(t, `unit_primitives/ask_issue.yml:\d+ \(add_ons\)$`, got.Place.String())
	require.Regexp(t, `unit_primitives/ask_issue.yml:\d+ \(backend_services\)$`, got.AudiencePlace.String())
	got, _ = catalog.Decide(c, catalog.Facts{Now: after, License: &catalog.License{Plan: catalog.PlanPremium}}).Of("own_model")
	require.Equal(t, catalog.RuleOperator, got.Rule)
	require.Regexp(t, `unit_primitives/own_model.yml:\d+ \(operators\)$`, got.Place.String())
}
