package aigateway

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Options say what an AI gateway serves and whom it trusts.
type Options struct {
	Name     string            // of the backend
	Features []feature.Feature // those of this backend, one at least
	Issuers  []token.Issuer    // GitLab and CustomersDot, in this order
	Keys     *token.Pool
}

// Gateway is an AI gateway.
type Gateway struct {
	options Options
	env     stub.Env
	service *stub.Service
	name    string // its own, the audience of tokens: "gitlab-ai-gateway"
	client  *http.Client

	running atomic.Pointer[token.AIGatewayVerifier] // as the process was last started

	mu      sync.Mutex // of what follows
	ring    *token.Keyring
	created int // keys made since the seed
	world   world.World

	quotas quotas
}

// New returns an AI gateway. A feature that declares another scope for one of the
// gateway's own endpoints than that demands is an error.
func New(env stub.Env, o Options) (*Gateway, error) {
	g := &Gateway{options: o, env: env, name: o.Features[0].Backend.Audience, client: fastapi.NewKeyClient()}
	g.client.CheckRedirect = nil // the real one follows them
	g.service = stub.NewService(env, stub.Options{
		Name: o.Name, Kind: journal.Backend, Style: fastapi.Style, Headers: fastapi.Headers,
	})
	if err := g.Seed(world.World{}); err != nil {
		return nil, err
	}
	return g, g.addRoutes()
}

// Seed starts over in the given world, with the first key.
func (g *Gateway) Seed(w world.World) error {
	key, err := g.options.Keys.Get(g.keyName())
	if err != nil {
		return fmt.Errorf("the key for user tokens: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.world, g.ring, g.created = w, token.NewKeyring(key), 0
	g.start()
	return nil
}

// Restart empties the key cache, as only a restart of the process does in the real one.
func (g *Gateway) Restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.start()
}

// start begins with empty caches and the present keys. Call with the lock held.
func (g *Gateway) start() {
	g.running.Store(&token.AIGatewayVerifier{
		Keys:    token.NewAIGatewayKeys(g.service.Clock(), g.client, g.options.Issuers, token.AIGatewayKeysOptions{Local: g.ring.Rows()}),
		Service: g.name,
		Clock:   g.service.Clock(),

		EnforceSeatCount: g.world.SeatCountEnforced,
	})
	g.quotas.forget()
}

// Routes lists what the gateway answers, by the names that the journal has.
func (g *Gateway) Routes() []string { return g.service.Routes().Names() }

// Skew returns the skew of the gateway's clock.
func (g *Gateway) Skew() *clock.Skew { return g.service.Skew() }

// endpoint is one that the gateway has by itself.
type endpoint struct {
	route, path string
	scope       string // what a feature that names it must demand; "" for any
	event       string // what its usage is counted as; "" if it is not
	handle      func(r *http.Request, u *token.AIGatewayUser, declared *fastapi.Answer) (stub.Reply, error)
}

// endpoints are the gateway's own, all of them POST.
func (g *Gateway) endpoints() []endpoint {
	all := []endpoint{
		{"code.completions", "/v2/code/completions", completeCode, forCompletions, g.completions},
		{"code.completions", "/v2/completions", completeCode, forCompletions, g.completions},
		{"code.generations", "/v2/code/generations", generateCode, forGenerations, g.generations},
		{"code.user_access_token", "/v1/code/user_access_token", "", forCompletions, g.userAccessToken},
	}
	for _, i := range invokables {
		all = append(all, endpoint{"chat." + i.name, "/v1/chat/" + i.name, i.scope, "", g.chat(i)})
	}
	return all
}

func (g *Gateway) addRoutes() error {
	routes, allowed := g.service.Routes(), map[string][]string{}
	add := func(name, method, path string, h guarded) {
		routes.Handle(name, path, g.guard(h), method)
		allowed[path] = append(allowed[path], method)
	}
	declared := map[string]*fastapi.Answer{}
	own := g.endpoints()
	for _, f := range g.options.Features {
		answer, err := fastapi.NewAnswer(f)
		if err != nil {
			return err
		}
		b := f.Backend
		n := slices.IndexFunc(own, func(e endpoint) bool { return e.path == b.Endpoint.Path && b.Endpoint.Method == http.MethodPost })
		switch {
		case n < 0:
			add(f.Name, b.Endpoint.Method, b.Endpoint.Path, g.declared(b.Scope, answer))
		case own[n].scope != "" && own[n].scope != b.Scope:
			return fmt.Errorf("feature %q demands scope %q of %s, where the AI gateway demands %q (hint: backend.scope)", f.Name, b.Scope, b.Endpoint, own[n].scope)
		case answer.Declared():
			declared[own[n].path] = answer
		}
	}
	for _, e := range own {
		add(e.route, http.MethodPost, e.path, func(r *http.Request, u *token.AIGatewayUser) (stub.Reply, error) {
			if e.event != "" {
				if err := g.checkQuota(r, u, e.event); err != nil {
					return stub.Reply{}, err
				}
			}
			return e.handle(r, u, declared[e.path])
		})
	}
	if allowed["/v1/chat/{invokable}"] == nil {
		add("chat.unknown", http.MethodPost, "/v1/chat/{invokable}", g.unknownInvokable)
	}
	for _, path := range slices.Sorted(maps.Keys(allowed)) { // so /v1/chat/agent before /v1/chat/{invokable}
		methods := slices.Sorted(slices.Values(allowed[path]))
		routes.Handle(stub.MethodNotAllowed, path, g.guard(func(*http.Request, *token.AIGatewayUser) (stub.Reply, error) {
			return stub.Reply{}, fastapi.NotAllowed(methods)
		}))
	}
	g.addOpenRoutes(routes)
	routes.Handle(stub.NoRoute, "/{rest:.*}", g.guard(func(*http.Request, *token.AIGatewayUser) (stub.Reply, error) {
		return stub.Reply{}, fastapi.NotFound()
	}))
	return nil
}

// declared answers an endpoint that only a feature file has.
func (g *Gateway) declared(scope string, answer *fastapi.Answer) guarded {
	return func(r *http.Request, u *token.AIGatewayUser) (stub.Reply, error) {
		if err := fastapi.CheckBody(r); err != nil {
			return stub.Reply{}, err
		}
		if err := permit(r, u, scope, ""); err != nil {
			return stub.Reply{}, err
		}
		return g.answer(r, answer)
	}
}

func (g *Gateway) answer(r *http.Request, answer *fastapi.Answer) (stub.Reply, error) {
	return answer.Reply(g.service.Clock().Now(), journal.Of(r.Context()).RequestID)
}
