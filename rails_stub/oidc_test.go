package railsstub_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"16.11.0", "17.0.0"} {
		r := newRig(t, given(version))
		got := r.request(http.MethodGet, "gitlab", "/.well-known/openid-configuration", "")
		require.Equal(t, 200, got.status)
		require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
		goldentest.Text(t, "golden/discovery_"+version+".json", got.body)
	}
}

func (r *rig) keySet(instance string) []string {
	r.t.Helper()
	got := r.request(http.MethodGet, instance, "/oauth/discovery/keys", "")
	require.Equal(r.t, 200, got.status)
	require.Equal(r.t, "max-age=86400, public, must-revalidate, no-transform", got.header.Get("Cache-Control"))
	require.Regexp(r.t, `^\{"keys":\[(\{"kty":"RSA","kid":"[\w-]{43}","e":"AQAB","n":"[\w-]{342}","use":"sig","alg":"RS256"\},?)+\]\}$`, got.body)
	var set token.KeySet
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &set))
	return set.IDs()
}

// signer is the id of the key that GitLab.com signed the last call with.
func (r *rig) signer() string {
	r.t.Helper()
	require.Equal(r.t, 200, r.use("com").status)
	d, err := token.Decode(bearer(r.gateway.last(r.t)))
	require.NoError(r.t, err)
	kid, _ := d.KeyID()
	return kid
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t,
		"rails/oidc/key-set", "rails/oidc/key-set-cache", "rails/keys/order", "rails/keys/create",
		"rails/keys/rotate-refused",
	)
	w := given("17.9.0")
	w.Now = w.Now.AddDate(0, -1, 0) // before the cut-off
	r := newRig(t, w)
	step := func(step string) (control.KeysResult, error) {
		return do[control.KeysResult](r, control.ActionRotateKeys, control.KeysRequest{Service: "gitlab", Step: step})
	}
	first := r.keySet("gitlab")
	require.Len(t, first, 2, "the OIDC key and the Cloud Connector key")
	require.Equal(t, first[1], r.signer())
	got, err := step("list")
	require.NoError(t, err)
	require.Equal(t, control.KeysResult{Published: first, Signing: first[1]}, got)
	_, err = step("rotate")
	require.EqualError(t, err, "Key rotation requires exactly 2 keys, found 1")
	_, err = step("trim")
	require.EqualError(t, err, "Refusing to remove single key, as it is in use")

	_, err = step("create")
	require.NoError(t, err)
	both := r.keySet("gitlab")
	require.Len(t, both, 3)
	require.Equal(t, first, both[:2], "published at once, as the last")
	require.Equal(t, first[1], r.signer(), "and not signing")

	got, err = step("rotate")
	require.NoError(t, err)
	require.Equal(t, both[2], got.Signing)
	require.Equal(t, both[2], r.signer())
	require.ElementsMatch(t, both, r.keySet("gitlab"))

	_, err = step("trim")
	require.NoError(t, err)
	require.Equal(t, []string{both[0], both[2]}, r.keySet("gitlab"), "the old one is gone")

	_, err = step("spin")
	require.EqualError(t, err, `unknown step "spin", expected one of list, create, rotate, trim`)
	_, err = do[control.KeysResult](r, control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: "list"})
	require.ErrorIs(t, err, control.ErrNotHere)
}

func TestUpgradeBringsTheCloudConnectorKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.11.0"))
	before := r.keySet("gitlab")
	require.Len(t, before, 1)
	_, err := do[control.Done](r, control.ActionUpgrade, control.UpgradeRequest{Instance: "gitlab", GitLabVersion: "18.9.0"})
	require.NoError(t, err)
	after := r.keySet("gitlab")
	require.Len(t, after, 2)
	require.Equal(t, before[0], after[0])
	require.NotEqual(t, r.keySet("acme"), before, "every instance has keys of its own")
}

func TestSign(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/claims/aud-list", "rails/claims/issuer")
	r := newRig(t, given("18.9.0"))
	sign := func(ask control.SignRequest) *token.Decoded {
		got, err := do[control.TokenResult](r, control.ActionSign, ask)
		require.NoError(t, err)
		d, err := token.Decode(got.Raw)
		require.NoError(t, err)
		require.Equal(t, token.Digest(got.Raw), got.Token.Digest)
		return d
	}
	published := r.keySet("gitlab")
	good := sign(control.SignRequest{Service: "gitlab"})
	require.Equal(t, published[1], good.Header["kid"])
	require.Equal(t, "http://gitlab.test:3000", good.Claims["iss"])
	require.Equal(t, []any{"gitlab-ai-gateway", "gitlab-security-gateway"}, good.Claims["aud"])
	require.Contains(t, good.Claims["scopes"], "security_scans")

	forged := sign(control.SignRequest{
		Service: "gitlab", Instance: "acme", Stranger: true,
		Claims: map[string]any{"exp": nil, "iss": "http://elsewhere", "scopes": []string{"x"}},
		Header: map[string]any{"alg": "none", "typ": nil},
	})
	require.NotContains(t, published, forged.Header["kid"])
	require.Equal(t, "none", forged.Header["alg"])
	require.NotContains(t, forged.Header, "typ")
	require.NotContains(t, forged.Claims, "exp")
	require.Equal(t, "http://elsewhere", forged.Claims["iss"])
	require.Equal(t, "self-managed", forged.Claims["gitlab_realm"])
	require.NotEqual(t, good.Claims["sub"], forged.Claims["sub"])

	require.Equal(t, "http://acme.test:3000", sign(control.SignRequest{Service: "acme"}).Claims["iss"],
		"an instance can sign with keys of its own, which no backend trusts")
	_, err := do[control.TokenResult](r, control.ActionSign, control.SignRequest{Service: "gitlab", Instance: "nowhere"})
	require.EqualError(t, err, `instance: no instance "nowhere"`)
	_, err = do[control.TokenResult](r, control.ActionSign, control.SignRequest{Service: "customersdot"})
	require.ErrorIs(t, err, control.ErrNotHere)

	old := newRig(t, given("16.8.0"))
	got, err := do[control.TokenResult](old, control.ActionSign, control.SignRequest{Service: "gitlab"})
	require.NoError(t, err)
	require.NotContains(t, got.Token.Header, "kid")
	require.NotContains(t, got.Token.Claims, "sub")
	require.Equal(t, "gitlab-ai-gateway", got.Token.Claims["aud"])
}

func TestVirtualHosts(t *testing.T) {
	t.Parallel()
	w := given("16.11.0")
	w.Instances = append(w.Instances, world.Instance{Name: "staging", Realm: world.SelfManaged})
	r := newRig(t, w)
	issuer := func(host string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/.well-known/openid-configuration", nil)
		require.NoError(t, err)
		req.Host = host
		resp, err := r.client.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		var doc struct{ Issuer string }
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&doc))
		return strings.TrimSuffix(strings.TrimPrefix(doc.Issuer, "http://"), ".test:3000")
	}
	for host, want := range map[string]string{
		"gitlab.test": "gitlab", "gitlab.test:3000": "gitlab", "GitLab.Test:9999": "gitlab",
		"staging.test": "staging", "localhost": "acme", "localhost:3000": "acme", "elsewhere.test": "acme",
	} {
		require.Equal(t, want, issuer(host), host)
	}
	require.Equal(t, []control.Service{
		{Name: "acme", Kind: "rails", URL: "http://acme.test:3000"},
		{Name: "gitlab", Kind: "rails", URL: "http://gitlab.test:3000"},
		{Name: "staging", Kind: "rails", URL: "http://staging.test:3000"},
	}, r.stub.Services())
	require.NotNil(t, r.stub.Skew("staging"))
	require.Nil(t, r.stub.Skew("nowhere"))

	require.NoError(t, r.stub.Seed(world.World{}))
	got := r.request(http.MethodGet, "acme", "/-/health", "")
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "ccmock: the present world has no instance \"acme\"\n", got.body)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.11.0"))
	got := r.request(http.MethodGet, "acme", "/-/health", "")
	require.Equal(t, 200, got.status)
	require.Equal(t, "GitLab OK", got.body)
	require.NotEmpty(t, got.header.Get("X-Request-Id"))
	require.Equal(t, start.Format(http.TimeFormat), got.header.Get("Date"))
}
