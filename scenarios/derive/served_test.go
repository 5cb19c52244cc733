package derive_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// TestDrillsOnAServedEcosystem runs the drills where an ecosystem is there already: all of
// them where it can be steered; where it cannot, each step is skipped with its reason.
func TestDrillsOnAServedEcosystem(t *testing.T) {
	t.Parallel()
	features := shipped(t)
	given := world.World{Now: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)}
	e, err := ecosystem.Start(t.Context(), ecosystem.Options{World: given, Features: features, Keys: tokentest.Pool(), Seed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	cases, err := derive.Cases(features, derive.Options{})
	require.NoError(t, err)
	var some []derive.Case
	for _, c := range cases {
		drill := c.Kind == derive.Drill && c.Feature == "new_feature_scope"
		if drill || c.Kind == derive.Token && strings.HasPrefix(c.Name, "of-staging") {
			some = append(some, c)
		}
	}
	require.Greater(t, len(some), 19)
	flows, err := derive.Flows(some, features)
	require.NoError(t, err)
	console := scenarios.Console{Out: io.Discard, Quiet: true}

	served := scenarios.Target{Name: "served", Control: []string{e.ControlURL()}}
	for n, r := range console.Run(t.Context(), flows, scenarios.Options{Target: served}).Flows {
		require.Equal(t, scenarios.Passed, r.Status, "%s: %s", some[n].ID(), scenarios.Story(r, false))
	}

	client, err := control.Connect(t.Context(), "", served.Control...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	blind := scenarios.Target{Name: "real", Services: map[string]string{}}
	for _, s := range client.Services() {
		blind.Services[s.Name] = s.URL
	}
	for n, r := range console.Run(t.Context(), flows, scenarios.Options{Target: blind}).Flows {
		if strings.HasPrefix(some[n].Name, "token-life-") {
			continue // a real instance syncs by itself, so its users are let use the feature
		}
		require.Equal(t, scenarios.Skipped, r.Status, some[n].ID())
		for _, s := range r.Steps {
			require.NotEmpty(t, s.Skipped, "%s: %s", some[n].ID(), s.Title)
		}
	}
}
