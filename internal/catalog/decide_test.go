package catalog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
)

// tutorial is the tutorial's service.
func tutorial(t testing.TB) catalog.Service {
	return catalog.Service{
		Name: "new_feature_scope", CutOff: &cutOff, MinVersion: version(t, "16.8"),
		Bundles: []catalog.Bundle{{AddOn: "duo_pro", UnitPrimitives: []string{"new_feature_scope"}}},
	}
}

// chat has what the tutorial's form cannot say.
func chat(t testing.TB) catalog.Service {
	return catalog.Service{
		Name: "duo_chat", Generation: catalog.G2, CutOff: &cutOff,
		MinVersion: version(t, "16.10"), MinVersionForFreeAccess: version(t, "16.8"),
		Bundles: []catalog.Bundle{
			{AddOn: "duo_pro", UnitPrimitives: []string{"duo_chat", "write_tests"}},
			{AddOn: "duo_enterprise", UnitPrimitives: []string{"duo_chat", "write_tests", "ask_build"}},
		},
	}
}

func TestDecideOneScope(t *testing.T) {
	before, at := cutOff.Add(-time.Hour), cutOff
	duoPro := []catalog.Purchase{{AddOn: "duo_pro"}}
	bought := func(addOn string, starts, expires int) []catalog.Purchase {
		p := catalog.Purchase{AddOn: addOn}
		if starts > 0 {
			p.StartsOn = date(starts)
		}
		if expires > 0 {
			p.ExpiresOn = date(expires)
		}
		return []catalog.Purchase{p}
	}
	with := func(change func(*catalog.Service)) catalog.Service {
		s := tutorial(t)
		change(&s)
		return s
	}
	free := with(func(s *catalog.Service) { s.CutOff = nil })
	beta := with(func(s *catalog.Service) { s.MinVersionForFreeAccess = version(t, "16.6") })
	unsold := with(func(s *catalog.Service) { s.Bundles[0].AddOn = "" })
	dummy := with(func(s *catalog.Service) { s.Bundles[0].AddOn = "_irrelevant_" })
	ultimate := with(func(s *catalog.Service) { s.Generation, s.LicenseTypes = catalog.G2, []string{"ultimate"} })
	modern := with(func(s *catalog.Service) { s.Generation = catalog.G2 })
	three := with(func(s *catalog.Service) {
		for _, name := range []string{"duo_enterprise", "duo_core"} {
			s.Bundles = append(s.Bundles, catalog.Bundle{AddOn: name, UnitPrimitives: []string{s.Name}})
		}
	})
	license := func(l catalog.License) *catalog.License { return &l }

	for _, c := range []struct {
		name      string
		service   catalog.Service
		now       time.Time
		version   string
		license   *catalog.License
		purchases []catalog.Purchase
		granted   bool
		rule      catalog.Rule
		why       string
	}{
		// The cut-off.
		{"an hour before the cut-off", tutorial(t), before, "16.8.0", nil, nil, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in 1 hour"},
		{"just before the cut-off", tutorial(t), at.Add(-1), "16.8.0", nil, nil, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in less than a second"},
		{"at the cut-off", tutorial(t), at, "16.8.0", nil, nil, false, catalog.RuleAddOnMissing, "duo_pro was not bought and the cut-off (2024-02-15) passed just now"},
		{"a second after the cut-off", tutorial(t), at.Add(time.Second), "16.8.0", nil, nil, false, catalog.RuleAddOnMissing, "duo_pro was not bought and the cut-off (2024-02-15) passed 1 second ago"},
		{"long after the cut-off", tutorial(t), past, "16.8.0", nil, nil, false, catalog.RuleAddOnMissing, "duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
		{"before the cut-off, bought already", tutorial(t), before, "16.8.0", nil, duoPro, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in 1 hour"},
		{"no cut-off", free, past, "16.8.0", nil, nil, true, catalog.RuleNoCutOff, "it is free, as it has no cut-off date"},

		// Versions.
		{"free access, below the minimum", beta, before, "16.5.9-ee", nil, nil, false, catalog.RuleVersionTooLowForFreeAccess, "GitLab 16.5.9-ee is below 16.6, the minimum for free access until the cut-off (2024-02-15)"},
		{"free access, at the minimum", beta, before, "16.6.0", nil, nil, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in 1 hour"},
		{"free access, between the minima", beta, before, "16.7.3", nil, nil, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in 1 hour"},
		{"bought, between the minima", beta, past, "16.7.3", nil, duoPro, false, catalog.RuleVersionTooLow, "GitLab 16.7.3 is below 16.8, the minimum since the cut-off (2024-02-15)"},
		{"bought, at the minimum", beta, past, "16.8.0-pre", nil, duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"bought, above the minimum", beta, past, "16.10.0", nil, duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"neither bought nor new enough", tutorial(t), past, "16.7.9", nil, nil, false, catalog.RuleVersionTooLow, "GitLab 16.7.9 is below 16.8, the minimum since the cut-off (2024-02-15), and duo_pro was not bought"},
		{"tutorial, one minimum, before the cut-off", tutorial(t), before, "16.7.9", nil, nil, false, catalog.RuleVersionTooLowForFreeAccess, "GitLab 16.7.9 is below 16.8, the minimum for free access until the cut-off (2024-02-15)"},
		{"later form, one minimum, before the cut-off", modern, before, "15.0", nil, nil, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in 1 hour"},
		{"free for ever, but too old", free, past, "16.7.9", nil, nil, false, catalog.RuleVersionTooLowForFreeAccess, "GitLab 16.7.9 is below 16.8, the minimum for free access"},
		{"version not sent", tutorial(t), past, "", nil, duoPro, false, catalog.RuleVersionTooLow, "the GitLab version is not known to be at least 16.8, the minimum since the cut-off (2024-02-15)"},

		// Add-ons.
		{"bought", tutorial(t), past, "16.8.0", nil, duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"bought, by its name in Rails", tutorial(t), past, "16.8.0", nil, bought("code_suggestions", 0, 0), true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"another bought", tutorial(t), past, "16.8.0", nil, bought("duo_enterprise", 0, 0), false, catalog.RuleAddOnMissing, "duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
		{"expired yesterday", tutorial(t), past, "16.8.0", nil, bought("duo_pro", 0, 28), false, catalog.RuleAddOnExpired, "duo_pro expired on 2024-02-28, yesterday, and the cut-off (2024-02-15) passed 14 days ago"},
		{"expires today", tutorial(t), past, "16.8.0", nil, bought("duo_pro", 0, 29), false, catalog.RuleAddOnExpired, "duo_pro expired on 2024-02-29, today, and the cut-off (2024-02-15) passed 14 days ago"},
		{"expires tomorrow", tutorial(t), past, "16.8.0", nil, bought("duo_pro", 0, 30), true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"starts tomorrow", tutorial(t), past, "16.8.0", nil, bought("duo_pro", 30, 0), false, catalog.RuleAddOnNotStarted, "duo_pro starts on 2024-03-01, tomorrow, and the cut-off (2024-02-15) passed 14 days ago"},
		{"starts today", tutorial(t), past, "16.8.0", nil, bought("duo_pro", 29, 0), true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"expired, and bought again", tutorial(t), past, "16.8.0", nil, append(bought("duo_pro", 0, 20), duoPro...), true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"expired twice", tutorial(t), past, "16.8.0", nil, append(bought("duo_pro", 0, 27), bought("duo_pro", 0, 20)...), false, catalog.RuleAddOnExpired, "duo_pro expired on 2024-02-27, 2 days ago, and the cut-off (2024-02-15) passed 14 days ago"},
		{"expired, and bought for later", tutorial(t), past, "16.8.0", nil, append(bought("duo_pro", 0, 20), bought("duo_pro", 31, 0)...), false, catalog.RuleAddOnNotStarted, "duo_pro starts on 2024-03-02, in 2 days, and the cut-off (2024-02-15) passed 14 days ago"},
		{"one of three bought", three, past, "16.8.0", nil, bought("duo_core", 0, 0), true, catalog.RuleAddOn, "duo_core was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"two of three bought", three, past, "16.8.0", nil, append(bought("duo_core", 0, 0), duoPro...), true, catalog.RuleAddOn, "duo_core and duo_pro were bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"none of three bought", three, past, "16.8.0", nil, nil, false, catalog.RuleAddOnMissing, "none of duo_pro, duo_enterprise and duo_core was bought and the cut-off (2024-02-15) passed 14 days ago"},
		{"nothing to buy", unsold, past, "16.8.0", nil, bought("", 0, 0), false, catalog.RuleNotSold, "no add-on includes it and the cut-off (2024-02-15) passed 14 days ago"},
		{"nothing to buy, before the cut-off", unsold, before, "16.8.0", nil, nil, true, catalog.RuleFreeAccess, "it is free until the cut-off (2024-02-15), which is in 1 hour"},
		{"dummy add-on", dummy, past, "16.8.0", nil, bought("_irrelevant_", 0, 0), false, catalog.RuleNotSold, "no add-on includes it and the cut-off (2024-02-15) passed 14 days ago"},

		// Licences.
		{"offline licence", tutorial(t), past, "16.8.0", license(catalog.License{Kind: catalog.OfflineCloud}), duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"trial licence", tutorial(t), past, "16.8.0", license(catalog.License{Kind: catalog.OnlineCloud, Trial: true}), duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"legacy licence", tutorial(t), before, "16.8.0", license(catalog.License{Kind: catalog.Legacy}), duoPro, false, catalog.RuleLicenseNotCloud, "a legacy license is no cloud license, which Cloud Connector asks for"},
		{"licence for later", tutorial(t), before, "16.8.0", license(catalog.License{StartsAt: date(20)}), nil, false, catalog.RuleLicenseNotStarted, "the license starts on 2024-02-20, in 5 days"},
		{"licence in grace", tutorial(t), date(29), "16.8.0", license(catalog.License{ExpiresAt: date(15)}), duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
		{"licence past grace", tutorial(t), date(29).Add(1), "16.8.0", license(catalog.License{ExpiresAt: date(15)}), duoPro, false, catalog.RuleLicenseExpired, "the license expired on 2024-02-15, 14 days ago, and its grace period of 14 days is over"},
		{"free for ever, licence past grace", free, past, "16.8.0", license(catalog.License{ExpiresAt: date(1)}), nil, false, catalog.RuleLicenseExpired, "the license expired on 2024-02-01, 28 days ago, and its grace period of 14 days is over"},
		{"plan is not enough", ultimate, past, "16.8.0", license(catalog.License{Plan: catalog.PlanPremium}), duoPro, false, catalog.RuleLicensePlan, "the license is for premium and only ultimate includes it"},
		{"plan is enough, not bought", ultimate, past, "16.8.0", license(catalog.License{Plan: catalog.PlanUltimate}), nil, false, catalog.RuleAddOnMissing, "duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
		{"plan is enough, bought", ultimate, past, "16.8.0", license(catalog.License{}), duoPro, true, catalog.RuleAddOn, "duo_pro was bought, as is needed since the cut-off (2024-02-15), 14 days ago"},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := catalog.Facts{Now: c.now, License: c.license, Purchases: c.purchases}
			if facts.License == nil {
				facts.License = &catalog.License{Kind: catalog.OnlineCloud}
			}
			if c.version != "" {
				facts.Version = version(t, c.version)
			}
			decision := catalog.Decide(&catalog.Catalog{Services: []catalog.Service{c.service}}, facts)
			require.Len(t, decision.Scopes, 1)
			got, ok := decision.Of("new_feature_scope")
			require.True(t, ok)
			require.Equal(t, c.rule, got.Rule, got.Why)
			require.Equal(t, c.granted, got.Granted)
			require.Equal(t, c.why, got.Why)
			require.Equal(t, catalog.DefaultAudience, got.Audience)
			require.Contains(t, catalog.Rules(), got.Rule)
			if c.granted {
				require.Equal(t, []string{"new_feature_scope"}, decision.Granted())
				require.Equal(t, []string{catalog.DefaultAudience}, decision.Audiences())
			} else {
				require.Equal(t, []string{}, decision.Granted(), "empty, not null, in JSON")
				require.Equal(t, []string{}, decision.Audiences())
			}
		})
	}
}

func TestDecideWithoutLicense(t *testing.T) {
	c := &catalog.Catalog{Services: []catalog.Service{tutorial(t)}}
	got := catalog.Decide(c, catalog.Facts{Now: cutOff.Add(-1), Version: version(t, "17.0")}).Scopes[0]
	require.Equal(t, catalog.RuleLicenseMissing, got.Rule)
	require.Equal(t, "the instance has no license", got.Why)
}

func TestDecideSelfIssued(t *testing.T) {
	service := tutorial(t)
	service.LicenseTypes = []string{"ultimate"}
	c := &catalog.Catalog{Services: []catalog.Service{service}}
	facts := catalog.Facts{Now: past, Version: version(t, "15.0"), SelfIssued: true, License: &catalog.License{Kind: catalog.Legacy, Plan: "premium"}}

	got := catalog.Decide(c, facts).Scopes[0]
	require.Equal(t, catalog.RuleAddOnMissing, got.Rule)
	require.True(t, got.Needs.IsZero())
	facts.Purchases = []catalog.Purchase{{AddOn: "duo_pro"}}
	require.Equal(t, []string{"new_feature_scope"}, catalog.Decide(c, facts).Granted(), "neither version nor licence nor plan counts")
	facts.License, facts.Purchases, facts.Now = nil, nil, cutOff.Add(-1)
	require.Equal(t, []string{"new_feature_scope"}, catalog.Decide(c, facts).Granted())
}

func TestDecideBundles(t *testing.T) {
	c := &catalog.Catalog{Services: []catalog.Service{chat(t)}}
	facts := catalog.Facts{Now: cutOff.Add(-1), Version: version(t, "16.9"), License: &catalog.License{}}
	all := []string{"duo_chat", "write_tests", "ask_build"}
	require.Equal(t, all, catalog.Decide(c, facts).Granted(), "free access opens the bundles together")

	facts.Now = cutOff
	got, _ := catalog.Decide(c, facts).Of("duo_chat")
	require.Equal(t, catalog.RuleVersionTooLow, got.Rule, "16.9 is below 16.10")
	require.Equal(t, "16.10", got.Needs.String())

	facts.Version = version(t, "16.10.0")
	require.Empty(t, catalog.Decide(c, facts).Granted())
	facts.Purchases = []catalog.Purchase{{AddOn: "duo_pro"}}
	require.Equal(t, []string{"duo_chat", "write_tests"}, catalog.Decide(c, facts).Granted())
	facts.Purchases = []catalog.Purchase{{AddOn: "duo_enterprise"}}
	require.Equal(t, all, catalog.Decide(c, facts).Granted())

	facts.Purchases = nil
	decision := catalog.Decide(c, facts)
	got, _ = decision.Of("duo_chat")
	require.Equal(t, "neither duo_pro nor duo_enterprise was bought and the cut-off (2024-02-15) passed just now", got.Why)
	require.Equal(t, []string{"duo_pro", "duo_enterprise"}, got.AddOns)
	require.Equal(t, &cutOff, got.CutOff)
	got, _ = decision.Of("ask_build")
	require.Equal(t, []string{"duo_enterprise"}, got.AddOns)
	_, ok := decision.Of("ask_bild")
	require.False(t, ok)
}

func TestDecideScopeOfSeveralServices(t *testing.T) {
	shared := []string{"documentation_search"}
	service := func(name, backend, addOn string) catalog.Service {
		return catalog.Service{Name: name, Generation: catalog.G2, Backend: backend, CutOff: &cutOff, Bundles: []catalog.Bundle{{AddOn: addOn, UnitPrimitives: shared}}}
	}
	c := &catalog.Catalog{Services: []catalog.Service{
		service("chat", "", "duo_pro"), tutorial(t), service("proxy", "other", "duo_enterprise"), service("third", "other", "duo_enterprise"),
	}}
	require.Equal(t, []string{"documentation_search", "new_feature_scope"}, c.Scopes())
	require.Equal(t, []string{"duo_pro", "duo_enterprise"}, c.AddOns())

	facts := catalog.Facts{Now: past, Version: version(t, "17.0"), License: &catalog.License{}}
	decision := catalog.Decide(c, facts)
	require.Len(t, decision.Scopes, 2)
	require.Equal(t, "chat", decision.Scopes[0].Service, "dropped by all: the first service speaks")

	facts.Purchases = []catalog.Purchase{{AddOn: "duo_enterprise"}}
	decision = catalog.Decide(c, facts)
	require.Equal(t, []string{"documentation_search"}, decision.Granted())
	require.Equal(t, "proxy", decision.Scopes[0].Service, "the one that grants wins, in the place of the first")
	require.Equal(t, []string{"other"}, decision.Audiences())

	facts.Purchases = append(facts.Purchases, catalog.Purchase{AddOn: "duo_pro"})
	decision = catalog.Decide(c, facts)
	require.Equal(t, []string{"documentation_search", "new_feature_scope"}, decision.Granted())
	require.Equal(t, []string{"other"}, decision.Scopes[0].AlsoFor)
	require.Equal(t, []string{catalog.DefaultAudience, "other"}, decision.Audiences())
}

func TestDecideNothing(t *testing.T) {
	for _, c := range []*catalog.Catalog{nil, {}} {
		decision := catalog.Decide(c, catalog.Facts{})
		require.Empty(t, decision.Scopes)
		require.NotNil(t, decision.Granted())
	}
}

func BenchmarkDecide(b *testing.B) {
	c := &catalog.Catalog{}
	for i := range 15 {
		s := chat(b)
		s.Name = fmt.Sprintf("service_%d", i)
		s.Bundles = nil
		for _, addOn := range []string{"duo_pro", "duo_enterprise"} {
			bundle := catalog.Bundle{AddOn: addOn}
			for j := range 4 {
				bundle.UnitPrimitives = append(bundle.UnitPrimitives, fmt.Sprintf("primitive_%d", 4*i+j))
			}
			s.Bundles = append(s.Bundles, bundle)
		}
		c.Services = append(c.Services, s)
	}
	require.Len(b, c.Scopes(), 60)
	facts := catalog.Facts{Now: past, Version: version(b, "17.8.0-ee"), License: &catalog.License{}, Purchases: []catalog.Purchase{{AddOn: "duo_enterprise"}}}
	b.ReportAllocs()
	for b.Loop() {
		if len(catalog.Decide(c, facts).Granted()) != 60 {
			b.Fatal("expected 60 scopes")
		}
	}
}
