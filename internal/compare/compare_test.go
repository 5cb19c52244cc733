package compare_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/compare"
	"github.com/ccmock/ccmock/internal/world"
)

// epoch is what the dates of these tests are counted from.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func day(r *rand.Rand) time.Time { return epoch.AddDate(0, 0, r.IntN(60)) }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func someCatalog(r *rand.Rand) *catalog.Catalog {
	c := &catalog.Catalog{}
	for _, scope := range []string{"a", "b", "c"} {
		if r.IntN(4) == 0 {
			continue
		}
		s := catalog.Service{Name: scope, Bundles: []catalog.Bundle{{AddOn: pick(r, "", "one", "two"), UnitPrimitives: []string{scope}}}}
		s.Backend = pick(r, "", "x", "x")
		if r.IntN(4) > 0 {
			cutOff := day(r)
			s.CutOff = &cutOff
		}
		if v, err := catalog.ParseVersion(pick(r, "16.8", "17.0")); err == nil {
			s.MinVersion = v
		}
		c.Services = append(c.Services, s)
	}
	return c
}

func someWorld(r *rand.Rand) world.World {
	w := world.World{Instances: []world.Instance{{Name: "gitlab", Realm: world.SaaS, GitLabVersion: "16.9.0"}}}
	i := world.Instance{Name: "acme", Realm: world.SelfManaged, GitLabVersion: pick(r, "16.9.0", "17.1.0")}
	if r.IntN(5) > 0 {
		i.License = &catalog.License{Kind: pick(r, catalog.OnlineCloud, catalog.OnlineCloud, catalog.Legacy)}
		if r.IntN(2) > 0 {
			i.License.StartsAt = day(r)
			i.License.ExpiresAt = i.License.StartsAt.Add(time.Duration(r.IntN(1000)) * time.Hour)
		}
	}
	for range r.IntN(3) {
		p := catalog.Purchase{AddOn: pick(r, "one", "two")}
		if r.IntN(2) > 0 {
			p.StartsOn = day(r)
		}
		if r.IntN(2) > 0 {
			p.ExpiresOn = day(r)
		}
		i.AddOns = append(i.AddOns, p)
	}
	w.Instances = append(w.Instances, i)
	return w
}

// TestOverIsAtEveryTime holds the spans against decisions at many single times, those
// around every change among them.
func TestOverIsAtEveryTime(t *testing.T) {
	type key struct {
		instance, scope string
		kind            compare.Kind
	}
	changes := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		before, after, w := someCatalog(r), someCatalog(r), someWorld(r)
		over := compare.Over(before, after, w)
		changes += len(over)
		var times []time.Time
		for range 40 {
			times = append(times, epoch.Add(time.Duration(r.IntN(24*90)-24*10)*time.Hour))
		}
		for _, c := range over {
			for _, edge := range []time.Time{c.From, c.Until} {
				if !edge.IsZero() {
					times = append(times, edge.Add(-time.Nanosecond), edge, edge.Add(time.Nanosecond))
				}
			}
		}
		for _, at := range times {
			want, got := map[key]bool{}, map[key]bool{}
			for _, c := range compare.At(before, after, w, at) {
				want[key{c.Instance, c.Scope, c.Kind}] = true
			}
			for _, c := range over {
				if !at.Before(c.From) && (c.Until.IsZero() || at.Before(c.Until)) {
					k := key{c.Instance, c.Scope, c.Kind}
					require.False(t, got[k], "seed %d: two spans at %s", seed, at)
					got[k] = true
				}
			}
			require.Equal(t, want, got, "seed %d at %s", seed, at)
		}
	}
	require.Greater(t, changes, 500)
}

func TestACatalogDiffersNotFromItself(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		c, w := someCatalog(r), someWorld(r)
		require.Empty(t, compare.Over(c, c, w))
		require.Empty(t, compare.At(c, c, w, day(r)))
	}
}

func TestACutOffThatMovesIsOneChange(t *testing.T) {
	at := func(day int) *catalog.Catalog {
		cutOff := epoch.AddDate(0, 0, day)
		return &catalog.Catalog{Services: []catalog.Service{{
			Name: "a", CutOff: &cutOff, Bundles: []catalog.Bundle{{AddOn: "one", UnitPrimitives: []string{"a"}}},
		}}}
	}
	w := world.World{Instances: []world.Instance{{
		Name: "acme", Realm: world.SelfManaged, GitLabVersion: "16.9.0", License: &catalog.License{},
	}}}
	found := compare.Over(at(10), at(20), w)
	require.Len(t, found, 1)
	require.Equal(t, compare.Gains, found[0].Kind)
	require.Equal(t, epoch.AddDate(0, 0, 10), found[0].From)
	require.Equal(t, epoch.AddDate(0, 0, 20), found[0].Until)
	require.Equal(t, catalog.RuleAddOnMissing, found[0].Old.Rule)
	require.Equal(t, catalog.RuleFreeAccess, found[0].New.Rule)
	require.Equal(t, compare.Loses, compare.Over(at(20), at(10), w)[0].Kind)
}
