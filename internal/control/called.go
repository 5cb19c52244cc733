package control

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Routes lists every route of a control plane, such as "GET /v1/clock", sorted.
func Routes() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq([]string{healthRoute}, maps.Keys((*Server)(nil).routes()))))
}

// doPath is where actions are.
const doPath = "/v1/do/"

// called is what a client has asked of control planes, by route and by action.
type called struct {
	mu              sync.Mutex
	routes, actions map[string]bool
}

func (c *called) note(method, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.routes == nil {
		c.routes, c.actions = map[string]bool{}, map[string]bool{}
	}
	path, _, _ = strings.Cut(path, "?")
	if name, ok := strings.CutPrefix(path, doPath); ok {
		c.actions[name] = true
		path = doPath + "{action}"
	} else if strings.HasPrefix(path, "/v1/faults/") {
		path = "/v1/faults/{name}"
	}
	c.routes[method+" "+path] = true
}

// Called lists the routes and the actions that the client has called so far, sorted.
func (c *Client) Called() (routes, actions []string) {
	c.called.mu.Lock()
	defer c.called.mu.Unlock()
	return slices.Sorted(maps.Keys(c.called.routes)), slices.Sorted(maps.Keys(c.called.actions))
}

// Actions lists what the processes take, sorted.
func (c *Client) Actions() []string {
	names := map[string]bool{}
	for _, p := range c.planes {
		for _, name := range p.info.Actions {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
