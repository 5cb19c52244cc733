package control_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
)

// routedPart tells its routes.
type routedPart struct{ fakePart }

func (*routedPart) Routes(service string) []string { return []string{service + ".index"} }

func TestClientKnowsWhatItCalled(t *testing.T) {
	c := connect(t, "", start(t, "", &fakePart{name: "foo"}))
	routes, actions := c.Called()
	require.Equal(t, []string{"GET /v1/info"}, routes)
	require.Empty(t, actions)

	_, err := c.Journal(t.Context(), nil, "a")
	require.NoError(t, err)
	require.Error(t, c.RemoveFault(t.Context(), "nothing"))
	require.Equal(t, []string{"poke"}, c.Actions())
	_, err = control.Call[pokeResult](t.Context(), c, "poke", pokeRequest{Service: "foo"})
	require.NoError(t, err)

	routes, actions = c.Called()
	require.Equal(t, []string{"DELETE /v1/faults/{name}", "GET /v1/info", "GET /v1/journal", "POST /v1/do/{action}"}, routes)
	require.Equal(t, []string{"poke"}, actions)
	require.Subset(t, control.Routes(), routes, "what was called is named as in the list")
}

func TestServicesTellTheirRoutes(t *testing.T) {
	c := connect(t, "", start(t, "", &fakePart{name: "foo"}, &routedPart{fakePart{name: "bar"}}))
	foo, _ := c.Service("foo")
	require.Empty(t, foo.Routes)
	bar, _ := c.Service("bar")
	require.Equal(t, []string{"bar.index"}, bar.Routes)
}
