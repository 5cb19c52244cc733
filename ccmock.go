// Package ccmock starts the Cloud Connector ecosystem inside a Go program, above all a
// test: GitLab instances, CustomersDot, the gateway and the backends, as stubs that speak
// the real wire formats and sign real tokens.
//
//	func TestMyBackend(t *testing.T) {
//		mine := httptest.NewServer(backend.New())
//		defer mine.Close()
//		e := ccmock.StartT(t, ccmock.Options{Backends: map[string]string{"foo": mine.URL}})
//		...
//		resp, err := e.Use(t.Context(), "grace", "new_feature_scope", nil)
//	}
//
// Everything listens on free ports of loopback. The clock is the ecosystem's own: it
// stands still until Advance moves it, and then tokens expire, jobs run and cut-off dates
// pass as they would. All ecosystems of a process share signing keys, which are slow to
// make and for tests alone.
//
// For everything that has no method here there are Do and the control plane itself, at
// ControlURL; docs/control-plane.md lists what it takes.
package ccmock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// Options say what to start. The zero value is GitLab.com, a self-managed instance "acme"
// and a Dedicated one, "dedicated", with the users grace, ada and dora, and the features
// that ccmock comes with.
type Options struct {
	// Now is when the clock starts; zero means the system's time. Real services that
	// verify tokens go by the system's clock, so with them it is best left zero.
	Now time.Time
	// Running lets the clock run on, at the pace of the system's.
	Running bool
	// Instances and Users, if there are any, take the place of the default ones. GitLab.com
	// is there in any case. A user's access token is "glpat-" and the name, unless given.
	Instances []Instance
	Users     []User
	// Features are feature files, *.yaml at the top; nil means those that ccmock comes with.
	Features fs.FS
	// Catalog is the text of a cloud_connector.yml to use in place of the one that the
	// features make up.
	Catalog string
	// Backends are base URLs of real services in place of stubs, by backend name.
	Backends map[string]string
	// Seed determines every id that is made up.
	Seed uint64
	// Log is where the stubs log; nil means nowhere, or for StartT the test's log.
	Log *slog.Logger
}

// Ecosystem is a running ecosystem. It is safe for concurrent use.
type Ecosystem struct {
	inner    *ecosystem.Ecosystem
	control  *control.Client
	clock    *clock.Adjustable
	http     *http.Client
	world    world.World
	features []feature.Feature
}

// Start starts an ecosystem. When it returns, every URL answers. The context bounds
// starting only; Close ends what was started.
func Start(ctx context.Context, o Options) (*Ecosystem, error) {
	inner, err := o.ecosystem()
	if err != nil {
		return nil, fmt.Errorf("ccmock: %w", err)
	}
	running, err := ecosystem.Start(ctx, inner)
	if err != nil {
		return nil, fmt.Errorf("ccmock: %w", err)
	}
	client, err := control.Connect(ctx, "", running.ControlURL())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ccmock: %w", err), running.Close(ctx))
	}
	return &Ecosystem{
		inner: running, control: client, clock: inner.Clock, http: newClient(), world: inner.World, features: inner.Features,
	}, nil
}

// newClient is an end user's client: it follows no redirect and keeps waiting for streams.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close lets requests under way finish for a short time and stops everything.
func (e *Ecosystem) Close() error {
	e.control.Close()
	e.http.CloseIdleConnections()
	return e.inner.Close(context.Background())
}

// sharedKeys are the signing keys of all ecosystems of the process.
var sharedKeys = sync.OnceValues(func() (*token.Pool, error) { return token.NewPool("") })

func (o Options) ecosystem() (ecosystem.Options, error) {
	inner := ecosystem.Options{Seed: o.Seed, Log: o.Log, URLs: ecosystem.URLs{Backends: o.Backends}}
	var err error
	if inner.Keys, err = sharedKeys(); err != nil {
		return inner, err
	}
	if inner.Features, err = o.load(); err != nil {
		return inner, err
	}
	now := o.Now
	if now.IsZero() {
		now = clock.Real{}.Now().Truncate(time.Second)
	}
	inner.World = world.World{Now: now, Instances: slices.Clone(o.Instances), Users: slices.Clone(o.Users)}
	for n := range inner.World.Instances { // they are completed in place, and the caller may use them again
		inner.World.Instances[n].AddOns = slices.Clone(inner.World.Instances[n].AddOns)
	}
	if len(o.Instances) == 0 && len(o.Users) == 0 {
		inner.World = world.Default(now)
	}
	inner.World.Catalog = o.Catalog
	if o.Catalog != "" {
		if _, err := catalog.Parse("catalog", []byte(o.Catalog), ""); err != nil {
			return inner, err
		}
	}
	var wrong []error
	for _, c := range inner.World.Complete() {
		wrong = append(wrong, c)
	}
	if err := errors.Join(wrong...); err != nil {
		return inner, err
	}
	inner.Clock = clock.NewFrozen(now)
	if o.Running {
		inner.Clock = clock.NewRunning(now)
	}
	return inner, nil
}

func (o Options) load() ([]feature.Feature, error) {
	if o.Features == nil {
		return feature.Load(scenarios.Features(), ".")
	}
	features, err := feature.Load(o.Features, ".")
	if err == nil && len(features) == 0 {
		err = errors.New("the folder of features holds no .yaml file")
	}
	return features, err
}
