package aigateway

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/backends/internal/ownkeys"
	"github.com/ccmock/ccmock/backends/internal/quota"
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

	running  atomic.Pointer[token.AIGatewayVerifier] // as the process was last started
	settings atomic.Pointer[settings]                // of the world
	models   models
	quota    *quota.Client

	mu    sync.Mutex // of what follows
	ring  *ownkeys.Ring
	world world.World
}

// New returns an AI gateway. A feature that declares another scope for one of the
// gateway's own endpoints than that demands is an error.
func New(env stub.Env, o Options) (*Gateway, error) {
	g := &Gateway{options: o, env: env, name: o.Features[0].Backend.Audience, client: fastapi.NewKeyClient()}
	g.client.CheckRedirect = nil // the real one follows them
	g.service = stub.NewService(env, stub.Options{
		Name: o.Name, Kind: journal.Backend, Style: fastapi.Style, Headers: fastapi.Headers,
	})
	g.quota = quota.New(g.service.Clock(), env.Random, g.client.Transport, customersDot(o.Issuers))
	if err := g.Seed(world.World{}); err != nil {
		return nil, err
	}
	return g, g.addRoutes()
}

// customersDot is the issuer that quotas are asked of, the last one.
func customersDot(issuers []token.Issuer) string {
	if len(issuers) == 0 {
		return ""
	}
	return issuers[len(issuers)-1].URL
}

// Seed starts over in the given world, with the first key.
func (g *Gateway) Seed(w world.World) error {
	ring, err := ownkeys.New(g.options.Keys, g.options.Name)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.world, g.ring = w, ring
	s := newSettings(w)
	g.settings.Store(s)
	g.models.seed(s.Models)
	g.start()
	return nil
}

// Restart empties the caches, as only a restart of the process does in the real one.
func (g *Gateway) Restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.start()
}

// start begins with empty caches and the present keys. Call with the lock held.
func (g *Gateway) start() {
	s := g.settings.Load()
	g.running.Store(&token.AIGatewayVerifier{
		Keys: token.NewAIGatewayKeys(g.service.Clock(), g.client, g.options.Issuers, token.AIGatewayKeysOptions{
			Local: g.ring.Rows(), KeepOldSet: s.release != release2025, // its library was of version 1
		}),
		Service: g.name,
		Clock:   g.service.Clock(),

		EnforceSeatCount: g.world.SeatCountEnforced,
		SkipSignature:    s.Bypass == "signature",
	})
	g.quota.Forget()
}

// Routes lists what the gateway answers, by the names that the journal has.
func (g *Gateway) Routes() []string { return g.service.Routes().Names() }

// Skew returns the skew of the gateway's clock.
func (g *Gateway) Skew() *clock.Skew { return g.service.Skew() }
