package customersdotstub_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
)

func TestActionsRefuseWhatCannotBeDone(t *testing.T) {
	b := start(t)
	buy := func(instance string, p catalog.Purchase) control.PurchaseRequest {
		return control.PurchaseRequest{Instance: instance, Purchase: p}
	}
	for name, c := range map[string]struct {
		action string
		args   any
		want   string
	}{
		"no instance":         {control.ActionPurchase, buy("", catalog.Purchase{AddOn: "duo_pro"}), "instance: missing"},
		"misspelt instance":   {control.ActionPurchase, buy("acmee", catalog.Purchase{AddOn: "duo_pro"}), `did you mean "acme"?`},
		"unlicensed instance": {control.ActionPurchase, buy("pauper", catalog.Purchase{AddOn: "duo_pro"}), "has no licence"},
		"no add-on":           {control.ActionPurchase, buy("acme", catalog.Purchase{}), "needs an add_on"},
		"negative seats":      {control.ActionPurchase, buy("acme", catalog.Purchase{AddOn: "duo_pro", Seats: -1}), "seats"},
		"nothing to cancel":   {control.ActionCancelAddOn, control.CancelRequest{Instance: "acme", AddOn: "duo_pro"}, `no "duo_pro" to cancel`},
		"backward renewal": {control.ActionRenewLicense, control.RenewRequest{
			Instance: "acme", License: catalog.License{StartsAt: now, ExpiresAt: now.Add(-time.Hour)},
		}, "before it starts"},
		"unknown step":        {control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: "swap"}, `unknown step "swap"`},
		"rotation of one key": {control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: "rotate"}, "exactly 2 keys, found 1"},
		"trim of one key":     {control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: "trim"}, "single key"},
		"broken catalogue":    {control.ActionCatalog, control.CatalogRequest{YAML: "services: ["}, "catalog"},
		"empty catalogue":     {control.ActionCatalog, control.CatalogRequest{}, "catalog"},
		"unknown to forge":    {control.ActionSign, control.SignRequest{Service: "customersdot", Instance: "acmee"}, `did you mean "acme"?`},
	} {
		_, err := do[any](b, c.action, c.args)
		require.ErrorContains(t, err, c.want, name)
		require.NotErrorIs(t, err, control.ErrNotHere, name)
	}
	require.Contains(t, b.token("acme", "16.9.2").List("scopes"), "new_feature_scope")
}

func TestWhatBelongsToOthersIsPassedOn(t *testing.T) {
	b := start(t)
	for action, args := range map[string]any{
		control.ActionPurchase:      control.PurchaseRequest{Instance: "gitlab", Purchase: catalog.Purchase{AddOn: "duo_pro"}},
		control.ActionCancelAddOn:   control.CancelRequest{Instance: "gitlab", AddOn: "duo_pro"},
		control.ActionRevokeLicense: control.InstanceRequest{Instance: "gitlab"},
		control.ActionSign:          control.SignRequest{Service: "gitlab"},
		control.ActionRotateKeys:    control.KeysRequest{Service: "acme", Step: "list"},
	} {
		_, err := do[any](b, action, args)
		require.ErrorIs(t, err, control.ErrNotHere, action)
	}
}

func TestACancelledPurchaseThatHadNoDayIsGone(t *testing.T) {
	b := start(t)
	b.clock.Advance(2 * time.Hour)
	b.must(control.ActionPurchase, control.PurchaseRequest{Instance: "acme", Purchase: catalog.Purchase{
		AddOn: "code_suggestions", StartsOn: now.AddDate(0, 0, 5),
	}})
	b.token("acme", "16.9.2")
	require.Equal(t, string(catalog.RuleAddOnNotStarted), b.scope("new_feature_scope").Rule)
	b.must(control.ActionCancelAddOn, control.CancelRequest{Instance: "acme", AddOn: "duo_pro"})
	b.token("acme", "16.9.2")
	require.Equal(t, string(catalog.RuleAddOnMissing), b.scope("new_feature_scope").Rule)
}

func TestForgery(t *testing.T) {
	b := start(t)
	published := b.token("acme", "16.9.2").Header["kid"]
	forge := func(r control.SignRequest) *token.Decoded {
		r.Service = customersdotstub.Name
		result, err := do[control.TokenResult](b, control.ActionSign, r)
		require.NoError(t, err)
		d, err := token.Decode(result.Raw)
		require.NoError(t, err)
		require.Equal(t, d.Claims, result.Token.Claims)
		require.Equal(t, token.Digest(result.Raw), result.Token.Digest)
		return d
	}

	acme, _ := b.world.Instance("acme")
	plain := forge(control.SignRequest{})
	require.Equal(t, acme.UUID, plain.Text("sub"), "the first licensed instance, if none is named")
	require.Contains(t, plain.List("scopes"), "new_feature_scope")

	d := forge(control.SignRequest{
		Instance: "pauper",
		Claims:   map[string]any{"scopes": []string{"anything"}, "exp": nil, "aud": "elsewhere", "more": map[string]any{"a": 1}},
		Header:   map[string]any{"typ": nil, "alg": "none"},
	})
	require.Equal(t, []string{"anything"}, d.List("scopes"))
	require.NotContains(t, d.Claims, "exp")
	require.Equal(t, "elsewhere", d.Claims["aud"])
	require.Equal(t, map[string]any{"a": 1.0}, d.Claims["more"])
	require.Equal(t, map[string]any{"alg": "none", "kid": published}, d.Header)
	require.EqualValues(t, now.Unix(), d.Claims["iat"])

	stranger := forge(control.SignRequest{Instance: "acme", Stranger: true})
	require.NotEqual(t, published, stranger.Header["kid"])
	require.Len(t, stranger.Header["kid"], 43)
	require.Equal(t, published, forge(control.SignRequest{Stranger: true, Header: map[string]any{"kid": published}}).Header["kid"])
}

func TestRotation(t *testing.T) {
	b := start(t)
	step := func(name string) control.KeysResult {
		r, err := do[control.KeysResult](b, control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: name})
		require.NoError(t, err, name)
		require.Equal(t, r.Signing, b.token("acme", "16.9.2").Header["kid"], name)
		return r
	}
	first := step("list")
	require.Equal(t, []string{first.Signing}, first.Published)

	created := step("create")
	require.Equal(t, first.Signing, created.Signing, "the new key is published ahead")
	require.Len(t, created.Published, 2)
	require.Equal(t, first.Signing, created.Published[0])
	next := created.Published[1]
	_, err := do[any](b, control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: "create"})
	require.ErrorContains(t, err, "trim first")

	require.Equal(t, control.KeysResult{Published: []string{next, first.Signing}, Signing: next}, step("rotate"))
	require.Equal(t, first.Signing, step("rotate").Signing, "a second rotation takes it back")
	step("rotate")
	require.Equal(t, control.KeysResult{Published: []string{next}, Signing: next}, step("trim"))
	require.NotContains(t, step("create").Published, first.Signing, "a key that was dropped does not come back")

	require.NoError(t, b.stub.Seed(b.world))
	require.Equal(t, first, step("list"), "a new world begins with the first key")
	require.Equal(t, next, step("create").Published[1], "keys are the same for the same steps")
}

// TestRotationWithoutRestart: the processes that issue tokens have loaded the key, and keep
// it until they are restarted.
func TestRotationWithoutRestart(t *testing.T) {
	fidelity.Proves(t, "customersdot/keys/loaded")
	b := start(t)
	step := func(name string, running bool) control.KeysResult {
		r, err := do[control.KeysResult](b, control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: name, NoRestart: running})
		require.NoError(t, err, name)
		require.Equal(t, r.Signing, b.token("acme", "16.9.2").Header["kid"], name)
		return r
	}
	first := step("list", false).Signing
	step("create", false)
	require.Equal(t, first, step("rotate", true).Signing)
	trimmed := step("trim", false)
	require.Equal(t, first, trimmed.Signing, "it signs still")
	require.NotContains(t, trimmed.Published, first, "and nobody can verify it")
	b.must(control.ActionRestart, control.RestartRequest{Service: "customersdot"})
	require.Equal(t, trimmed.Published[0], step("list", false).Signing)
	_, err := do[control.Done](b, control.ActionRestart, control.RestartRequest{Service: "acme"})
	require.ErrorIs(t, err, control.ErrNotHere)
}

func TestSeedStartsOver(t *testing.T) {
	b := start(t)
	b.buy("duo_pro", 10)
	b.must(control.ActionRevokeLicense, control.InstanceRequest{Instance: "fort"})
	newer := b.seatLink(b.key("acme"))
	require.NotEmpty(t, newer)
	require.NoError(t, b.stub.Seed(b.world))
	require.Len(t, b.access(newer, "16.9.2").Errors, 1, "that licence was never sold in this world")
	require.NotNil(t, b.token("fort", "16.9.2"))
	acme, _ := b.world.Instance("acme")
	require.Equal(t, acme.UUID, b.token("acme", "16.9.2").Text("sub"))
}

func TestMisissue(t *testing.T) {
	b := start(t)
	good := b.token("acme", "16.9.2")
	b.must(control.ActionMisissue, control.MisissueRequest{
		Instance: "acme", Claims: map[string]any{"sub": "another", "jti": nil}, Header: map[string]any{"typ": "at+jwt"}, Stranger: true,
	})
	bad := b.token("acme", "16.9.2")
	require.Equal(t, "another", bad.Claims["sub"])
	require.NotContains(t, bad.Claims, "jti")
	require.Equal(t, "at+jwt", bad.Header["typ"])
	require.NotEqual(t, good.Header["kid"], bad.Header["kid"])
	require.Equal(t, "another", b.last().Issued.Claims["sub"], "the journal tells what was issued")

	b.must(control.ActionMisissue, control.MisissueRequest{Instance: "acme"})
	again := b.token("acme", "16.9.2")
	require.Equal(t, good.Claims["sub"], again.Claims["sub"])
	require.Equal(t, good.Header, again.Header)
}
