package derive

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// pair is a value of one factor together with a value of a later one.
type pair struct{ factor, value, later, with int }

func (r row) pairs() []pair {
	var found []pair
	for a := range r {
		for b := a + 1; b < len(r); b++ {
			found = append(found, pair{a, r[a], b, r[b]})
		}
	}
	return found
}

func TestPairwiseShowsEveryPair(t *testing.T) {
	t.Parallel()
	anything := func(row) bool { return true }
	for name, c := range map[string]struct {
		sizes   []int
		allowed func(row) bool
		most    int
	}{
		"two factors":     {[]int{3, 4}, anything, 12},
		"one value":       {[]int{1, 3, 3, 1}, anything, 9},
		"five factors":    {[]int{3, 4, 6, 7, 7}, anything, 70},
		"some not at all": {[]int{3, 4, 6, 7}, func(r row) bool { return (r[0] == 0) == (r[3] == 0) }, 45},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := product(c.sizes, c.allowed)
			picked := pairwise(all)
			seen := map[pair]bool{}
			for _, r := range picked {
				require.True(t, c.allowed(r), "%v is not allowed", r)
				for _, p := range r.pairs() {
					seen[p] = true
				}
			}
			for _, r := range all {
				for _, p := range r.pairs() {
					require.True(t, seen[p], "%+v does not occur", p)
				}
			}
			require.LessOrEqual(t, len(picked), c.most)
			require.Equal(t, picked, pairwise(product(c.sizes, c.allowed)), "the same product gives other rows")
		})
	}
}

func TestProductIsComplete(t *testing.T) {
	t.Parallel()
	require.Len(t, product([]int{3, 4, 6, 7}, func(row) bool { return true }), 3*4*6*7)
	require.Equal(t, []row{{0, 1}, {1, 0}}, product([]int{2, 2}, func(r row) bool { return r[0] != r[1] }))
	require.Empty(t, pairwise(nil))
}
