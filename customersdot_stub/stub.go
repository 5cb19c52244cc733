package customersdotstub

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/graph-gophers/graphql-go"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Name is the service's name in the journal, in fault rules and on the control plane.
const Name = "customersdot"

// Options say how CustomersDot is set up.
type Options struct {
	// URL is where the others reach it, without a trailing slash. It is the issuer.
	URL  string
	Keys *token.Pool
	// Features make up cloud_connector.yml, unless CatalogFile is given.
	Features []feature.Feature
	// CatalogFile is a cloud_connector.yml to use and watch in place of Features' entries.
	CatalogFile string
	// Environment is the block of a cloud_connector.yml that counts; empty means the
	// catalog's default.
	Environment string
	// IssuerSlash ends the issuer in a slash, in tokens and in the discovery document.
	IssuerSlash bool
}

// Stub is CustomersDot. It is safe for concurrent use.
type Stub struct {
	env      stub.Env
	options  Options
	service  *stub.Service
	schema   *graphql.Schema
	state    atomic.Pointer[state]
	deployed atomic.Pointer[edition] // of the file or the features; see edition()
	file     watched
}

// state is everything that Seed makes anew.
type state struct {
	settings world.CustomersDot
	keys     *token.Keyring
	rotation sync.Mutex // held during a step of a rotation
	created  int        // how many keys were added to the first

	mu            sync.RWMutex
	subscriptions map[string]*subscription // by instance name
	override      *edition                 // the scenario's catalogue; nil means the deployed one
}

// New returns CustomersDot in an empty world. It fails when the keys or the catalogue
// cannot be read.
func New(env stub.Env, o Options) (*Stub, error) {
	o.URL = strings.TrimRight(o.URL, "/")
	s := &Stub{env: env, options: o}
	s.service = stub.NewService(env, stub.Options{
		Name: Name, Kind: journal.CustomersDot, Style: style, MaxBody: maxBody, Headers: ownHeaders,
	})
	var err error
	if s.schema, err = newSchema(s); err != nil {
		return nil, fmt.Errorf("customersdot: graphql schema: %w", err)
	}
	first, err := s.firstEdition()
	if err != nil {
		return nil, err
	}
	s.deployed.Store(first)
	if err := s.Seed(world.World{}); err != nil {
		return nil, err
	}
	s.routes()
	return s, nil
}

// Handler answers everything that is sent to CustomersDot.
func (s *Stub) Handler() http.Handler { return s.service }

// Services lists CustomersDot.
func (s *Stub) Services() []control.Service {
	return []control.Service{{Name: Name, Kind: journal.CustomersDot, URL: s.options.URL}}
}

// Routes lists what CustomersDot answers, by the names that the journal has.
func (s *Stub) Routes(string) []string { return s.service.Routes().Names() }

// Skew is how far CustomersDot's clock is off.
func (s *Stub) Skew(service string) *clock.Skew {
	if service != Name {
		return nil
	}
	return s.service.Skew()
}

// Seed starts over: with the world's licences and purchases, the first signing key and,
// if the world has one, its own cloud_connector.yml.
func (s *Stub) Seed(w world.World) error {
	key, err := s.options.Keys.Get(firstKey)
	if err != nil {
		return fmt.Errorf("customersdot: signing key: %w", err)
	}
	st := &state{settings: w.CustomersDot, keys: token.NewKeyring(key), subscriptions: map[string]*subscription{}}
	if w.Catalog != "" {
		if st.override, err = s.parse(w.CatalogName, []byte(w.Catalog)); err != nil {
			return err
		}
	}
	for _, i := range w.Instances {
		st.subscriptions[i.Name] = newSubscription(i)
	}
	s.state.Store(st)
	return nil
}

// Watch follows the catalogue's file until ctx ends. Without a file it only waits.
func (s *Stub) Watch(ctx context.Context) {
	if s.options.CatalogFile == "" {
		<-ctx.Done()
		return
	}
	for clock.Wait(ctx, pollInterval) == nil {
		s.reload()
	}
}
