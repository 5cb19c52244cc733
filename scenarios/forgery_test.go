package scenarios_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

const forgery = `format: 1
scenario: a forged token
features: [new_feature_scope]
given:
  now: 2024-02-01
  instances: {acme: {realm: self-managed, license: {kind: online_cloud}}}
  users: {ada: {instance: acme}}
steps:
`

func TestForgeriesThatDoNotExistAreFoundBeforeARun(t *testing.T) {
	t.Parallel()
	for sign, want := range map[string]string{
		"alg: RS257":                `steps[0].sign.alg: unknown algorithm "RS257"`,
		"spoil: changed_mind":       `steps[0].sign.spoil: unknown spoil "changed_mind"`,
		"alg: HS256":                "alg: HS256 and hmac_key go together",
		"hmac_key: n":               "alg: HS256 and hmac_key go together",
		"alg: HS256, hmac_key: jwk": `steps[0].sign.hmac_key: unknown form of a key "jwk"`,
	} {
		text := forgery + "  - sign: {service: customersdot, instance: acme, " + sign + "}\n    expect: {token: {absent: true}}\n"
		_, err := scenarios.ParseFlow("forged.yaml", []byte(text), features(t), nil)
		require.ErrorContains(t, err, want, sign)
	}
	text := forgery + "  - call: {feature: new_feature_scope, user: ada, also: {X-Gitlab-Realm: '${nobody.uuid}'}}\n    expect: {status: 200}\n"
	_, err := scenarios.ParseFlow("also.yaml", []byte(text), features(t), nil)
	require.ErrorContains(t, err, "steps[0].call.also")
}

func TestSavingAnItemOfAList(t *testing.T) {
	t.Parallel()
	for at, status := range map[string]scenarios.Status{
		"body.keys[0].kid": scenarios.Passed, "body.keys[9].kid": scenarios.Failed, "body.keys[x].kid": scenarios.Failed,
	} {
		text := forgery + "  - request: {to: customersdot, path: /oauth/discovery/keys}\n    save: {name: kid, value: '" + at + "'}\n" +
			"    expect: {status: 200}\n" +
			"  - sign: {service: customersdot, instance: acme}\n    expect: {token: {header: {kid: '${kid}'}}}\n"
		f, err := scenarios.ParseFlow("kid.yaml", []byte(text), features(t), nil)
		require.NoError(t, err)
		report := scenarios.Console{Out: io.Discard, Quiet: true}.Run(t.Context(), []scenarios.Flow{f}, scenarios.Options{Start: start})
		require.Equal(t, status, report.Flows[0].Status, at)
	}
}
