package scenarios_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// owned is the world of somebody who works with a served ecosystem.
func owned() world.World {
	return world.World{
		Now: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		Instances: []world.Instance{
			{Name: "gitlab", Realm: world.SaaS, GitLabVersion: "16.9.2"},
			{Name: "mine", Realm: world.SelfManaged, GitLabVersion: "16.9.2", License: &catalog.License{}},
		},
		Users: []world.User{{Name: "grace", Instance: "gitlab"}, {Name: "me", Instance: "mine"}},
	}
}

// serve starts an ecosystem in two processes, as far as one can tell from outside, with
// clocks that run.
func serve(t *testing.T) scenarios.Target {
	t.Helper()
	boot := func(change func(*ecosystem.Options)) *ecosystem.Ecosystem {
		o := ecosystem.Options{World: owned(), Features: features(t), Keys: keys, Seed: seed, ControlToken: "secret"}
		o.Clock = clock.NewRunning(o.World.Now)
		change(&o)
		e, err := ecosystem.Start(t.Context(), o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
		return e
	}
	portal := boot(func(o *ecosystem.Options) { o.Parts = []string{ecosystem.CustomersDot} })
	rest := boot(func(o *ecosystem.Options) {
		o.Parts = []string{ecosystem.Rails, ecosystem.Gateway, ecosystem.Backends}
		o.URLs.CustomersDot = portal.Services()[0].URL
	})
	return scenarios.Target{Name: "served", Control: []string{rest.ControlURL(), portal.ControlURL()}, ControlToken: "secret"}
}

// TestFlowsOnAServedEcosystem runs every flow, and every incident, against one ecosystem that is there already
// and belongs to somebody: the flows take turns, and afterwards it is as it was.
func TestFlowsOnAServedEcosystem(t *testing.T) {
	target := serve(t)
	client, err := control.Connect(t.Context(), "secret", target.Control...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	t.Run("flows", func(t *testing.T) {
		report := scenarios.Run(scenarios.Testing(t), append(flows(t), incidents(t)...), scenarios.Options{Target: target})
		require.Equal(t, "served", report.Target)
		require.Equal(t, len(report.Flows), report.Counts().Passed)
	})
	state, err := client.Clock(t.Context())
	require.NoError(t, err)
	require.False(t, state.Frozen, "it runs on")
	require.WithinDuration(t, owned().Now, state.Now, time.Minute)
	_, err = control.Call[control.TokenResult](t.Context(), client, control.ActionAccessToken, control.AccessTokenRequest{Instance: "mine"})
	require.NoError(t, err, "its own instances are back")
	left, err := client.Journal(t.Context(), nil, "")
	require.NoError(t, err)
	require.Len(t, left, 0, "and nothing of the flows is left but what was asked since")
}

// TestWithoutAControlPlane runs flows against services of which nothing is known but where
// they are, as real ones are.
func TestWithoutAControlPlane(t *testing.T) {
	served := serve(t)
	client, err := control.Connect(t.Context(), "secret", served.Control...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	target := scenarios.Target{Name: "real", Services: map[string]string{}}
	for _, s := range client.Services() {
		target.Services[s.Name] = s.URL + "/"
	}
	_, err = control.Call[control.SyncResult](t.Context(), client, control.ActionSync, control.SyncRequest{Instance: "mine"})
	require.NoError(t, err)

	text := `
format: 1
scenario: a flow for services that cannot be steered
features: [new_feature_scope]
given:
  now: 2024-05-01
  instances:
    mine: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud}}
  users:
    grace: {instance: gitlab}
    me: {instance: mine}
steps:
  - sync: mine
  - use: new_feature_scope
    as: me
    expect: {status: 403, refused: {by: foo, reason: missing_scope}, token: {scopes: []}, calls: {foo: 1}}
  - use: new_feature_scope
    as: grace
    expect: {status: 200}
  - call: {feature: new_feature_scope, user: me, token: none}
    expect: {status: 401}
  - call: {feature: new_feature_scope, user: me}
    expect: {status: 200}
  - access_token: mine
    save: borrowed
  - call: {feature: new_feature_scope, user: me, token: borrowed}
    expect: {status: 200}
  - request: {to: foo, path: /, headers: {X-Borrowed: "${borrowed}"}}
    expect: {status: 401}
  - request: {to: gitlab, path: /.well-known/openid-configuration}
    expect: {status: 200, body: {issuer: "${gitlab.url}"}}
  - advance: 1h
  - use: new_feature_scope
    as: grace
`
	flow, err := scenarios.ParseFlow("real.yaml", []byte(text), features(t), nil)
	require.NoError(t, err)
	report := scenarios.Console{Quiet: true}.Run(t.Context(), []scenarios.Flow{flow}, scenarios.Options{Target: target, Stopwatch: standing})
	result := report.Flows[0]
	var statuses []scenarios.Status
	for _, s := range result.Steps {
		statuses = append(statuses, s.Status)
	}
	const passed, skipped = scenarios.Passed, scenarios.Skipped
	require.Equal(t, []scenarios.Status{
		skipped, passed, passed, passed, skipped, skipped, skipped, skipped, passed, skipped, skipped,
	}, statuses, scenarios.Story(result, false))
	require.Equal(t, passed, result.Status)
	golden(t, "real", steady(scenarios.Story(result, false))+"\n")
}

func TestATargetThatIsNotThere(t *testing.T) {
	target := scenarios.Target{Name: "nowhere", Control: []string{"http://127.0.0.1:1"}}
	report := scenarios.Console{Quiet: true}.Run(t.Context(), flows(t)[:2], scenarios.Options{Target: target})
	require.True(t, report.NotStarted())
	require.True(t, report.Failed())
	require.Contains(t, scenarios.Story(report.Flows[1], false), "there is no ecosystem to run in")
}
