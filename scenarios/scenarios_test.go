package scenarios_test

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
)

// keys are shared by all ecosystems of this package's tests: making RSA keys is slow.
var keys = tokentest.Pool()

// seed makes the ids of a failing flow the same when it is run again.
const seed = 1

func features(t testing.TB) []feature.Feature {
	t.Helper()
	loaded, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	return loaded
}

// flows are those that ccmock comes with.
func flows(t testing.TB) []scenarios.Flow {
	t.Helper()
	loaded, err := scenarios.Load(scenarios.Flows(), features(t))
	require.NoError(t, err)
	return loaded
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

var start = starter(seed)

// options are for flows that must pass, whatever the seed.
func options(t *testing.T) scenarios.Options {
	t.Helper()
	seed, capsules, err := scenarios.UnderTest(os.Getenv, seed, scenarios.Features())
	require.NoError(t, err)
	return scenarios.Options{Start: starter(seed), Capsules: capsules}
}

// TestFlows runs every flow that ccmock comes with: one subtest for each, and in it one
// for each step.
func TestFlows(t *testing.T) {
	scenarios.Run(scenarios.Testing(t), flows(t), options(t))
}
