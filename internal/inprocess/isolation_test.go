package inprocess_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

func newPool(t *testing.T) *inprocess.Pool {
	t.Helper()
	p := inprocess.New(ecosystem.Options{Keys: tokentest.Pool(), Seed: 1})
	t.Cleanup(p.Close)
	return p
}

func shipped(t *testing.T) []feature.Feature {
	t.Helper()
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	return features
}

func honest(t *testing.T) scenarios.Flow {
	t.Helper()
	text, err := os.ReadFile("testdata/honest.yaml")
	require.NoError(t, err)
	f, err := scenarios.ParseFlow("honest.yaml", text, shipped(t), nil)
	require.NoError(t, err)
	return f
}

func play(t *testing.T, p *inprocess.Pool, f scenarios.Flow) *scenarios.Result {
	t.Helper()
	return scenarios.Console{Out: io.Discard, Quiet: true}.Run(t.Context(), []scenarios.Flow{f}, scenarios.Options{Start: p.Start}).Flows[0]
}

var (
	realTime  = regexp.MustCompile(`"(elapsed|seq)": \d+|"X-Process-Time",\s*"value": "[^"]*"`)
	addresses = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	digests   = regexp.MustCompile(`"digest": "[^"]*"|\[token [0-9a-f]+\]`)
)

// story is all that a flow saw, without what differs between two runs on one ecosystem: how
// long things took, and in which order two services were ready to write their entries.
func story(t *testing.T, r *scenarios.Result) string {
	t.Helper()
	for _, s := range r.Steps {
		slices.SortStableFunc(s.Journal, func(a, b journal.Entry) int {
			return cmp.Or(cmp.Compare(a.RequestID, b.RequestID), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Path, b.Path))
		})
	}
	text, err := json.MarshalIndent(r, "", " ")
	require.NoError(t, err)
	return realTime.ReplaceAllString(string(text), "")
}

// elsewhere is a story without what differs between two ecosystems: the ports, and with them
// issuers and the tokens' digests.
func elsewhere(story string) string {
	seen := map[string]string{}
	story = addresses.ReplaceAllStringFunc(story, func(found string) string {
		if seen[found] == "" {
			seen[found] = fmt.Sprint("host ", len(seen)+1)
		}
		return seen[found]
	})
	return digests.ReplaceAllString(story, "")
}

// requireSame shows the first difference of two stories, which are long.
func requireSame(t *testing.T, want, got, which string) {
	t.Helper()
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for n := range min(len(a), len(b)) {
		if a[n] != b[n] {
			from := max(0, n-20)
			require.Equal(t, a[from:min(n+5, len(a))], b[from:min(n+5, len(b))], which)
		}
	}
	require.Len(t, b, len(a), which)
}

// TestNothingOfAnAdversaryIsLeft compares a flow on a new ecosystem with the same flow on
// the same one after somebody has changed everything there.
func TestNothingOfAnAdversaryIsLeft(t *testing.T) {
	t.Parallel()
	p, f := newPool(t), honest(t)
	fresh := play(t, p, f)
	require.Equal(t, scenarios.Passed, fresh.Status, scenarios.Story(fresh, false))
	for range 2 {
		target, stop, err := p.Start(t.Context(), f.World, f.Features)
		require.NoError(t, err)
		c := connect(t, target)
		require.Equal(t, fresh.Stage.Services, c.Services(), "this is another ecosystem")
		requireNothingHappened(t, c)
		adversary(t, c)
		stop()
		requireSame(t, story(t, fresh), story(t, play(t, p, f)), "after the adversary")
	}
}

func requireNothingHappened(t *testing.T, c *control.Client) {
	t.Helper()
	entries, err := c.Journal(t.Context(), nil, "")
	require.NoError(t, err)
	require.Empty(t, entries)
	faults, err := c.Faults(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}

// TestFlowsInAnyOrder plays all flows, incidents and drills, in an order of its own each
// time, and wants of each the story that it has on an ecosystem of its own.
func TestFlowsInAnyOrder(t *testing.T) {
	t.Parallel()
	all := everything(t)
	run := func(p *inprocess.Pool, workers int) map[string]string {
		stories := map[string]string{}
		report := scenarios.Console{Out: io.Discard, Quiet: true, Workers: workers}.Run(t.Context(), all, scenarios.Options{Start: p.Start})
		for _, r := range report.Flows {
			require.Equal(t, scenarios.Passed, r.Status, scenarios.Story(r, false))
			stories[r.File] = elsewhere(story(t, r))
		}
		return stories
	}
	apart := newPool(t)
	apart.Close() // keeps none from now on
	want := run(apart, 2)
	seed := uint64(clock.Real{}.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for _, workers := range []int{1, 4} {
		random.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		for file, got := range run(newPool(t), workers) {
			requireSame(t, want[file], got, fmt.Sprintf("%s, in an order of seed %d", file, seed))
		}
	}
}

func everything(t *testing.T) []scenarios.Flow {
	t.Helper()
	features := shipped(t)
	flows, err := scenarios.Load(scenarios.Flows(), features)
	require.NoError(t, err)
	incidents, err := scenarios.Load(scenarios.Incidents(), features)
	require.NoError(t, err)
	cases, err := derive.Cases(features, derive.Options{})
	require.NoError(t, err)
	cases = slices.DeleteFunc(cases, func(c derive.Case) bool { return c.Kind != derive.Drill })
	drills, err := derive.Flows(cases, features)
	require.NoError(t, err)
	return slices.Concat(flows, incidents, drills)
}
