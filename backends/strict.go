package backends

import (
	"maps"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// strict is a backend that verifies tokens as the documentation asks.
type strict struct {
	service  *stub.Service
	audience string
	issuers  []token.Issuer
	client   *http.Client // for their keys
	verifier atomic.Pointer[token.Verifier]
}

// newStrict makes the backend of that name from its features, of which there is one at
// least.
func newStrict(env stub.Env, name string, features []feature.Feature, issuers []token.Issuer) (*strict, error) {
	b := &strict{service: stub.NewService(env, stub.Options{
		Name: name, Kind: journal.Backend, Style: fastapi.Style, Headers: fastapi.Headers,
	}), audience: features[0].Backend.Audience, issuers: issuers, client: fastapi.NewKeyClient()}
	b.trust(issuers)
	routes, allowed := b.service.Routes(), map[string][]string{}
	for _, f := range features {
		answer, err := fastapi.NewAnswer(f)
		if err != nil {
			return nil, err
		}
		endpoint := f.Backend.Endpoint
		routes.Handle(f.Name, endpoint.Path, b.guard(b.answer(f.Backend.Scope, answer)), endpoint.Method)
		allowed[endpoint.Path] = append(allowed[endpoint.Path], endpoint.Method)
	}
	for path, h := range map[string]stub.Handler{"/monitoring/healthz": b.healthz, "/monitoring/ready": b.ready} {
		if allowed[path] == nil {
			routes.Handle(path[1:], path, h, http.MethodGet)
			routes.Handle(stub.MethodNotAllowed, path, notAllowed([]string{http.MethodGet}))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(allowed)) {
		h := notAllowed(slices.Sorted(slices.Values(allowed[path])))
		routes.Handle(stub.MethodNotAllowed, path, b.guard(func(r *http.Request, _ *token.Verified) (stub.Reply, error) { return h(r) }))
	}
	routes.Handle(stub.NoRoute, "/{rest:.*}", b.guard(func(*http.Request, *token.Verified) (stub.Reply, error) {
		return stub.Reply{}, fastapi.NotFound()
	}))
	return b, nil
}

func notAllowed(methods []string) stub.Handler {
	return func(*http.Request) (stub.Reply, error) { return stub.Reply{}, fastapi.NotAllowed(methods) }
}

// guard lets only requests through to h whose token and headers are good.
func (b *strict) guard(h func(*http.Request, *token.Verified) (stub.Reply, error)) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		verified, err := b.authenticate(r)
		if err != nil {
			return stub.Reply{}, err
		}
		return h(r, verified)
	}
}

// answer answers a feature's endpoint.
func (b *strict) answer(scope string, answer *fastapi.Answer) func(*http.Request, *token.Verified) (stub.Reply, error) {
	return func(r *http.Request, verified *token.Verified) (stub.Reply, error) {
		if err := fastapi.CheckBody(r); err != nil {
			return stub.Reply{}, err
		}
		entry := journal.Of(r.Context())
		entry.Scope = scope
		if err := verified.RequireScope(scope); err != nil {
			return stub.Reply{}, forbidden(scope, err)
		}
		return answer.Reply(b.service.Clock().Now(), entry.RequestID)
	}
}

// healthz answers "GET /monitoring/healthz".
func (b *strict) healthz(*http.Request) (stub.Reply, error) {
	return stub.JSON(http.StatusOK, struct{}{}), nil
}

// ready answers "GET /monitoring/ready": whether the keys of all issuers are at hand.
func (b *strict) ready(r *http.Request) (stub.Reply, error) {
	if err := b.verifier.Load().Keys.Prefetch(r.Context()); err != nil {
		journal.Of(r.Context()).Detail = err.Error()
		return stub.JSON(http.StatusServiceUnavailable, struct{}{}), nil
	}
	return stub.JSON(http.StatusOK, struct{}{}), nil
}

func (b *strict) Handler() http.Handler { return b.service }

func (b *strict) Routes() []string { return b.service.Routes().Names() }

func (b *strict) Skew() *clock.Skew { return b.service.Skew() }

// Seed restarts the backend. It is set up for what CustomersDot calls itself in that world.
func (b *strict) Seed(w world.World) error {
	issuers := slices.Clone(b.issuers)
	if w.CustomersDot.IssuerSlash {
		for n, i := range issuers {
			if i.Name == "CustomersDot" {
				issuers[n].Identifier = i.URL + "/"
			}
		}
	}
	b.trust(issuers)
	return nil
}

// trust takes tokens of these issuers from now on, whose keys are still to be fetched.
func (b *strict) trust(issuers []token.Issuer) {
	b.verifier.Store(&token.Verifier{
		Keys:     token.NewRemoteKeys(b.service.Clock(), b.client, issuers, token.RemoteOptions{}),
		Audience: b.audience,
		Clock:    b.service.Clock(),
	})
}

func (b *strict) Restart() { b.verifier.Load().Keys.Forget() }
