package customersdotstub_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/world"
)

func TestConformance(t *testing.T) {
	b := start(t)
	stubtest.Conform(t, stubtest.Subject{
		Part: b.stub, Handler: b.stub.Handler(), Env: b.env, World: b.world, Service: customersdotstub.Name,
		UnknownPath: "/api/v1/nothing", WrongMethod: "/graphql",
		Dialect: []string{`"status":404`, `"error":"Not Found"`},
	})
}

func TestDiscovery(t *testing.T) {
	fidelity.Proves(t, "customersdot/oidc/discovery", "customersdot/oidc/issuer-slash")
	b := start(t)
	a := b.send(http.MethodGet, "/.well-known/openid-configuration", "", nil)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	golden(t, "discovery", a.body)

	slash := start(t, func(o *customersdotstub.Options) { o.IssuerSlash = true })
	a = slash.send(http.MethodGet, "/.well-known/openid-configuration", "", nil)
	golden(t, "discovery_slash", a.body)
	require.Equal(t, portal+"/", slash.token("acme", "16.9.2").Text("iss"))
}

func TestKeySet(t *testing.T) {
	fidelity.Proves(t, "customersdot/oidc/key-set")
	b := start(t)
	a := b.send(http.MethodGet, "/oauth/discovery/keys", "", nil)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	var set struct{ Keys []map[string]string }
	require.NoError(t, json.Unmarshal(a.body, &set))
	require.Len(t, set.Keys, 1)
	require.Len(t, set.Keys[0]["kid"], 43)
	require.Equal(t, b.token("acme", "16.9.2").Header["kid"], set.Keys[0]["kid"])
	golden(t, "keys", a.body, set.Keys[0]["kid"], "KID", set.Keys[0]["n"], "MODULUS")
}

func TestSelections(t *testing.T) {
	fidelity.Proves(t,
		"customersdot/access/service-token", "customersdot/access/available-services",
		"customersdot/access/catalog",
	)
	for name, query := range map[string]string{
		"access_16_9": selection16, "access_17_9": selection17, "access_18_9": selection18, "access_bare": bare,
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			a := b.graphql(query, map[string]any{"licenseKey": b.key("acme"), "gitlabVersion": "16.9.2-ee"})
			require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
			var r reply
			require.NoError(t, json.Unmarshal(a.body, &r))
			golden(t, name, a.body, r.Data.Access.ServiceToken.Token, "TOKEN")
		})
	}
}

func TestGraphQLErrors(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/invalid-licence")
	b := start(t)
	key := b.key("acme")
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
	}{
		"error_invalid_license":  {selection18, map[string]any{"licenseKey": "garbled", "gitlabVersion": "16.9.2"}},
		"error_syntax":           {"query { cloudConnectorAccess(", nil},
		"error_unknown_field":    {`{ cloudConnectorAccess(licenseKey: "a") { serviceTokens { token } } }`, nil},
		"error_missing_variable": {selection18, map[string]any{"licenseKey": key}},
		"error_null_variable":    {selection18, map[string]any{"licenseKey": nil, "gitlabVersion": "16.9.2"}},
		"error_wrong_type":       {selection18, map[string]any{"licenseKey": 5, "gitlabVersion": "16.9.2"}},
		"error_bad_version":      {selection18, map[string]any{"licenseKey": key, "gitlabVersion": "sixteen"}},
		"error_no_query":         {" ", nil},
		"error_subscription":     {"subscription { anything }", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.graphql(c.query, c.variables)
			golden(t, name, a.body)
			require.NotEmpty(t, b.last().Detail)
			require.Nil(t, b.last().Issued)
		})
	}
}

const activate = `mutation($activationCode: String!, $instanceIdentifier: String!, $automated: Boolean!, $gitlabVersion: String!, $hostname: String!) {
  cloudActivationActivate(input: {activationCode: $activationCode, instanceIdentifier: $instanceIdentifier, automated: $automated, gitlabVersion: $gitlabVersion, hostname: $hostname}) {
    licenseKey
    futureSubscriptions { cloudLicenseEnabled offlineCloudLicenseEnabled plan company email name startsAt expiresAt usersInLicenseCount }
    newSubscription
    errors
  }
}`

func activation(code, instance string) map[string]any {
	return map[string]any{
		"activationCode": code, "instanceIdentifier": instance, "automated": false,
		"gitlabVersion": "16.9.2-ee", "hostname": "acme.test",
	}
}

func TestActivation(t *testing.T) {
	fidelity.Proves(t, "customersdot/claims/sub", "customersdot/activation/answer")
	b := start(t)
	acme, _ := b.world.Instance("acme")
	museum, _ := b.world.Instance("museum")
	pauper, _ := b.world.Instance("pauper")
	b.must(control.ActionRenewLicense, control.RenewRequest{Instance: "acme", License: catalog.License{
		StartsAt: now.AddDate(1, 0, 0), Plan: catalog.PlanPremium,
	}})

	a := b.graphql(activate, activation(" "+acme.ActivationCode()+"\n", "uuid-of-the-instance"))
	golden(t, "activation", a.body, quoted(t, b.key("acme")), "KEY")
	require.Equal(t, "uuid-of-the-instance", b.token("acme", "16.9.2").Text("sub"), "the token is for the instance that was activated")

	a = b.graphql(activate, activation("no-such-code", "uuid"))
	golden(t, "activation_wrong_code", a.body)
	require.Equal(t, customersdotstub.ReasonInvalidCode, b.last().Reason)
	require.Equal(t, "uuid-of-the-instance", b.token("acme", "16.9.2").Text("sub"))

	for name, variables := range map[string]map[string]any{
		"legacy":              activation(museum.ActivationCode(), "uuid"),
		"nothing sold":        activation(pauper.ActivationCode(), "uuid"),
		"no instance":         activation(acme.ActivationCode(), ""),
		"endless instance id": activation(acme.ActivationCode(), string(make([]byte, 256))),
	} {
		a := b.graphql(activate, variables)
		require.Contains(t, string(a.body), `"licenseKey":null`, name)
		require.NotContains(t, string(a.body), `"errors":[]`, name)
	}

	b.must(control.ActionRevokeLicense, control.InstanceRequest{Instance: "acme"})
	a = b.graphql(activate, activation(acme.ActivationCode(), "uuid"))
	require.Contains(t, string(a.body), `"errors":["The subscription is not active"]`)
	require.Equal(t, customersdotstub.ReasonRevoked, b.last().Reason)
}

func TestSeatLink(t *testing.T) {
	fidelity.Proves(t, "customersdot/claims/sub", "customersdot/seat-link/answer")
	b := start(t)
	key := b.key("acme")

	a := b.post("/api/v1/seat_links", report(key))
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	golden(t, "seat_link", a.body)
	require.Contains(t, b.last().Detail, `"acme" holds licence 1 and reports 10 billable users, 12 at most, code_suggestions 3/10`)
	require.Equal(t, "7f1e7f5e-0000-4000-8000-000000000001", b.token("acme", "16.9.2").Text("sub"),
		"the token is for the instance that was last seen to hold the licence")

	b.buy("duo_pro", 5)
	b.must(control.ActionRenewLicense, control.RenewRequest{Instance: "acme", License: catalog.License{StartsAt: now.AddDate(1, 0, 0)}})
	a = b.post("/api/v1/seat_links", report(key))
	var r struct {
		License string `json:"license"`
	}
	require.NoError(t, json.Unmarshal(a.body, &r))
	require.NotEmpty(t, r.License)
	golden(t, "seat_link_news", a.body, quoted(t, r.License), "KEY")

	require.Empty(t, b.seatLink(r.License), "who holds the newest licence gets none")
	b.clock.Advance(366 * 24 * time.Hour)
	renewed := b.seatLink(r.License)
	require.NotEmpty(t, renewed, "the renewal has started")
	require.Empty(t, b.seatLink(renewed))

	b.must(control.ActionRevokeLicense, control.InstanceRequest{Instance: "acme"})
	require.Empty(t, b.seatLink(key), "nothing is handed out on a revoked subscription")
}

func TestOlderSeatLinksAreGood(t *testing.T) {
	b := start(t)
	a := b.post("/api/v1/seat_links", map[string]any{
		"date": "2024-02-14", "license_key": b.key("acme"), "max_historical_user_count": 12, "active_users": 9,
	})
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	require.Contains(t, b.last().Detail, "9 billable users")
}

func TestSeatLinkNamesEveryBadField(t *testing.T) {
	fidelity.Proves(t, "customersdot/seat-link/errors")
	b := start(t)
	a := b.post("/api/v1/seat_links", map[string]any{})
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	golden(t, "seat_link_empty", a.body)

	a = b.post("/api/v1/seat_links", map[string]any{
		"license_key": 7, "timestamp": "yesterday", "max_historical_user_count": "12", "billable_users_count": 1.5,
		"gitlab_version": "sixteen", "hostname": []int{}, "instance_id": string(make([]byte, 300)), "add_on_metrics": []any{1},
	})
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	golden(t, "seat_link_bad", a.body)
	require.Contains(t, b.last().Detail, "timestamp is invalid")

	good := report(b.key("acme"))
	for field, values := range map[string][]any{
		"license_key":               {nil, "", " ", "garbled", b.key("museum"), 5, []any{}},
		"timestamp":                 {nil, "", "2024-02-14", 5},
		"max_historical_user_count": {nil, "", -1, 0.5, 1e300, map[string]any{}},
		"billable_users_count":      {"ten", -1, true},
		"add_on_metrics":            {"all", map[string]any{}, []any{nil}, []any{map[string]any{"add_on_type": "duo_pro"}}},
	} {
		for _, value := range values {
			body := map[string]any{}
			for k, v := range good {
				body[k] = v
			}
			body[field] = value
			a := b.post("/api/v1/seat_links", body)
			require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s: %v", field, value)
			var refused struct {
				Errors map[string][]string `json:"errors"`
				Map    map[string][]string `json:"error_attribute_map"`
			}
			require.NoError(t, json.Unmarshal(a.body, &refused))
			require.Len(t, refused.Errors, 1, "%s: %v: %s", field, value, a.body)
			require.Len(t, refused.Errors[field], 1, "%s: %v: %s", field, value, a.body)
			require.Len(t, refused.Map[field], 1)
		}
	}
	require.Empty(t, b.seatLink(b.key("island")), "the licence of an offline instance is known")
}

func TestReconciliation(t *testing.T) {
	year := catalog.License{StartsAt: now.AddDate(0, -1, 0), ExpiresAt: now.AddDate(0, 11, 0)}
	changed := func(f func(*catalog.License)) *catalog.License { l := year; f(&l); return &l }
	w := world.World{Now: now}
	for name, l := range map[string]*catalog.License{
		"year":    &year,
		"two":     changed(func(l *catalog.License) { l.ExpiresAt = l.ExpiresAt.AddDate(1, 0, 0) }),
		"trial":   changed(func(l *catalog.License) { l.Trial = true }),
		"offline": changed(func(l *catalog.License) { l.Kind = catalog.OfflineCloud }),
		"endless": changed(func(l *catalog.License) { l.NoExpiry = true }),
	} {
		w.Instances = append(w.Instances, world.Instance{Name: name, Realm: world.SelfManaged, License: l})
	}
	complete(t, &w)
	b := startIn(t, w)
	for _, c := range []struct {
		instance   string
		months     int
		next, from string
	}{
		{"year", 0, "2024-04-14", "2024-04-07"},
		{"year", 2, "2024-07-14", "2024-07-07"}, // the day itself has come
		{"year", 7, "2024-10-14", "2024-10-07"},
		{"year", 8, "", ""}, // the rest is for the renewal
		{"two", 8, "2025-01-14", "2025-01-07"},
		{"two", 23, "", ""},
		{"trial", 0, "", ""},
		{"offline", 0, "", ""},
		{"endless", 0, "", ""},
	} {
		b.clock.Set(now.AddDate(0, c.months, 0))
		a := b.post("/api/v1/seat_links", report(b.key(c.instance)))
		require.Equal(t, http.StatusOK, a.status)
		var r map[string]any
		require.NoError(t, json.Unmarshal(a.body, &r))
		if c.next == "" {
			require.Nil(t, r["next_reconciliation_date"], c)
			require.Nil(t, r["display_alert_from"], c)
			continue
		}
		require.Equal(t, c.next, r["next_reconciliation_date"], c)
		require.Equal(t, c.from, r["display_alert_from"], c)
	}
}
