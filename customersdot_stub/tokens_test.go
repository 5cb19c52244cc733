package customersdotstub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
)

func TestClaims(t *testing.T) {
	fidelity.Proves(t,
		"customersdot/claims/lifetime", "customersdot/claims/realm", "customersdot/claims/sub",
		"customersdot/claims/instance-uid",
	)
	b := start(t)
	d := b.token("fort", "17.8.0-ee")
	fort, _ := b.world.Instance("fort")
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, d.Claims["jti"])
	require.Regexp(t, `^[0-9a-f-]{36}$`, d.Claims["gitlab_instance_uid"])
	require.NotEqual(t, fort.UUID, d.Claims["gitlab_instance_uid"])
	require.Equal(t, map[string]any{
		"jti": d.Claims["jti"], "gitlab_instance_uid": d.Claims["gitlab_instance_uid"],
		"iss": portal, "aud": []any{"gitlab-ai-gateway", "gitlab-security-gateway"}, "sub": fort.UUID,
		"gitlab_realm": "self-managed",
		"scopes":       []any{"new_feature_scope", "documentation_search", "duo_chat", "ask_issue", "security_scans"},
		"iat":          float64(now.Unix()), "nbf": float64(now.Unix() - 5), "exp": float64(now.Unix() + 3*24*3600),
	}, d.Claims)
	require.Equal(t, "RS256", d.Header["alg"])
	require.Equal(t, "JWT", d.Header["typ"])

	entry := b.last()
	require.Equal(t, d.Claims["jti"], entry.Issued.ID)
	require.Equal(t, token.Digest(d.Raw), entry.Issued.Digest)
	require.Equal(t, d.Claims, entry.Issued.Claims)
	require.Len(t, entry.Scopes, 5)

	require.NotEqual(t, d.Claims["jti"], b.token("fort", "17.8.0-ee").Claims["jti"])
}

func TestTheTokenIsGoodForABackend(t *testing.T) {
	for _, slash := range []bool{false, true} {
		w := given(t)
		env, clk := stubtest.Env(w)
		ln := listen(t)
		s, err := customersdotstub.New(env, customersdotstub.Options{
			URL: "http://" + ln.Addr().String(), Keys: tokentest.Pool(), Features: features(t, tutorial), IssuerSlash: slash,
		})
		require.NoError(t, err)
		require.NoError(t, s.Seed(w))
		b := &bed{t, s, env, clk, w, serve(t, ln, s.Handler())}

		issuer := token.Issuer{Name: "CustomersDot", URL: b.url}
		if slash {
			issuer.Identifier = b.url + "/"
		}
		verifier := &token.Verifier{
			Keys:     token.NewRemoteKeys(clk, nil, []token.Issuer{issuer}, token.RemoteOptions{}),
			Audience: catalog.DefaultAudience, Clock: clk,
		}
		raw := b.token("acme", "16.9.2").Raw
		verified, err := verifier.Verify(t.Context(), raw)
		require.NoError(t, err)
		require.NoError(t, verified.RequireScope("new_feature_scope"))

		b.stub.Skew(customersdotstub.Name).Set(6 * time.Second)
		_, err = verifier.Verify(t.Context(), b.token("acme", "16.9.2").Raw)
		var refusal *token.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, token.NotYetValid, refusal.Reason, "nbf forgives five seconds only")

		clk.Advance(3 * 24 * time.Hour)
		_, err = verifier.Verify(t.Context(), raw)
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, token.Expired, refusal.Reason)
	}
}

func TestDuoSeatCount(t *testing.T) {
	fidelity.Proves(t, "customersdot/claims/seat-count")
	b := start(t)
	require.NotContains(t, b.token("acme", "16.9.2").Claims, "duo_seat_count")
	b.buy("duo_amazon_q", 50)
	require.NotContains(t, b.token("acme", "16.9.2").Claims, "duo_seat_count")
	b.buy("duo_pro", 20)
	b.buy("code_suggestions", 30) // the older name of Duo Pro
	require.NotContains(t, b.token("acme", "16.9.2").Claims, "duo_seat_count", "seats are those of the licence that is shown")
	require.EqualValues(t, 30, b.tokenFor(b.seatLink(b.key("acme")), "16.9.2").Claims["duo_seat_count"])
	b.buy("duo_enterprise", 5)
	require.EqualValues(t, 5, b.tokenFor(b.seatLink(b.key("acme")), "16.9.2").Claims["duo_seat_count"], "GitLab keeps Enterprise alone")
}

func TestTheCutOffPasses(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/free-until-cut-off")
	b := start(t)
	require.Contains(t, b.token("acme", "16.9.2").List("scopes"), "new_feature_scope")
	require.Equal(t, string(catalog.RuleFreeAccess), b.scope("new_feature_scope").Rule)

	b.clock.Advance(2 * time.Hour)
	require.NotContains(t, b.token("acme", "16.9.2").List("scopes"), "new_feature_scope")
	dropped := b.scope("new_feature_scope")
	require.False(t, dropped.Granted)
	require.Equal(t, string(catalog.RuleAddOnMissing), dropped.Rule)
	require.Contains(t, dropped.Why, "duo_pro")
	require.Equal(t, string(catalog.RuleNoCutOff), b.scope("security_scans").Rule)

	b.buy("duo_pro", 10)
	require.Contains(t, b.token("acme", "16.9.2").List("scopes"), "new_feature_scope", "a purchase counts at once")
	require.Equal(t, string(catalog.RuleAddOn), b.scope("new_feature_scope").Rule)

	b.must(control.ActionCancelAddOn, control.CancelRequest{Instance: "acme", AddOn: "duo_pro"})
	require.NotContains(t, b.token("acme", "16.9.2").List("scopes"), "new_feature_scope")
	require.Equal(t, string(catalog.RuleAddOnExpired), b.scope("new_feature_scope").Rule)
}

func TestATokenWithoutScopesKeepsItsAudiences(t *testing.T) {
	b := start(t, func(o *customersdotstub.Options) { o.Features = features(t, tutorial) })
	b.clock.Advance(2 * time.Hour)
	d := b.token("acme", "16.9.2")
	require.Equal(t, []any{}, d.Claims["scopes"])
	require.Equal(t, []any{"gitlab-ai-gateway"}, d.Claims["aud"])
}

func TestTheVersionIsThatOfTheRequest(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/minimum-version")
	b := start(t)
	key := b.key("acme")
	require.NotContains(t, b.token("acme", "16.7.9").List("scopes"), "duo_chat")
	require.Equal(t, string(catalog.RuleVersionTooLowForFreeAccess), b.scope("duo_chat").Rule)
	require.Contains(t, b.token("acme", "16.8.0-pre").List("scopes"), "duo_chat")

	r := b.access(key, "16.7.9")
	for _, s := range r.Data.Access.AvailableServices {
		require.NotEqual(t, "duo_chat", s.Name, "the version is too low for it")
	}

	// Instances of the first 16.9 do not send their version in the query.
	const older = `query($licenseKey: String!) { cloudConnectorAccess(licenseKey: $licenseKey) { serviceToken { token expiresAt } } }`
	for name, c := range map[string]struct {
		headers []string
		free    bool
	}{
		"the User-Agent tells":              {[]string{"User-Agent", "GitLab/16.8.4-ee"}, true},
		"it tells an older one":             {[]string{"User-Agent", "GitLab/16.7.4-ee"}, false},
		"X-Gitlab-Version goes first":       {[]string{"X-Gitlab-Version", "16.8.0", "User-Agent", "GitLab/16.7.4"}, true},
		"a bad one is passed over":          {[]string{"X-Gitlab-Version", "?", "User-Agent", "GitLab/16.8.0 (x)"}, true},
		"another agent says nothing":        {[]string{"User-Agent", "16.9.0"}, false},
		"unknown is lower than any minimum": {nil, false},
	} {
		b.graphql(older, map[string]any{"licenseKey": key}, c.headers...)
		require.Equal(t, c.free, b.scope("duo_chat").Granted, name)
		require.True(t, b.scope("security_scans").Granted, name)
	}
}

func TestWhoGetsAToken(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/offline-licence", "customersdot/access/grace")
	day := 24 * time.Hour
	terms := func(l catalog.License) *catalog.License {
		if l.StartsAt.IsZero() {
			l.StartsAt = now.Add(-90 * day)
		}
		return &l
	}
	w := world.World{Now: now}
	cases := map[string]struct {
		license *catalog.License
		reason  string // of the null token
	}{
		"online":            {terms(catalog.License{}), ""},
		"premium":           {terms(catalog.License{Plan: catalog.PlanPremium}), ""},
		"trial":             {terms(catalog.License{Trial: true}), ""},
		"offline":           {terms(catalog.License{Kind: catalog.OfflineCloud}), ""},
		"never-expires":     {terms(catalog.License{NoExpiry: true}), ""},
		"in-grace":          {terms(catalog.License{ExpiresAt: now.Add(-10 * day)}), ""},
		"past-grace":        {terms(catalog.License{ExpiresAt: now.Add(-15 * day)}), "license_expired"},
		"not-started":       {terms(catalog.License{StartsAt: now.Add(day)}), "license_not_started"},
		"not-yet-activated": {terms(catalog.License{}), ""},
	}
	for name, c := range cases {
		w.Instances = append(w.Instances, world.Instance{
			Name: name, Realm: world.SelfManaged, License: c.license, NotActivated: name == "not-yet-activated",
		})
	}
	complete(t, &w)
	b := startIn(t, w)
	for name, c := range cases {
		r := b.access(b.key(name), "16.9.2")
		require.Empty(t, r.Errors, name)
		require.Equal(t, c.reason, b.last().Reason, name)
		if c.reason != "" {
			require.Nil(t, r.Data.Access.ServiceToken, name)
			require.Nil(t, b.last().Issued, name)
			continue
		}
		require.NotNil(t, r.Data.Access.ServiceToken, name)
		require.NotEmpty(t, b.last().Issued.Claims["scopes"], name)
	}
}

func TestInvalidLicense(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/invalid-licence")
	b := start(t)
	acme, _ := b.world.Instance("acme")
	good := b.key("acme")
	file, err := world.ParseLicenseKey(good)
	require.NoError(t, err)
	spoilt := func(f func(*world.LicenseFile)) string {
		copied := file
		f(&copied)
		return copied.Key()
	}
	for name, c := range map[string]struct{ key, why string }{
		"empty":               {"", "does not hold a licence"},
		"no base64":           {"not base64!", "not base64"},
		"cut short":           {good[:len(good)/2], ""},
		"activation code":     {acme.ActivationCode(), "does not hold a licence"},
		"legacy":              {b.key("museum"), "legacy"},
		"of nobody":           {spoilt(func(f *world.LicenseFile) { f.Subscription = "nobody" }), `no licence was sold to "nobody"`},
		"to be sold later":    {spoilt(func(f *world.LicenseFile) { f.ID = 2 }), "licence 2"},
		"number 0":            {spoilt(func(f *world.LicenseFile) { f.ID = 0 }), "licence 0"},
		"another plan":        {spoilt(func(f *world.LicenseFile) { f.Plan = "free" }), "not as it was sold"},
		"made everlasting":    {spoilt(func(f *world.LicenseFile) { f.ExpiresAt = time.Time{} }), "not as it was sold"},
		"with more add-ons":   {spoilt(func(f *world.LicenseFile) { f.AddOnProducts = map[string][]world.AddOnProduct{"duo_pro": {{}}} }), "not as it was sold"},
		"unlicensed instance": {spoilt(func(f *world.LicenseFile) { f.Subscription = "pauper" }), "never sold"},
		"GitLab.com":          {spoilt(func(f *world.LicenseFile) { f.Subscription = "gitlab" }), "never sold"},
	} {
		r := b.access(c.key, "16.9.2")
		require.Len(t, r.Errors, 1, name)
		require.Equal(t, "Invalid cloud license", r.Errors[0].Message, name)
		require.Nil(t, r.Data.Access, name)
		require.Equal(t, customersdotstub.ReasonInvalidLicense, b.last().Reason, name)
		require.Contains(t, b.last().Detail, c.why, name)
		require.Equal(t, http.StatusOK, b.last().Status, name)
	}
	moved := spoilt(func(f *world.LicenseFile) { f.StartsAt = f.StartsAt.Add(time.Second) })
	require.Empty(t, b.access(moved, "16.9.2").Errors, "an instance may have been started a second later")
}

func TestEarlierKeysStayUsable(t *testing.T) {
	b := start(t)
	first := b.key("acme")
	b.buy("duo_enterprise", 3)
	second := b.seatLink(first)
	b.must(control.ActionRenewLicense, control.RenewRequest{Instance: "acme"})
	third := b.seatLink(second)
	require.NotEqual(t, first, second)
	require.NotEqual(t, second, third)
	b.clock.Set(time.Date(2024, 10, 20, 0, 0, 0, 0, time.UTC))
	for _, key := range []string{first, second, third} {
		require.Contains(t, b.tokenFor(key, "17.0.0").List("scopes"), "ask_issue", "every key stands for the subscription as it is now")
	}
	sold, err := world.ParseLicenseKey(second)
	require.NoError(t, err)
	require.Equal(t, map[string][]world.AddOnProduct{"duo_enterprise": {{Quantity: 3}}}, sold.AddOnProducts)
}

func TestRevocationAndRenewal(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/revoked")
	b := start(t)
	key := b.key("acme")
	b.must(control.ActionRevokeLicense, control.InstanceRequest{Instance: "acme"})
	a := b.graphql(selection18, map[string]any{"licenseKey": key, "gitlabVersion": "16.9.2"})
	require.Contains(t, string(a.body), `"serviceToken":null,"catalog":{`)
	require.NotContains(t, string(a.body), `"errors"`)
	require.Equal(t, customersdotstub.ReasonRevoked, b.last().Reason)
	require.NotNil(t, b.token("fort", "17.8.0"), "others are not affected")

	b.must(control.ActionRenewLicense, control.RenewRequest{Instance: "acme"})
	require.NotNil(t, b.tokenFor(key, "16.9.2"))
}

func TestARenewalIsInForceFromItsStart(t *testing.T) {
	w := given(t)
	for n := range w.Instances {
		if w.Instances[n].Name == "acme" {
			w.Instances[n].License = &catalog.License{StartsAt: now.AddDate(-1, 0, 0), ExpiresAt: now.AddDate(0, 0, 1)}
		}
	}
	complete(t, &w)
	b := startIn(t, w)
	first := b.key("acme")
	b.must(control.ActionRenewLicense, control.RenewRequest{Instance: "acme", License: catalog.License{StartsAt: now.AddDate(0, 0, 10)}})
	b.buy("duo_pro", 10)
	present := b.seatLink(first)
	held, err := world.ParseLicenseKey(present)
	require.NoError(t, err)
	require.Equal(t, now.AddDate(0, 0, 1), held.ExpiresAt, "until then the purchase comes in a licence of the present period")

	b.clock.Set(now.AddDate(0, 0, 11))
	next, err := world.ParseLicenseKey(b.seatLink(present))
	require.NoError(t, err)
	require.Equal(t, now.AddDate(1, 0, 10), next.ExpiresAt)
	require.Contains(t, next.AddOnProducts, "duo_pro")
	b.clock.Set(now.AddDate(0, 6, 0))
	require.NotNil(t, b.tokenFor(first, "16.9.2"), "the first licence alone would be past its grace")
}

func TestSeatLinksOfTwoInstancesWithOneLicence(t *testing.T) {
	b := start(t)
	key := b.key("acme")
	for _, id := range []string{"one", "other", "one"} {
		body := report(key)
		body["instance_id"], body["unique_instance_id"] = id, "uid-of-"+id
		require.Equal(t, http.StatusOK, b.post("/api/v1/seat_links", body).status)
		d := b.token("acme", "16.9.2")
		require.Equal(t, id, d.Text("sub"))
		require.Equal(t, "uid-of-"+id, d.Text("gitlab_instance_uid"))
	}
}
