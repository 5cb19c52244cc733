// Package ecosystem puts the parts together. It is the composition root of the binary
// and of tests alike, and the only package that knows every stub.
package ecosystem

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/ccmock/ccmock/backends"
	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

// Ecosystem is a running set of stubs.
type Ecosystem struct {
	options   Options
	env       stub.Env
	jobs      clock.Schedule
	parts     []control.Part
	listeners map[string]net.Listener // by the service's name
	servers   []*stub.Server
	control   *stub.Server
	plane     *control.Server
	busy      busy
	tls       *tls.Certificate
	stop      context.CancelFunc
	work      sync.WaitGroup
	failed    chan error
}

// The listeners that are no service's own.
const (
	controlListener    = "control"
	gatewayTLSListener = "gateway (TLS)"
)

// Start opens all listeners, puts the parts together and serves. When it returns, every
// URL that the ecosystem names answers. The context bounds starting only.
func Start(ctx context.Context, o Options) (*Ecosystem, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	e := &Ecosystem{
		options: o,
		env: stub.Env{
			Clock: o.Clock, Journal: journal.New(o.JournalSize), Faults: fault.NewSet(o.Seed),
			Random: stub.NewRandom(o.Seed), Log: o.Log,
		},
		listeners: map[string]net.Listener{},
		failed:    make(chan error, 1),
	}
	if err := e.start(ctx); err != nil {
		for _, ln := range e.listeners {
			_ = ln.Close()
		}
		return nil, err
	}
	return e, nil
}

func (e *Ecosystem) start(ctx context.Context) error {
	if err := e.listen(ctx); err != nil {
		return err
	}
	handlers, err := e.build()
	if err != nil {
		return err
	}
	for _, p := range e.parts {
		if err := p.Seed(e.options.World); err != nil {
			return err
		}
	}
	e.plane = control.NewServer(control.Options{
		Version: e.options.Version, Seed: e.options.Seed, Token: e.options.ControlToken,
		Clock: e.options.Clock, Jobs: &e.jobs, Journal: e.env.Journal, Faults: e.env.Faults,
		Parts: e.parts, World: e.options.World, Log: e.options.Log,
	})
	handlers[controlListener] = e.plane
	for name, ln := range e.listeners {
		var config *tls.Config
		if name == gatewayTLSListener {
			config = &tls.Config{Certificates: []tls.Certificate{*e.tls}, MinVersion: tls.VersionTLS12}
		}
		server := stub.Serve(ln, e.busy.count(handlers[name]), config, e.options.Log)
		e.servers = append(e.servers, server)
		if name == controlListener {
			e.control = server
		}
	}
	e.background()
	return nil
}

// listen opens every listener before anything is served, so that the parts can be told
// one another's URLs.
func (e *Ecosystem) listen(ctx context.Context) error {
	o := e.options
	var errs []error
	open := func(name, addr string) {
		ln, err := stub.Listen(ctx, name, addr)
		if err != nil {
			errs = append(errs, err)
			return
		}
		e.listeners[name] = ln
	}
	if o.runs(Rails) {
		open(world.GitLabCom, o.addr(gitLabPort, 0))
		for n, name := range e.otherInstances() {
			open(name, o.addr(gitLabPort, n+1))
		}
	}
	if o.runs(CustomersDot) {
		open(CustomersDot, o.addr(func(p Ports) int { return p.CustomersDot }, 0))
	}
	if o.runs(Gateway) {
		open(Gateway, o.addr(func(p Ports) int { return p.Gateway }, 0))
		if o.GatewayTLS {
			open(gatewayTLSListener, o.addr(func(p Ports) int { return p.GatewayTLS }, 0))
		}
	}
	if o.runs(Backends) {
		for _, name := range e.stubbedBackends() {
			port, n := e.backendPort(name)
			open(name, o.addr(port, n))
		}
	}
	open(controlListener, o.addr(func(p Ports) int { return p.Control }, 0))
	return errors.Join(errs...)
}

func gitLabPort(p Ports) int { return p.GitLab }

// otherInstances are the names of all instances but GitLab.com, sorted.
func (e *Ecosystem) otherInstances() []string {
	var names []string
	for _, i := range e.options.World.Instances {
		if i.Name != world.GitLabCom {
			names = append(names, i.Name)
		}
	}
	return names
}

// stubbedBackends are the backends that no real service stands in for, sorted.
func (e *Ecosystem) stubbedBackends() []string {
	var names []string
	for _, name := range backendNames(e.options.Features) {
		if e.realBackend(name) == "" {
			names = append(names, name)
		}
	}
	return names
}

// realBackend is the URL of the real service that stands in for a backend, or "".
func (e *Ecosystem) realBackend(name string) string {
	if u := e.options.URLs.Backends[name]; u != "" {
		return u
	}
	for _, f := range e.options.Features {
		if f.Backend.Name == name && f.Backend.URL != "" {
			return f.Backend.URL
		}
	}
	return ""
}

// backendPort is the port at which a backend's place is counted, and its place.
func (e *Ecosystem) backendPort(name string) (func(Ports) int, int) {
	switch name {
	case aiGateway:
		return func(p Ports) int { return p.AIGateway }, 0
	case duoWorkflow:
		return func(p Ports) int { return p.DuoWorkflow }, 0
	}
	others := slices.DeleteFunc(backendNames(e.options.Features), func(n string) bool { return n == aiGateway || n == duoWorkflow })
	return func(p Ports) int { return p.Backends }, slices.Index(others, name)
}

// build makes the parts that run here and returns their handlers by listener.
func (e *Ecosystem) build() (map[string]http.Handler, error) {
	o, handlers := e.options, map[string]http.Handler{}
	if o.runs(CustomersDot) {
		part, err := customersdotstub.New(e.env, customersdotstub.Options{
			URL: e.customersDotURL(), Keys: o.Keys, Features: o.Features,
			CatalogFile: o.CatalogFile, Environment: o.Environment,
		})
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, part)
		handlers[CustomersDot] = part.Handler()
	}
	if o.runs(Rails) {
		comes, err := e.shippedCatalog()
		if err != nil {
			return nil, err
		}
		part, err := railsstub.New(e.env, &e.jobs, railsstub.Options{
			Keys: o.Keys, Features: o.Features, InstanceURL: e.instanceURL,
			CustomersDotURL: e.customersDotURL(), GatewayURL: e.gatewayURL(),
			CatalogYAML: comes, CatalogName: o.CatalogFile, Environment: o.Environment,
		})
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, part)
		for _, name := range append(e.otherInstances(), world.GitLabCom) {
			handlers[name] = part.Handler(name)
		}
	}
	issuers := []token.Issuer{
		{Name: "GitLab", URL: e.instanceURL(world.GitLabCom)},
		{Name: "CustomersDot", URL: e.customersDotURL()},
	}
	if o.runs(Gateway) {
		options := gateway.Options{URL: e.gatewayURL(), Routes: e.routes(), Limits: o.GatewayLimits}
		if o.EdgeAuth {
			options.EdgeAuth = issuers
		}
		part, err := gateway.New(e.env, options)
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, part)
		handlers[Gateway], handlers[gatewayTLSListener] = part.Handler(), part.Handler()
		if o.GatewayTLS {
			certificate, _, err := gateway.SelfSigned("localhost", "127.0.0.1", "::1", hostOf(e.gatewayURL()))
			if err != nil {
				return nil, err
			}
			e.tls = &certificate
		}
	}
	if o.runs(Backends) {
		part, err := backends.New(e.env, backends.Options{
			Features: e.stubbedFeatures(), Issuers: issuers, Keys: o.Keys, URL: e.backendURL,
		})
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, part)
		for _, name := range part.Names() {
			handlers[name] = part.Handler(name)
		}
	}
	return handlers, nil
}

// shippedCatalog is the text of the catalog that comes with GitLab itself: a copy of
// CustomersDot's as it was at the start. It is empty where the features make it up.
func (e *Ecosystem) shippedCatalog() (string, error) {
	switch e.options.CatalogFile {
	case "":
		return "", nil
	case catalog.Default:
		services := make([]catalog.Service, len(e.options.Features))
		for n, f := range e.options.Features {
			services[n] = f.CloudConnector
		}
		c, err := catalog.WithDefault(services...)
		if err != nil {
			return "", fmt.Errorf("lay the features over the default catalog: %w", err)
		}
		return string(c.YAML()), nil
	}
	source, err := catalog.Open(e.options.CatalogFile)
	if err != nil {
		return "", fmt.Errorf("read the catalog: %w", err)
	}
	return source.Text(e.options.Environment)
}

// background runs what goes on between requests, until Close.
func (e *Ecosystem) background() {
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.work.Go(func() { e.jobs.Follow(ctx, e.options.Clock) })
	for _, p := range e.parts {
		if cdot, ok := p.(*customersdotstub.Stub); ok && e.options.CatalogFile != "" {
			e.work.Go(func() { cdot.Watch(ctx) })
		}
	}
	for _, s := range e.servers {
		e.work.Go(func() {
			<-s.Done()
			if err := s.Err(); err != nil {
				select {
				case e.failed <- fmt.Errorf("%s stopped serving: %w", s.URL(), err):
				default: // one failure is enough to end it all
				}
			}
		})
	}
}

// ControlURL is where the control plane answers.
func (e *Ecosystem) ControlURL() string { return e.control.URL() }

// Services lists the services that run here and where they are reached.
func (e *Ecosystem) Services() []control.Service {
	var all []control.Service
	for _, p := range e.parts {
		all = append(all, p.Services()...)
	}
	return all
}

// Certificate is the gateway's TLS certificate; nil without GatewayTLS.
func (e *Ecosystem) Certificate() *tls.Certificate { return e.tls }

// TLSURL is where the gateway answers with TLS; empty without GatewayTLS.
func (e *Ecosystem) TLSURL() string {
	if ln := e.listeners[gatewayTLSListener]; ln != nil {
		return "https://" + ln.Addr().String()
	}
	return ""
}

// Failed yields the error of a service that stopped by itself.
func (e *Ecosystem) Failed() <-chan error { return e.failed }

// Close lets requests under way finish for a short time and stops everything.
func (e *Ecosystem) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	e.stop()
	errs := make([]error, len(e.servers))
	var closing sync.WaitGroup
	for n, s := range e.servers {
		closing.Go(func() { errs[n] = s.Close(ctx) })
	}
	closing.Wait()
	e.work.Wait()
	for _, p := range e.parts {
		if part, ok := p.(control.Connected); ok {
			part.Close()
		}
	}
	return errors.Join(errs...)
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// port is the port of a URL with its colon, or "".
func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return ":" + p
	}
	return ""
}

// instanceURL is the external URL of an instance, which is the issuer of its tokens. One
// without a listener of its own, in a world that was set later, is known by its host name
// on GitLab.com's port.
func (e *Ecosystem) instanceURL(name string) string {
	given, err := url.Parse(e.options.URLs.GitLab)
	if e.options.URLs.GitLab != "" && err == nil {
		switch domain, ok := strings.CutPrefix(given.Hostname(), world.GitLabCom+"."); {
		case name == world.GitLabCom:
			return e.options.URLs.GitLab
		case ok:
			return given.Scheme + "://" + name + "." + domain + port(given)
		}
	}
	if ln := e.listeners[name]; ln != nil && e.options.runs(Rails) {
		return "http://" + ln.Addr().String()
	}
	if ln := e.listeners[world.GitLabCom]; ln != nil {
		_, p, _ := net.SplitHostPort(ln.Addr().String())
		return "http://" + world.Instance{Name: name}.Host() + ":" + p
	}
	return e.options.elsewhere("127.0.0.1", gitLabPort, 0)
}

func (e *Ecosystem) customersDotURL() string {
	return e.partURL(CustomersDot, e.options.URLs.CustomersDot, func(p Ports) int { return p.CustomersDot })
}

func (e *Ecosystem) gatewayURL() string {
	return e.partURL(Gateway, e.options.URLs.Gateway, func(p Ports) int { return p.Gateway })
}

func (e *Ecosystem) partURL(name, given string, port func(Ports) int) string {
	if given != "" {
		return given
	}
	if ln := e.listeners[name]; ln != nil {
		return "http://" + ln.Addr().String()
	}
	return e.options.elsewhere("127.0.0.1", port, 0)
}

// backendURL is the origin of a backend as the gateway knows it.
func (e *Ecosystem) backendURL(name string) string {
	if u := e.realBackend(name); u != "" {
		return u
	}
	port, n := e.backendPort(name)
	if e.options.URLs.BackendsHost != "" {
		return e.options.elsewhere(e.options.URLs.BackendsHost, port, n)
	}
	if ln := e.listeners[name]; ln != nil {
		return "http://" + ln.Addr().String()
	}
	return e.options.elsewhere("127.0.0.1", port, n)
}
