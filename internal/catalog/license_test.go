package catalog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
)

var (
	cutOff = time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)
	past   = time.Date(2024, 2, 29, 10, 0, 0, 0, time.UTC) // 14 days after the cut-off
)

const oneDay = 24 * time.Hour

func date(d int) time.Time { return time.Date(2024, 2, d, 0, 0, 0, 0, time.UTC) }

func TestLicenseState(t *testing.T) {
	start, end := date(1), date(10)
	license := catalog.License{StartsAt: start, ExpiresAt: end}
	for _, c := range []struct {
		name string
		now  time.Time
		want catalog.LicenseState
	}{
		{"just before it starts", start.Add(-1), catalog.NotStarted},
		{"as it starts", start, catalog.Active},
		{"just before it expires", end.Add(-1), catalog.Active},
		{"as it expires", end, catalog.InGrace},
		{"ten days later", end.Add(10 * oneDay), catalog.InGrace},
		{"on the edge of grace", end.Add(catalog.GracePeriod), catalog.InGrace},
		{"past the edge", end.Add(catalog.GracePeriod + 1), catalog.Expired},
		{"fifteen days later", end.Add(15 * oneDay), catalog.Expired},
	} {
		require.Equal(t, c.want, license.State(c.now), c.name)
	}
	require.Equal(t, catalog.Active, catalog.License{}.State(past))
	require.Equal(t, catalog.Active, catalog.License{ExpiresAt: end, NoExpiry: true}.State(end.Add(100*oneDay)))
}

func TestLicenseValidate(t *testing.T) {
	require.NoError(t, catalog.License{}.Validate())
	require.NoError(t, catalog.License{Kind: catalog.OfflineCloud, Plan: catalog.PlanPremium, StartsAt: date(1), ExpiresAt: date(2)}.Validate())
	for want, l := range map[string]catalog.License{
		`unknown license kind "online_clud" (did you mean "online_cloud"?)`:                  {Kind: "online_clud"},
		`unknown plan "gold" (known: premium, ultimate)`:                                     {Plan: "gold"},
		"the license expires (2024-02-01T00:00:00Z) before it starts (2024-02-02T00:00:00Z)": {StartsAt: date(2), ExpiresAt: date(1)},
	} {
		require.EqualError(t, l.Validate(), want)
	}
	require.Equal(t, catalog.PlanUltimate, catalog.License{}.PlanName())
	require.Equal(t, catalog.PlanPremium, catalog.License{Plan: catalog.PlanPremium}.PlanName())
}

func TestPurchaseActive(t *testing.T) {
	noon := date(15).Add(12 * time.Hour)
	for _, c := range []struct {
		name            string
		starts, expires time.Time
		now             time.Time
		want            bool
	}{
		{"no dates", time.Time{}, time.Time{}, noon, true},
		{"started today", date(15), time.Time{}, noon, true},
		{"starts tomorrow", date(16), time.Time{}, noon, false},
		{"starts tomorrow, last moment of today", date(16), time.Time{}, date(16).Add(-1), false},
		{"starts later today", date(15).Add(20 * time.Hour), time.Time{}, noon, true},
		{"expired yesterday", time.Time{}, date(14), noon, false},
		{"expires today", time.Time{}, date(15), noon, false},
		{"expires later today", time.Time{}, date(15).Add(20 * time.Hour), noon, false},
		{"expires tomorrow", time.Time{}, date(16), noon, true},
		{"expires tomorrow, last moment of today", time.Time{}, date(16), date(16).Add(-1), true},
		{"today elsewhere is tomorrow in UTC", time.Time{}, date(16), date(15).Add(23 * time.Hour).In(time.FixedZone("", 2*60*60)), true},
	} {
		p := catalog.Purchase{AddOn: "duo_pro", StartsOn: c.starts, ExpiresOn: c.expires}
		require.Equal(t, c.want, p.Active(c.now), c.name)
	}
}

func TestPurchaseValidate(t *testing.T) {
	require.NoError(t, catalog.Purchase{AddOn: "duo_pro", StartsOn: date(1), ExpiresOn: date(2)}.Validate())
	require.EqualError(t, catalog.Purchase{}.Validate(), "a purchase needs an add_on")
	require.EqualError(t, catalog.Purchase{AddOn: "a", Seats: -1}.Validate(), "expected seats to be 0 or more, got -1")
	require.EqualError(t, catalog.Purchase{AddOn: "a", StartsOn: date(2), ExpiresOn: date(1)}.Validate(),
		`the purchase of "a" expires (2024-02-01) before it starts (2024-02-02)`)
}

func TestLicenseAndPurchaseTravelAsJSON(t *testing.T) {
	type both struct {
		License  catalog.License
		Purchase catalog.Purchase
	}
	for _, in := range []both{
		{},
		{catalog.License{Kind: catalog.Legacy, Plan: "premium", StartsAt: date(1), ExpiresAt: date(2), Trial: true, NoExpiry: true}, catalog.Purchase{AddOn: "duo_pro", Seats: 5, StartsOn: date(1), ExpiresOn: date(2), Trial: true}},
	} {
		text, err := json.Marshal(in)
		require.NoError(t, err)
		var out both
		require.NoError(t, json.Unmarshal(text, &out))
		require.Equal(t, in, out)
	}
}
