package scenarios_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/internal/token/tokentest"
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

// pool keeps ecosystems from one flow to the next, as ccmock test does.
var pool = inprocess.New(ecosystem.Options{Keys: keys, Seed: seed})

// start gives a flow an ecosystem in this process.
var start = pool.Start

// options are for flows that must pass, whatever the seed.
func options(t *testing.T) scenarios.Options {
	t.Helper()
	seed, capsules, err := scenarios.UnderTest(os.Getenv, seed, scenarios.Features())
	require.NoError(t, err)
	return scenarios.Options{Start: pooled(t, seed).Start, Capsules: capsules}
}

// pooled is the pool of a seed.
func pooled(t *testing.T, of uint64) *inprocess.Pool {
	t.Helper()
	if of == seed {
		return pool
	}
	p := inprocess.New(ecosystem.Options{Keys: keys, Seed: of})
	t.Cleanup(p.Close)
	return p
}

// TestFlows runs every flow that ccmock comes with: one subtest for each, and in it one
// for each step.
func TestFlows(t *testing.T) {
	scenarios.Run(scenarios.Testing(t), flows(t), options(t))
}
