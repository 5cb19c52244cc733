package backends

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/ccmock/ccmock/backends/aigateway"
	"github.com/ccmock/ccmock/backends/duoworkflow"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Options say which backends there are and whom they trust.
type Options struct {
	Features []feature.Feature
	// Issuers are GitLab and CustomersDot, in this order.
	Issuers []token.Issuer
	// Keys holds the keys with which the AI gateway signs user tokens.
	Keys *token.Pool
	// URL is where a backend is reached, as the other services know it.
	URL func(backend string) string
}

// backend is one service.
type backend interface {
	Handler() http.Handler
	Skew() *clock.Skew
	Routes() []string
	Seed(w world.World) error
	// Restart empties what the service learnt from others.
	Restart()
}

// Stub is all backends of one process.
type Stub struct {
	options  Options
	names    []string // sorted
	backends map[string]backend
}

// New returns the backends of the features, but for those that have a URL of their own.
func New(env stub.Env, o Options) (*Stub, error) {
	features := map[string][]feature.Feature{}
	for _, f := range o.Features {
		if f.Backend.URL == "" {
			features[f.Backend.Name] = append(features[f.Backend.Name], f)
		}
	}
	s := &Stub{options: o, names: slices.Sorted(maps.Keys(features)), backends: map[string]backend{}}
	for _, name := range s.names {
		b, err := s.newBackend(env, name, features[name])
		if err != nil {
			return nil, fmt.Errorf("backend %q: %w", name, err)
		}
		s.backends[name] = b
	}
	return s, nil
}

func (s *Stub) newBackend(env stub.Env, name string, features []feature.Feature) (backend, error) {
	switch features[0].Backend.Profile {
	case feature.AIGateway:
		return aigateway.New(env, aigateway.Options{
			Name: name, Features: features, Issuers: s.options.Issuers, Keys: s.options.Keys,
		})
	case feature.DuoWorkflow:
		return duoworkflow.New(env, duoworkflow.Options{
			Name: name, Audience: features[0].Backend.Audience, Issuers: s.options.Issuers, Keys: s.options.Keys,
		})
	}
	return newStrict(env, name, features, s.options.Issuers)
}

// Names lists the backends, sorted.
func (s *Stub) Names() []string { return slices.Clone(s.names) }

// Handler serves the backend of that name; nil if there is none.
func (s *Stub) Handler(name string) http.Handler {
	if b, ok := s.backends[name]; ok {
		return b.Handler()
	}
	return nil
}

// Services lists the backends.
func (s *Stub) Services() []control.Service {
	services := make([]control.Service, 0, len(s.names))
	for _, name := range s.names {
		services = append(services, control.Service{Name: name, Kind: journal.Backend, URL: s.options.URL(name)})
	}
	return services
}

// Routes lists what a backend answers, by the names that the journal has.
func (s *Stub) Routes(service string) []string {
	if b, ok := s.backends[service]; ok {
		return b.Routes()
	}
	return nil
}

// Seed restarts every backend in the given world.
func (s *Stub) Seed(w world.World) error {
	for _, name := range s.names {
		if err := s.backends[name].Seed(w); err != nil {
			return fmt.Errorf("backend %q: %w", name, err)
		}
	}
	return nil
}

// Skew returns the skew of a backend's clock.
func (s *Stub) Skew(service string) *clock.Skew {
	if b, ok := s.backends[service]; ok {
		return b.Skew()
	}
	return nil
}

// signer is a backend with keys of its own: the AI gateway and the Duo Workflow Service.
type signer interface {
	Sign(in control.SignRequest) (control.TokenResult, error)
	RotateKeys(step string) (control.KeysResult, error)
}

// Actions are what backends can be asked to do. Not all of them have keys, and only the AI
// gateway has models.
func (s *Stub) Actions() map[string]control.Action {
	return map[string]control.Action{
		control.ActionRestart: control.Do(s.restart),
		control.ActionSign: control.Do(func(_ context.Context, in control.SignRequest) (control.TokenResult, error) {
			if b, ok := s.backends[in.Service].(signer); ok {
				return b.Sign(in)
			}
			return control.TokenResult{}, control.ErrNotHere
		}),
		control.ActionRotateKeys: control.Do(func(_ context.Context, in control.KeysRequest) (control.KeysResult, error) {
			if b, ok := s.backends[in.Service].(signer); ok {
				return b.RotateKeys(in.Step)
			}
			return control.KeysResult{}, control.ErrNotHere
		}),
		control.ActionModel: control.Do(func(_ context.Context, in control.ModelRequest) (control.Done, error) {
			if g, ok := s.backends[in.Service].(*aigateway.Gateway); ok {
				return control.Done{}, g.Model(in)
			}
			return control.Done{}, control.ErrNotHere
		}),
	}
}

func (s *Stub) restart(_ context.Context, in control.RestartRequest) (control.Done, error) {
	if in.Service == "" {
		for _, b := range s.backends {
			b.Restart()
		}
		return control.Done{}, nil
	}
	b, ok := s.backends[in.Service]
	if !ok {
		return control.Done{}, control.ErrNotHere
	}
	b.Restart()
	return control.Done{}, nil
}
