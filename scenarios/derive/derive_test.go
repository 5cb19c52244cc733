package derive_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// keys are shared by all ecosystems of this package's tests: making RSA keys is slow.
var keys = tokentest.Pool()

func shipped(t testing.TB) []feature.Feature {
	t.Helper()
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	return features
}

// starter starts ecosystems in this process.
func starter(seed uint64) func(context.Context, world.World, []feature.Feature) (scenarios.Target, func(), error) {
	return func(ctx context.Context, given world.World, features []feature.Feature) (scenarios.Target, func(), error) {
		e, err := ecosystem.Start(ctx, ecosystem.Options{World: given, Features: features, Keys: keys, Seed: seed})
		if err != nil {
			return scenarios.Target{}, nil, err
		}
		stop := func() { _ = e.Close(context.WithoutCancel(ctx)) }
		return scenarios.Target{Name: scenarios.InProcess, Control: []string{e.ControlURL()}}, stop, nil
	}
}

var start = starter(1)

// TestDerived runs every case of the features that ccmock comes with, as subtests
// FEATURE/KIND/CASE.
func TestDerived(t *testing.T) {
	t.Parallel()
	features := shipped(t)
	cases, err := derive.Cases(features, derive.Options{})
	require.NoError(t, err)
	seed, capsules, err := scenarios.UnderTest(os.Getenv, 1, scenarios.Features())
	require.NoError(t, err)
	for _, f := range features {
		t.Run(f.Name, func(t *testing.T) {
			for _, kind := range derive.Kinds() {
				t.Run(string(kind), func(t *testing.T) {
					var some []derive.Case
					for _, c := range cases {
						if c.Feature == f.Name && c.Kind == kind {
							some = append(some, c)
						}
					}
					require.NotEmpty(t, some)
					flows, err := derive.Flows(some, features)
					require.NoError(t, err)
					scenarios.Run(scenarios.Testing(t), flows, scenarios.Options{Start: starter(seed), Capsules: capsules})
				})
			}
		})
	}
}
