package railsstub

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Options say what instances are part of.
type Options struct {
	Keys     *token.Pool
	Features []feature.Feature
	// CustomersDotURL and GatewayURL are what the environment variables
	// CUSTOMER_PORTAL_URL and CLOUD_CONNECTOR_BASE_URL are to a real instance.
	CustomersDotURL, GatewayURL string
	// InstanceURL is the external URL of an instance, and with it the issuer of its tokens.
	InstanceURL func(name string) string
	// CatalogYAML is a cloud_connector.yml that comes with GitLab; empty, it is made up of
	// the features. A world that brings a catalog wins. Environment is the block to take.
	CatalogYAML, Environment string
	CatalogName              string // of its file
}

// Stub holds the GitLab instances of a world. It is safe for concurrent use.
type Stub struct {
	env      stub.Env
	jobs     *clock.Schedule
	options  Options
	gateway  *http.Transport
	portal   *http.Client
	features []*endpoint
	site     atomic.Pointer[site]
}

// site is the instances of the present world.
type site struct {
	instances map[string]*Instance
	names     []string             // sorted
	hosts     map[string]*Instance // by what a Host header may say
	users     map[string]*Instance // by user
}

// How long calls may take, in real time. Workhorse waits 55 seconds for the start of an
// answer, and then as long as it takes.
const (
	gatewayTimeout = 55 * time.Second
	portalTimeout  = 30 * time.Second
)

// New returns a stub without instances; Seed gives it some. Jobs go on the schedule.
func New(env stub.Env, jobs *clock.Schedule, o Options) (*Stub, error) {
	for _, u := range []struct{ name, text string }{{"CustomersDot", o.CustomersDotURL}, {"gateway", o.GatewayURL}} {
		if parsed, err := url.Parse(u.text); err != nil || parsed.Host == "" {
			return nil, fmt.Errorf("rails: the URL of the %s is %q, expected such as http://localhost:8080", u.name, u.text)
		}
	}
	transport, ok := stub.NewClient(gatewayTimeout).Transport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("rails: the client for the gateway has no HTTP transport")
	}
	s := &Stub{env: env, jobs: jobs, options: o, gateway: transport, portal: stub.NewClient(portalTimeout)}
	for _, f := range o.Features {
		e, err := newEndpoint(f, o.GatewayURL)
		if err != nil {
			return nil, err
		}
		s.features = append(s.features, e)
	}
	s.site.Store(&site{})
	return s, nil
}

// Close drops the idle connections to other services.
func (s *Stub) Close() {
	s.gateway.CloseIdleConnections()
	s.portal.CloseIdleConnections()
}

// Seed replaces all instances by those of the world, as they are before anything has
// happened: a licence that has been activated is there with its add-ons, and no token.
// Requests under way end at the instance where they began.
func (s *Stub) Seed(w world.World) error {
	static, err := s.staticCatalog(w)
	if err != nil {
		return err
	}
	next := &site{instances: map[string]*Instance{}, hosts: map[string]*Instance{}, users: map[string]*Instance{}}
	for _, given := range w.Instances {
		i, err := s.newInstance(given, w, static)
		if err != nil {
			return fmt.Errorf("instance %s: %w", given.Name, err)
		}
		next.instances[given.Name] = i
		next.names = append(next.names, given.Name)
	}
	slices.Sort(next.names)
	for _, u := range w.Users {
		if i := next.instances[u.Instance]; i != nil {
			next.users[u.Name] = i
		}
	}
	next.findHosts()
	old := s.site.Swap(next)
	for _, i := range old.instances {
		i.retired.Store(true)
	}
	now := s.env.Clock.Now()
	for _, name := range next.names {
		next.instances[name].plan(now)
	}
	return nil
}

// staticCatalog is the catalog that comes with GitLab.
func (s *Stub) staticCatalog(w world.World) (*catalog.Catalog, error) {
	name, text := s.options.CatalogName, s.options.CatalogYAML
	if w.Catalog != "" {
		name, text = w.CatalogName, w.Catalog
	}
	if text != "" {
		return catalog.Parse(name, []byte(text), s.options.Environment)
	}
	services := make([]catalog.Service, len(s.features))
	for n, f := range s.features {
		services[n] = f.CloudConnector
	}
	return catalog.Merge(&catalog.Catalog{}, services...)
}

// findHosts maps what a Host header may say: the host and port of an instance's URL, its
// host alone where no other instance has it too, and NAME.test.
func (s *site) findHosts() {
	shared := map[string]int{}
	for _, i := range s.instances {
		shared[i.address.Hostname()]++
	}
	for _, i := range s.instances {
		s.hosts[i.given.Host()] = i
		s.hosts[i.address.Host] = i
		if name := i.address.Hostname(); shared[name] == 1 {
			s.hosts[name] = i
		}
	}
}

// Handler serves all instances by virtual host. A Host that names none of them goes to
// the default instance.
func (s *Stub) Handler(defaultInstance string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := s.site.Load().pick(r.Host, defaultInstance)
		if i == nil {
			// No GitLab answers this; it is the harness that speaks.
			http.Error(w, fmt.Sprintf("ccmock: the present world has no instance %q", defaultInstance), http.StatusServiceUnavailable)
			return
		}
		i.service.ServeHTTP(w, r)
	})
}

func (s *site) pick(host, otherwise string) *Instance {
	if i := s.hosts[host]; i != nil {
		return i
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if i := s.hosts[strings.ToLower(host)]; i != nil {
		return i
	}
	return s.instances[otherwise]
}

// Services lists the instances, sorted by name.
func (s *Stub) Services() []control.Service {
	now := s.site.Load()
	found := make([]control.Service, 0, len(now.names))
	for _, name := range now.names {
		found = append(found, control.Service{Name: name, Kind: journal.Rails, URL: now.instances[name].url})
	}
	return found
}

// Routes lists what an instance answers, by the names that the journal has.
func (s *Stub) Routes(service string) []string {
	if i := s.site.Load().instances[service]; i != nil {
		return i.service.Routes().Names()
	}
	return nil
}

// Skew returns the skew of an instance's clock, nil if there is no such instance.
func (s *Stub) Skew(service string) *clock.Skew {
	if i := s.site.Load().instances[service]; i != nil {
		return i.service.Skew()
	}
	return nil
}

// instance returns the instance of that name. The error is control.ErrNotHere.
func (s *Stub) instance(name string) (*Instance, error) {
	now := s.site.Load()
	if i := now.instances[name]; i != nil {
		return i, nil
	}
	return nil, fmt.Errorf("%w: instance %q, here are %s", control.ErrNotHere, name, strings.Join(now.names, ", "))
}

// instanceOf returns the instance of a user. The error is control.ErrNotHere.
func (s *Stub) instanceOf(user string) (*Instance, error) {
	now := s.site.Load()
	if i := now.users[user]; i != nil {
		return i, nil
	}
	return nil, fmt.Errorf("%w: user %q, here are %s", control.ErrNotHere, user,
		strings.Join(slices.Sorted(maps.Keys(now.users)), ", "))
}

var _ control.Part = (*Stub)(nil)

// requestID is that of the request being answered, or a new one.
func (s *Stub) requestID(ctx context.Context) string {
	if id := journal.Of(ctx).RequestID; id != "" {
		return id
	}
	return s.env.Random.Hex(16)
}
