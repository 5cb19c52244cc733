package aigateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// guarded is a handler of requests that passed authentication.
type guarded func(*http.Request, *token.AIGatewayUser) (stub.Reply, error)

// guard answers CORS preflights, and lets only requests through to h that pass
// authentication.
func (g *Gateway) guard(h guarded) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		if isPreflight(r) {
			return preflight(r), nil
		}
		entry := journal.Of(r.Context())
		entry.Token = fastapi.Carried(r.Header)
		user, verdict := g.running.Load().Authenticate(r.Context(), r.Header)
		if err := refusal(verdict, ""); err != nil {
			return stub.Reply{}, err
		}
		if entry.Token != nil && entry.Token.Claims == nil { // laxer than we decode
			entry.Token.Claims = user.Claims
		}
		return h(r, user)
	}
}

// permit refuses whoever lacks the scope, or comes with a token of an issuer that is not
// allowed here. Says, if set, replaces the words of a 403.
func permit(r *http.Request, u *token.AIGatewayUser, scope, says string, disallowedIssuers ...string) error {
	journal.Of(r.Context()).Scope = scope
	return refusal(u.Can(scope, disallowedIssuers...), says)
}

// refusal turns a verdict that is not OK into an error.
func refusal(v token.Verdict, says string) error {
	if v.OK() {
		return nil
	}
	if says == "" || v.Status != http.StatusForbidden {
		says = v.Says
	}
	detail := v.Detail
	if v.Log != "" {
		detail += " (its log: " + v.Log + ")"
	}
	return &stub.Error{Status: v.Status, Message: says, Reason: string(v.Reason), Detail: detail}
}

// addOpenRoutes adds the paths that authentication skips.
func (g *Gateway) addOpenRoutes(routes *stub.Router) {
	for path, h := range map[string]stub.Handler{
		"/monitoring/healthz": g.healthz,
		"/monitoring/ready":   g.ready,
	} {
		routes.Handle(path[1:], path, h, http.MethodGet)
		routes.Handle(stub.MethodNotAllowed, path, open(func(*http.Request) (stub.Reply, error) {
			return stub.Reply{}, fastapi.NotAllowed([]string{http.MethodGet})
		}))
	}
	// Metrics are served on a port of their own.
	routes.Handle(stub.NoRoute, "/metrics", open(func(*http.Request) (stub.Reply, error) {
		return stub.Reply{}, fastapi.NotFound()
	}))
}

func open(h stub.Handler) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		if isPreflight(r) {
			return preflight(r), nil
		}
		return h(r)
	}
}

// healthz answers "GET /monitoring/healthz".
func (g *Gateway) healthz(*http.Request) (stub.Reply, error) {
	return stub.JSON(http.StatusOK, struct{}{}), nil
}

// ready answers "GET /monitoring/ready": of what the real one looks at, only whether it
// has the keys of all issuers.
func (g *Gateway) ready(r *http.Request) (stub.Reply, error) {
	if err := g.running.Load().Keys.Prefetch(r.Context()); err != nil {
		journal.Of(r.Context()).Detail = err.Error()
		return stub.JSON(http.StatusServiceUnavailable, struct{}{}), nil
	}
	return stub.JSON(http.StatusOK, struct{}{}), nil
}

// isPreflight recognizes what a browser asks before it sends a page's request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight allows POST from anywhere with any headers, as Starlette's middleware does.
func preflight(r *http.Request) stub.Reply {
	journal.Of(r.Context()).Route = "cors.preflight"
	reply := stub.Text(http.StatusOK, "OK")
	if r.Header.Get("Access-Control-Request-Method") != http.MethodPost {
		reply = stub.Text(http.StatusBadRequest, "Disallowed CORS method")
	}
	reply.Header.Set("Access-Control-Allow-Methods", http.MethodPost)
	reply.Header.Set("Access-Control-Max-Age", "600")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		reply.Header.Set("Access-Control-Allow-Headers", asked)
	}
	return reply
}

// Handler serves the gateway.
func (g *Gateway) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			w.Header().Set("Access-Control-Allow-Origin", "*")
		}
		g.service.ServeHTTP(&timed{ResponseWriter: w, elapsed: clock.Stopwatch()}, r)
	})
}

// timed adds X-Process-Time, the seconds until the answer began.
type timed struct {
	http.ResponseWriter
	elapsed func() time.Duration
}

func (t *timed) WriteHeader(status int) {
	t.Header()["X-Process-Time"] = []string{strconv.FormatFloat(t.elapsed().Seconds(), 'f', -1, 64)}
	t.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush and hijack.
func (t *timed) Unwrap() http.ResponseWriter { return t.ResponseWriter }
