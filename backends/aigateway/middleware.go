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
		user, err := g.authenticate(r)
		if err != nil {
			return stub.Reply{}, err
		}
		if err := g.readIDs(r); err != nil {
			return stub.Reply{}, err
		}
		return h(r, user)
	}
}

// authenticate says whom a request comes from.
func (g *Gateway) authenticate(r *http.Request) (*token.AIGatewayUser, error) {
	entry := journal.Of(r.Context())
	entry.Token = fastapi.Carried(r.Header)
	switch g.settings.Load().Bypass {
	case "external":
		return &token.AIGatewayUser{Debug: true}, nil
	case "header":
		if r.Header.Get("Bypass-Auth") == "true" {
			return &token.AIGatewayUser{Debug: true}, nil
		}
	}
	user, verdict := g.running.Load().Authenticate(r.Context(), r.Header)
	if err := refusal(verdict, ""); err != nil {
		return nil, err
	}
	if entry.Token != nil && entry.Token.Claims == nil { // laxer than we decode
		entry.Token.Claims = user.Claims
	}
	return user, nil
}

// readIDs reads the ids of a request as internal events do, which take them for numbers: an exception, where one is none.
func (g *Gateway) readIDs(r *http.Request) error {
	if s := g.settings.Load(); s.NoInternalEvents || s.release == release2025 {
		return nil
	}
	for _, name := range []string{"X-Gitlab-Project-Id", "X-Gitlab-Namespace-Id", "X-Gitlab-Organization-Id"} {
		if v := r.Header.Get(name); v != "" && v != "null" && !token.PythonInt(v) {
			return &stub.Error{Status: http.StatusInternalServerError, Message: "Internal Server Error", Reason: string(token.Malformed), Detail: "header " + name + " is no number"}
		}
	}
	return nil
}

// openTo lets everybody through to a route that takes no token, where the release has it. Where it has not, the path is
// as any other.
func (g *Gateway) openTo(r *route, h guarded, otherwise stub.Handler) stub.Handler {
	through := open(h)
	return func(q *http.Request) (stub.Reply, error) {
		if r.isIn(g.settings.Load().release) {
			return through(q)
		}
		return otherwise(q)
	}
}

// open is guard without authentication.
func open(h guarded) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		if isPreflight(r) {
			return preflight(r), nil
		}
		return h(r, nil)
	}
}

// healthz answers "GET /monitoring/healthz".
func (g *Gateway) healthz(*request) (stub.Reply, error) {
	return stub.JSON(http.StatusOK, struct{}{}), nil
}

// ready answers "GET /monitoring/ready": of what the real one looks at, only whether it
// has the keys of all issuers.
func (g *Gateway) ready(r *request) (stub.Reply, error) {
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
