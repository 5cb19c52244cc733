package aigateway

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// addRoutes adds the table, what the features declare, and behind them what every other path is answered.
func (g *Gateway) addRoutes() error {
	own := g.routes()
	declared := map[*route]*fastapi.Answer{}
	for _, f := range g.options.Features {
		answer, err := fastapi.NewAnswer(f)
		if err != nil {
			return err
		}
		b := f.Backend
		n := slices.IndexFunc(own, func(r *route) bool { return r.path == b.Endpoint.Path && r.verb() == b.Endpoint.Method })
		switch {
		case n < 0:
			own = slices.Insert(own, 0, &route{
				name: f.Name, path: b.Endpoint.Path, method: b.Endpoint.Method, json: true, needs: demand(b.Scope, ""), answer: g.declared(answer),
			})
		case own[n].needs.scope != "" && own[n].needs.scope != b.Scope:
			return fmt.Errorf("feature %q demands scope %q of %s, where the AI gateway demands %q (hint: backend.scope)", f.Name, b.Scope, b.Endpoint, own[n].needs.scope)
		case answer.Declared():
			declared[own[n]] = answer
		}
	}
	routes := g.service.Routes()
	for _, r := range own {
		serve := func(q *http.Request, u *token.AIGatewayUser) (stub.Reply, error) {
			return g.serve(&request{Request: q, settings: g.settings.Load(), route: r, user: u, declared: declared[r]})
		}
		h := g.guard(serve)
		if r.open {
			h = g.openTo(r, serve, h)
		}
		routes.Handle(r.name, r.path, h, r.verb())
	}
	g.addRefusals(routes, own)
	return nil
}

// addRefusals adds what is answered to other methods, and to other paths.
func (g *Gateway) addRefusals(routes *stub.Router, own []*route) {
	paths := map[string][]*route{}
	for _, r := range own {
		paths[r.path] = append(paths[r.path], r)
	}
	for _, path := range slices.SortedFunc(maps.Keys(paths), mostSpecific) {
		there := paths[path]
		refuse := func(*http.Request, *token.AIGatewayUser) (stub.Reply, error) {
			var methods []string
			for _, r := range there {
				if r.isIn(g.settings.Load().release) {
					methods = append(methods, r.verb())
				}
			}
			if len(methods) == 0 {
				return stub.Reply{}, fastapi.NotFound()
			}
			slices.Sort(methods)
			return stub.Reply{}, fastapi.NotAllowed(methods)
		}
		h := g.guard(refuse)
		if there[0].open {
			h = g.openTo(there[0], refuse, h)
		}
		routes.Handle(stub.MethodNotAllowed, path, h)
	}
	nothing := func(*http.Request, *token.AIGatewayUser) (stub.Reply, error) { return stub.Reply{}, fastapi.NotFound() }
	// Metrics are served on a port of their own.
	routes.Handle(stub.NoRoute, "/metrics", open(nothing))
	routes.Handle(stub.NoRoute, "/{rest:.*}", g.guard(nothing))
}

// mostSpecific puts paths without variables first, so /v1/chat/agent before /v1/chat/{invokable}.
func mostSpecific(a, b string) int {
	return cmp.Or(cmp.Compare(strings.Count(a, "{"), strings.Count(b, "{")), cmp.Compare(a, b))
}

func (r *route) verb() string { return cmp.Or(r.method, http.MethodPost) }

// isIn says whether a release has the route.
func (r *route) isIn(release release) bool { return len(r.in) == 0 || slices.Contains(r.in, release) }

// serve takes an authenticated request through the checks of its route.
func (g *Gateway) serve(r *request) (stub.Reply, error) {
	if !r.route.isIn(r.release) {
		return stub.Reply{}, fastapi.NotFound()
	}
	if err := r.read(); err != nil {
		return stub.Reply{}, err
	}
	checks := []func(*request) error{g.credits, r.route.needs.check}
	if r.route.needsFirst {
		slices.Reverse(checks)
	}
	for _, check := range checks {
		if check == nil {
			continue
		}
		if err := check(r); err != nil {
			return stub.Reply{}, err
		}
	}
	if r.declared != nil {
		return g.declared(r.declared)(r)
	}
	return r.route.answer(r)
}

// read reads the body, and holds it against the model if the route has one.
func (r *request) read() (err error) {
	switch {
	case r.route.json:
		return fastapi.CheckBody(r.Request)
	case r.route.body == nil:
		return nil
	}
	r.body, err = fastapi.ReadModel(r.Request, r.route.body, r.release == release2025)
	return err
}

// declared answers what a feature file says.
func (g *Gateway) declared(answer *fastapi.Answer) func(*request) (stub.Reply, error) {
	return func(r *request) (stub.Reply, error) {
		return answer.Reply(g.service.Clock().Now(), journal.Of(r.Context()).RequestID)
	}
}

// notFound is what chat says to what it does not know, which is not what other unknown paths are answered.
func notFound(*request) (stub.Reply, error) {
	return stub.Reply{}, &stub.Error{Status: http.StatusNotFound, Message: "Not found"}
}
