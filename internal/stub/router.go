package stub

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/mux"
)

// Handler answers one route. An error that is no *Error becomes a 500, so handlers
// return an *Error for everything that a client can cause.
type Handler func(r *http.Request) (Reply, error)

// The names that the journal gives to requests which match no route.
const (
	NoRoute          = "(no route)"
	MethodNotAllowed = "(method not allowed)"
)

// Router holds the named routes of a service. Their patterns are compiled for the first
// request, as most instances of most worlds never get one.
type Router struct {
	mux     func() *mux.Router
	routes  []func(*mux.Router)
	adapt   func(Handler) http.Handler
	methods []string // all methods of all routes, for Allow
	names   []string
}

func newRouter(adapt func(Handler) http.Handler) *Router {
	r := &Router{adapt: adapt}
	r.mux = sync.OnceValue(func() *mux.Router {
		compiled := mux.NewRouter().UseEncodedPath().SkipClean(true)
		for _, add := range r.routes {
			add(compiled)
		}
		return compiled
	})
	return r
}

// Names lists the routes, sorted.
func (r *Router) Names() []string { return slices.Sorted(slices.Values(r.names)) }

// GET routes GET and HEAD requests.
func (r *Router) GET(name, path string, h Handler) {
	r.Handle(name, path, h, http.MethodGet, http.MethodHead)
}

// POST routes POST requests.
func (r *Router) POST(name, path string, h Handler) { r.Handle(name, path, h, http.MethodPost) }

// HEAD routes HEAD requests only.
func (r *Router) HEAD(name, path string, h Handler) { r.Handle(name, path, h, http.MethodHead) }

// Handle routes requests of the given methods. Path may hold variables, as in
// "/items/{id}"; see Var.
func (r *Router) Handle(name, path string, h Handler, methods ...string) {
	r.Raw(name, path, r.adapt(h), methods...)
}

// Raw routes to a handler that writes the response itself, such as a proxy. Without
// methods, it takes all of them.
func (r *Router) Raw(name, path string, h http.Handler, methods ...string) {
	r.name(name)
	r.note(methods)
	r.routes = append(r.routes, func(m *mux.Router) {
		route := m.Handle(path, h).Name(name)
		if len(methods) > 0 {
			route.Methods(methods...)
		}
	})
}

// Prefix routes everything below a path prefix to a handler that writes the response
// itself.
func (r *Router) Prefix(name, prefix string, h http.Handler) {
	r.name(name)
	r.routes = append(r.routes, func(m *mux.Router) { m.PathPrefix(prefix).Handler(h).Name(name) })
}

// name notes a route's name; several paths may share one.
func (r *Router) name(name string) {
	if name != NoRoute && name != MethodNotAllowed && !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

func (r *Router) note(methods []string) {
	for _, m := range methods {
		if !slices.Contains(r.methods, m) {
			r.methods = append(r.methods, m)
		}
	}
	slices.Sort(r.methods)
}

// match finds the route of a request: its name and handler, and the request with its
// path variables. The handler is nil where no route matches.
func (r *Router) match(req *http.Request) (name string, h http.Handler, _ *http.Request) {
	var m mux.RouteMatch
	switch {
	case r.mux().Match(req, &m) && m.MatchErr == nil && m.Route != nil:
		if len(m.Vars) > 0 {
			req = mux.SetURLVars(req, m.Vars)
		}
		return m.Route.GetName(), m.Handler, req
	case m.MatchErr == mux.ErrMethodMismatch: //nolint:errorlint // mux compares by identity too
		return MethodNotAllowed, nil, req
	default:
		return NoRoute, nil, req
	}
}

// allow lists the methods that the request's path takes, as the Allow header does.
func (r *Router) allow(req *http.Request) string {
	var found []string
	for _, method := range r.methods {
		probe := req.Clone(req.Context())
		probe.Method = method
		var m mux.RouteMatch
		if r.mux().Match(probe, &m) && m.MatchErr == nil {
			found = append(found, method)
		}
	}
	return strings.Join(found, ", ")
}

// Var returns a variable of the route's path.
func Var(r *http.Request, name string) string { return mux.Vars(r)[name] }
