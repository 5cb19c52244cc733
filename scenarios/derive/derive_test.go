package derive_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// pool keeps ecosystems from one case to the next, as ccmock test does.
var pool = inprocess.New(ecosystem.Options{Keys: tokentest.Pool(), Seed: 1})

func shipped(t testing.TB) []feature.Feature {
	t.Helper()
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	return features
}

// pooled is the pool of a seed.
func pooled(t *testing.T, seed uint64) *inprocess.Pool {
	t.Helper()
	if seed == 1 {
		return pool
	}
	p := inprocess.New(ecosystem.Options{Keys: tokentest.Pool(), Seed: seed})
	t.Cleanup(p.Close)
	return p
}

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
		if f.Backend.GRPC() {
			continue // of which none are derived
		}
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
					scenarios.Run(scenarios.Testing(t), flows, scenarios.Options{Start: pooled(t, seed).Start, Capsules: capsules})
				})
			}
		})
	}
}
