package gateway

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Name is the gateway's name in the journal and in fault rules.
const Name = "gateway"

// DefaultOriginTimeout is how long Cloudflare waits for an origin unless told otherwise.
const DefaultOriginTimeout = 100 * time.Second

// Limits are rate limits; the zero value limits nothing.
type Limits = control.Limits

// Options say what a gateway routes to.
type Options struct {
	URL string // as the other services know it
	// Routes are the origins' base URLs by path prefix. A prefix is one or more segments
	// without slashes at the ends, such as "foo" or "foo/v2".
	Routes map[string]string
	Limits Limits
	// EdgeAuth, if not empty, are the issuers whose tokens the gateway itself demands.
	EdgeAuth []token.Issuer
	// OriginTimeout is how long an origin may take to connect and then to begin its answer,
	// in real time; 0 means DefaultOriginTimeout.
	OriginTimeout time.Duration
}

// Stub is the gateway.
type Stub struct {
	options Options
	service *stub.Service
	limits  *limiter
	edge    *edge // nil unless EdgeAuth
	origins *transports
	known   []string
}

// New returns a gateway. A prefix or an origin that cannot be one is an error.
func New(env stub.Env, o Options) (*Stub, error) {
	if o.OriginTimeout == 0 {
		o.OriginTimeout = DefaultOriginTimeout
	}
	if o.OriginTimeout < 0 {
		return nil, fmt.Errorf("gateway: the origin timeout %s is negative", o.OriginTimeout)
	}
	if err := checkLimits(o.Limits); err != nil {
		return nil, err
	}
	s := &Stub{options: o, origins: newTransports(o.OriginTimeout)}
	s.service = stub.NewService(env, stub.Options{
		Name: Name, Kind: journal.Gateway, Style: style, MaxBody: -1,
		Headers: func(h http.Header, _ *journal.Entry) { h.Set(rayHeader, newRay(env.Random)) },
	})
	s.limits = newLimiter(s.service.Clock(), o.Limits)
	if len(o.EdgeAuth) > 0 {
		s.edge = newEdge(s.service.Clock(), o.EdgeAuth)
	}
	routes := s.service.Routes()
	for _, prefix := range longestFirst(o.Routes) {
		r, err := newRoute(prefix, o.Routes[prefix])
		if err != nil {
			return nil, err
		}
		p := s.newProxy(r, env)
		routes.Raw(prefix, "/"+prefix, p)
		routes.Prefix(prefix, "/"+prefix+"/", p)
		s.known = append(s.known, "/"+prefix)
	}
	slices.Sort(s.known)
	routes.Handle(stub.NoRoute, "/{rest:.*}", s.unknownPrefix)
	return s, nil
}

// longestFirst orders prefixes so that the first which matches is the longest.
func longestFirst(routes map[string]string) []string {
	return slices.SortedFunc(maps.Keys(routes), func(a, b string) int {
		if d := strings.Count(b, "/") - strings.Count(a, "/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

func (s *Stub) unknownPrefix(r *http.Request) (stub.Reply, error) {
	detail := fmt.Sprintf("no origin has a prefix of %q; known are %s", r.URL.Path, strings.Join(s.known, ", "))
	if len(s.known) == 0 {
		detail = "no origin is known at all"
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if near := strictyaml.Suggest("/"+first, s.known); near != "" {
		detail += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return stub.Reply{}, &stub.Error{
		Status: http.StatusNotFound, Message: "Not Found", Reason: UnknownRoute, Detail: detail,
	}
}

// style words errors as Cloudflare does to a client that takes no HTML.
func style(e *stub.Error) stub.Reply {
	text := e.Message
	switch e.Status {
	case http.StatusTooManyRequests:
		text = "error code: 1015"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		text = fmt.Sprintf("error code: %d", e.Status)
	}
	return stub.Text(e.Status, text)
}

// Handler serves the gateway.
func (s *Stub) Handler() http.Handler { return s.service }

// Close lets go of connections to origins that are idle.
func (s *Stub) Close() {
	s.origins.usual.CloseIdleConnections()
	s.origins.grpc.CloseIdleConnections()
}

// Services lists the gateway.
func (s *Stub) Services() []control.Service {
	return []control.Service{{Name: Name, Kind: journal.Gateway, URL: s.options.URL}}
}

// Routes lists the gateway's routes: its path prefixes.
func (s *Stub) Routes(string) []string { return s.service.Routes().Names() }

// Seed forgets all counts and keys and puts the limits of the options in force. What the
// world holds is nothing to the gateway.
func (s *Stub) Seed(world.World) error {
	s.limits.reset(s.options.Limits)
	s.forget()
	return nil
}

func (s *Stub) forget() {
	if s.edge != nil {
		s.edge.keys.Forget()
	}
}

// Skew returns the skew of the gateway's clock.
func (s *Stub) Skew(service string) *clock.Skew {
	if service != Name {
		return nil
	}
	return s.service.Skew()
}

// Actions are what the gateway can be asked to do.
func (s *Stub) Actions() map[string]control.Action {
	return map[string]control.Action{
		control.ActionLimits: control.Do(func(_ context.Context, l control.Limits) (control.Done, error) {
			if err := checkLimits(l); err != nil {
				return control.Done{}, err
			}
			s.limits.reset(l)
			return control.Done{}, nil
		}),
		control.ActionRestart: control.Do(func(_ context.Context, in control.RestartRequest) (control.Done, error) {
			if in.Service != Name {
				return control.Done{}, control.ErrNotHere
			}
			s.limits.restart()
			s.forget()
			return control.Done{}, nil
		}),
	}
}
