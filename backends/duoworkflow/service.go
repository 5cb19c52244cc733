package duoworkflow

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/backends/internal/ownkeys"
	"github.com/ccmock/ccmock/backends/internal/quota"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Options say what a Duo Workflow Service is called and whom it trusts.
type Options struct {
	Name     string         // of the backend
	Audience string         // its own name in tokens: "gitlab-duo-workflow-service"
	Issuers  []token.Issuer // GitLab and CustomersDot, in this order
	Keys     *token.Pool
}

// Service is a Duo Workflow Service.
type Service struct {
	options Options
	env     stub.Env
	service *stub.Service
	client  *http.Client

	running atomic.Pointer[process]

	mu    sync.Mutex // of what follows
	ring  *ownkeys.Ring
	world world.World
}

// process is the service as it was last started.
type process struct {
	verifier *token.AIGatewayVerifier
	script   duocontract.Script
	quota    *quota.Client // nil without CustomersDot's credentials
}

// New returns a Duo Workflow Service.
func New(env stub.Env, o Options) (*Service, error) {
	s := &Service{options: o, env: env, client: fastapi.NewKeyClient()}
	s.client.CheckRedirect = nil // the real one follows them
	s.service = stub.NewService(env, stub.Options{Name: o.Name, Kind: journal.Backend, Style: style, MaxBody: -1})
	if err := s.Seed(world.World{}); err != nil {
		return nil, err
	}
	s.addRoutes()
	return s, nil
}

// style words what is no gRPC at all.
func style(e *stub.Error) stub.Reply { return stub.Text(e.Status, e.Message) }

// Handler serves the service.
func (s *Service) Handler() http.Handler { return s.service }

// Routes lists the methods, by the names that the journal has.
func (s *Service) Routes() []string { return s.service.Routes().Names() }

// Skew returns the skew of the service's clock.
func (s *Service) Skew() *clock.Skew { return s.service.Skew() }

// Seed starts over in the given world, with the first key.
func (s *Service) Seed(w world.World) error {
	ring, err := ownkeys.New(s.options.Keys, s.options.Name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world, s.ring = w, ring
	s.start()
	return nil
}

// Restart empties the caches, as only a restart of the process does in the real one.
func (s *Service) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
}

// start begins with empty caches and the present keys. Call with the lock held.
func (s *Service) start() {
	p := &process{
		verifier: &token.AIGatewayVerifier{
			Keys: token.NewAIGatewayKeys(s.service.Clock(), s.client, s.options.Issuers,
				token.AIGatewayKeysOptions{Local: s.ring.Rows(), KeepOldSet: true}),
			Service: s.options.Audience,
			Clock:   s.service.Clock(),

			EnforceSeatCount: s.world.SeatCountEnforced,
		},
		script: s.world.DuoWorkflow.Workflow(),
	}
	if d := s.world.DuoWorkflow; d != nil && d.Quota {
		p.quota = quota.New(s.service.Clock(), s.env.Random, s.client.Transport, s.options.Issuers[len(s.options.Issuers)-1].URL)
	}
	s.running.Store(p)
}

// RotateKeys changes the keys for users' tokens, as a deployment with other keys does, so
// that caches are empty after it: see ownkeys.Ring.
func (s *Service) RotateKeys(step string) (control.KeysResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	result, changed, err := s.ring.Step(step)
	if changed {
		s.start()
	}
	return result, err
}

// Sign makes a user's token that the service never would: a good one for the first user of
// the instance, with other claims and headers laid over; null removes one.
func (s *Service) Sign(in control.SignRequest) (control.TokenResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ring.Forge(in, ownkeys.Good{
		Service: s.options.Audience, ID: s.env.Random.UUID(), Now: s.service.Clock().Now(), World: s.world,
		Scopes: []string{agentPlatform, duoChat, executeWorkflow},
	})
}
