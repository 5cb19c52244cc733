package customersdotstub_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

// resolve asks whether a consumer has credits. Query and headers come in pairs.
func (b *bed) resolve(query []string, headers ...string) answer {
	b.t.Helper()
	values := url.Values{}
	for n := 0; n < len(query); n += 2 {
		values.Set(query[n], query[n+1])
	}
	a := b.send(http.MethodHead, "/api/v1/consumers/resolve?"+values.Encode(), "", nil, headers...)
	require.Empty(b.t, a.body)
	return a
}

// checksum is what GitLab shows of its licence in place of the whole of it.
func checksum(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

var admin = []string{"X-Admin-Email", "gl_com_api@gitlab.com", "X-Admin-Token", "customer_admin_token"}

// ofInstance is how the AI gateway and GitLab name a self-managed consumer.
func ofInstance(id string) []string {
	return []string{"user_id", "1", "realm", "self-managed", "unique_instance_id", id}
}

func (b *bed) credits(instance string, state world.Credits) {
	b.t.Helper()
	b.must(control.ActionCredits, control.CreditsRequest{Instance: instance, State: string(state)})
}

func TestCredits(t *testing.T) {
	fidelity.Proves(t, "customersdot/credits/statuses")
	w := given(t)
	for n := range w.Instances {
		if w.Instances[n].Name == "fort" {
			w.Instances[n].Credits = world.CreditsExhausted
		}
	}
	w.Instances = append(w.Instances, world.Instance{
		Name: "lapsed", Realm: world.SelfManaged, License: &catalog.License{StartsAt: now.AddDate(-2, 0, 0), ExpiresAt: now.AddDate(-1, 0, 0)},
	})
	complete(t, &w)
	b := startIn(t, w)
	id := func(name string) string { i, _ := w.Instance(name); return i.UUID }
	for _, c := range []struct {
		name, instance string
		status         int
		reason         string
	}{
		{"credits are left", "acme", http.StatusOK, ""},
		{"the world says that there are none", "fort", http.StatusPaymentRequired, customersdotstub.ReasonNoCredits},
		{"no licence", "pauper", http.StatusForbidden, customersdotstub.ReasonNoEntitlement},
		{"past its grace", "lapsed", http.StatusForbidden, string(catalog.RuleLicenseExpired)},
	} {
		require.Equal(t, c.status, b.resolve(ofInstance(id(c.instance)), admin...).status, c.name)
		require.Equal(t, c.reason, b.last().Reason, c.name)
		require.Equal(t, "consumers.resolve", b.last().Route)
	}

	ask := func() int { return b.resolve(ofInstance(id("acme")), admin...).status }
	b.credits("acme", world.CreditsExhausted)
	require.Equal(t, http.StatusPaymentRequired, ask())
	b.credits("acme", world.CreditsNone)
	require.Equal(t, http.StatusForbidden, ask())
	require.Equal(t, customersdotstub.ReasonNoEntitlement, b.last().Reason)
	b.credits("acme", "")
	require.Equal(t, http.StatusOK, ask())
	b.must(control.ActionRevokeLicense, control.InstanceRequest{Instance: "acme"})
	require.Equal(t, http.StatusForbidden, ask())
	require.Equal(t, customersdotstub.ReasonRevoked, b.last().Reason)

	for _, bad := range []control.CreditsRequest{{Instance: "acmee", State: "left"}, {Instance: "acme", State: "lefft"}} {
		_, err := do[any](b, control.ActionCredits, bad)
		require.ErrorContains(t, err, "did you mean")
	}
}

func TestWhoAsksForCredits(t *testing.T) {
	fidelity.Proves(t, "customersdot/credits/callers", "customersdot/credits/query")
	b := start(t)
	acme, _ := b.world.Instance("acme")
	b.credits("acme", world.CreditsExhausted)
	b.credits("gitlab", world.CreditsExhausted)
	own := []string{"X-License-Token", checksum(b.key("acme"))}
	uid := b.token("acme", "18.9.0").Text("gitlab_instance_uid")
	for name, c := range map[string]struct {
		query, headers []string
		status         int
	}{
		"the instance by its licence":           {ofInstance("whatever"), own, http.StatusPaymentRequired},
		"by another licence":                    {ofInstance(acme.UUID), []string{"X-License-Token", checksum("?")}, http.StatusForbidden},
		"the AI gateway by the token's claim":   {ofInstance(uid), admin, http.StatusPaymentRequired},
		"by the instance id":                    {ofInstance(acme.UUID), admin, http.StatusPaymentRequired},
		"by an id of nobody":                    {ofInstance("nobody"), admin, http.StatusForbidden},
		"GitLab.com for a group":                {[]string{"user_id", "1", "realm", "saas", "root_namespace_id", "9"}, admin, http.StatusPaymentRequired},
		"without any credentials":               {ofInstance(acme.UUID), nil, http.StatusUnauthorized},
		"with half of them":                     {ofInstance(acme.UUID), admin[:2], http.StatusUnauthorized},
		"without the user":                      {[]string{"realm", "self-managed", "unique_instance_id", acme.UUID}, admin, http.StatusBadRequest},
		"without the realm":                     {[]string{"user_id", "1", "unique_instance_id", acme.UUID}, admin, http.StatusBadRequest},
		"with neither namespace nor instance":   {[]string{"user_id", "1", "realm", "saas"}, admin, http.StatusBadRequest},
		"a self-managed one by GitLab.com's id": {ofInstance(uuidOf(b, "gitlab")), admin, http.StatusForbidden},
	} {
		require.Equal(t, c.status, b.resolve(c.query, c.headers...).status, name)
	}
	require.Equal(t, http.StatusMethodNotAllowed, b.send(http.MethodGet, "/api/v1/consumers/resolve", "", nil).status)
}

func uuidOf(b *bed, name string) string { i, _ := b.world.Instance(name); return i.UUID }

func TestCreditsMayBeRemembered(t *testing.T) {
	fidelity.Proves(t, "customersdot/credits/max-age")
	w := given(t)
	b := startIn(t, w)
	ask := func() answer { return b.resolve(ofInstance(uuidOf(b, "acme")), admin...) }
	require.Equal(t, "max-age=3600", ask().header.Get("Cache-Control"))
	b.credits("acme", world.CreditsExhausted)
	require.Equal(t, "max-age=3600", ask().header.Get("Cache-Control"), "a refusal is remembered too")

	w.CustomersDot.CreditsMaxAge = 90 * time.Second
	require.NoError(t, b.stub.Seed(w))
	require.Equal(t, "max-age=90", ask().header.Get("Cache-Control"))
}
