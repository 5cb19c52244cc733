package inprocess_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

var client = &http.Client{Timeout: time.Minute}

func connect(t *testing.T, target scenarios.Target) *control.Client {
	t.Helper()
	c, err := control.Connect(t.Context(), "", target.Control...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// visit starts a flow's ecosystem, ends the flow at once, and returns where it was.
func visit(t *testing.T, ctx context.Context, p *inprocess.Pool, f scenarios.Flow) string { //nolint:revive // the test's own context is another
	t.Helper()
	target, stop, err := p.Start(ctx, f.World, f.Features)
	require.NoError(t, err)
	stop()
	stop() // a second time is no time
	return target.Control[0]
}

func answers(t *testing.T, controlURL string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, controlURL+"/v1/health", nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode == http.StatusOK
}

func TestAnEcosystemIsForFlowsOfItsKind(t *testing.T) {
	t.Parallel()
	p, f := newPool(t), honest(t)
	first := visit(t, t.Context(), p, f)
	require.Equal(t, first, visit(t, t.Context(), p, f))

	more := f
	more.World.Instances = append(slices.Clone(f.World.Instances), world.Instance{Name: "other", Realm: world.SelfManaged, GitLabVersion: "18.9.0"})
	require.Equal(t, "other", more.World.Instances[len(more.World.Instances)-1].Name)
	require.NotEqual(t, first, visit(t, t.Context(), p, more), "it has no listener for another instance")

	changed := f
	changed.Features = slices.Clone(f.Features)
	changed.Features[0].Backend.Scope = "another"
	require.NotEqual(t, first, visit(t, t.Context(), p, changed), "its backend demands another scope")

	later := f
	later.World.Now = f.World.Now.AddDate(1, 0, 0)
	require.Equal(t, first, visit(t, t.Context(), p, later))
}

func TestTwoFlowsAtATimeHaveTwoEcosystems(t *testing.T) {
	t.Parallel()
	p, f := newPool(t), honest(t)
	one, stopOne, err := p.Start(t.Context(), f.World, f.Features)
	require.NoError(t, err)
	other, stopOther, err := p.Start(t.Context(), f.World, f.Features)
	require.NoError(t, err)
	require.NotEqual(t, one.Control, other.Control)
	stopOne()
	stopOther()
	require.Equal(t, other.Control[0], visit(t, t.Context(), p, f), "the one that was used last")
}

// TestAnInterruptedFlowLeavesNothing: somebody may still be about to answer it.
func TestAnInterruptedFlowLeavesNothing(t *testing.T) {
	t.Parallel()
	p, f := newPool(t), honest(t)
	ctx, cancel := context.WithCancel(t.Context())
	target, stop, err := p.Start(ctx, f.World, f.Features)
	require.NoError(t, err)
	cancel()
	stop()
	require.Zero(t, p.Idle())
	require.NotEqual(t, target.Control[0], visit(t, t.Context(), p, f))
}

func TestFewEcosystemsWait(t *testing.T) {
	t.Parallel()
	p, f := newPool(t), honest(t)
	var all []string
	var stops []func()
	for range inprocess.MostIdle + 2 {
		target, stop, err := p.Start(t.Context(), f.World, f.Features)
		require.NoError(t, err)
		all, stops = append(all, target.Control[0]), append(stops, stop)
	}
	for _, stop := range stops {
		stop()
	}
	require.Equal(t, inprocess.MostIdle, p.Idle())
	for n, u := range all[2:] { // somebody else may have the ports of the first by now
		require.True(t, answers(t, u), "ecosystem %d", n+2)
	}
	p.Close()
	require.Zero(t, p.Idle())
	visit(t, t.Context(), p, f)
	require.Zero(t, p.Idle(), "a closed pool keeps none")
}

func TestAWorldThatMakesNoSense(t *testing.T) {
	t.Parallel()
	p, f := newPool(t), honest(t)
	visit(t, t.Context(), p, f)
	wrong := f.World
	wrong.Users = []world.User{{Name: "nobody", Instance: "nowhere"}}
	_, _, err := p.Start(t.Context(), wrong, f.Features)
	require.ErrorContains(t, err, "nowhere")
	require.Zero(t, p.Idle(), "the ecosystem is good for nothing any more")
}
