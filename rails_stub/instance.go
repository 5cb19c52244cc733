package railsstub

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// Instance is one GitLab installation. It is safe for concurrent use.
type Instance struct {
	stub    *Stub
	name    string
	given   world.Instance // as seeded; the version that counts is that of installed
	url     string         // without a trailing slash: the issuer of its tokens
	address *url.URL
	service *stub.Service
	keys    keys
	catalog *catalog.Catalog // the one that comes with GitLab
	static  offers           // the same
	retired atomic.Bool      // the world has moved on
	release atomic.Pointer[release]
	working sync.Mutex // held by the one job that runs
	limits  limiter
	talks   talks

	services []catalog.Service // of the catalog, as releases up to 18.8 know them

	mu        sync.RWMutex
	people    map[string]*person // by name
	byToken   map[string]*person
	license   *license
	stale     *license // what the token sync has in its cache, nil if that is license
	halted    bool     // jobs that fall due are not run
	deaf      bool     // the token sync does not find its arguments
	around    surroundings
	queue     []func(ctx context.Context) // work of Sidekiq that waits for jobs to be run again
	reported  time.Time                   // when the last seat link was taken
	purchases []catalog.Purchase
	synced    synced
}

func (s *Stub) newInstance(given world.Instance, w world.World, static *catalog.Catalog) (*Instance, error) {
	external := strings.TrimSuffix(s.options.InstanceURL(given.Name), "/")
	address, err := url.Parse(external)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("its URL is %q, expected such as http://%s:3000", external, given.Host())
	}
	i := &Instance{
		stub: s, name: given.Name, given: given, url: external, address: address,
		keys:    keys{pool: s.options.Keys, name: given.Name},
		catalog: static, static: offersOf(static), services: static.LegacyServices(catalog.GitLabCom),
		people: map[string]*person{}, byToken: map[string]*person{},
	}
	r, err := i.newRelease(given)
	if err != nil {
		return nil, err
	}
	i.release.Store(r)
	for _, u := range w.Users {
		if u.Instance == given.Name {
			i.replace(newPerson(given, u))
		}
	}
	if err := i.holdGiven(w.Now); err != nil {
		return nil, err
	}
	i.service = stub.NewService(s.env, stub.Options{
		Name: given.Name, Kind: journal.Rails, Style: style, Headers: ownHeaders,
	})
	i.routes()
	return i, nil
}

// holdGiven gives the instance what it holds before anything has happened.
func (i *Instance) holdGiven(now time.Time) error {
	if i.given.Realm == world.SaaS {
		for _, p := range i.given.AddOns {
			p.AddOn = catalog.NormalizeAddOn(p.AddOn)
			i.purchases = append(i.purchases, p)
		}
		return nil
	}
	key, sold := i.given.LicenseKey()
	if !sold || i.given.NotActivated {
		return nil
	}
	l, err := newLicense(key)
	if err != nil {
		return err
	}
	return i.hold(l, now)
}

// installed is the GitLab version that the instance runs.
func (i *Instance) installed() *release { return i.release.Load() }

// upgrade is the action control.ActionUpgrade. It restarts the instance, so its jobs are
// planned anew.
func (i *Instance) upgrade(version string) error {
	given := i.given
	given.GitLabVersion, given.UUID = version, i.installed().uuid
	r, err := i.newRelease(given)
	if err != nil {
		return err
	}
	i.release.Store(r)
	i.stub.jobs.Reset(i.stub.env.Clock.Now())
	return nil
}

// routes lists everything that an instance answers.
func (i *Instance) routes() {
	r := i.service.Routes()
	for _, f := range i.stub.features {
		if f.restChat() {
			r.Handle("feature."+f.Name, chatPath, i.completeChat(f), f.Rails.Endpoint.Method)
			continue
		}
		if f.Backend.GRPC() {
			continue // which GitLab calls for users by itself, and this does not do
		}
		r.Raw("feature."+f.Name, f.Rails.Endpoint.Path, i.use(f), f.Rails.Endpoint.Method)
	}
	r.Handle("graphql", gitLabGraphQLPath, i.graphql, http.MethodGet, http.MethodHead, http.MethodPost)
	r.GET("health", "/-/health", i.health)
	r.GET("openid.configuration", "/.well-known/openid-configuration", i.openidConfiguration)
	r.GET("openid.keys", keysPath, i.publishedKeys)
	r.POST("graphql", "/api/graphql", i.graphql)
	if f := i.stub.codeSuggestions(); f != nil {
		r.POST("code_suggestions.connection_details", connectionDetailsPath, i.connectionDetails(f))
		r.POST("code_suggestions.direct_access", directAccessPath, i.directAccess(f))
		r.POST("code_suggestions.enabled", enabledPath, i.enabled(f))
	}
}

// ownHeaders are what Rails sends with every answer.
func ownHeaders(h http.Header, e *journal.Entry) {
	h["Cache-Control"] = []string{"max-age=0, private, must-revalidate"}
	h["X-Request-Id"] = []string{e.RequestID}
}

// purchasedSeats is the largest active purchase of Duo Pro or Duo Enterprise.
func (i *Instance) purchasedSeats(now time.Time) int {
	i.mu.RLock()
	defer i.mu.RUnlock()
	most := 0
	for _, p := range i.purchases {
		if (p.AddOn == "duo_pro" || p.AddOn == "duo_enterprise") && p.Active(now) {
			most = max(most, p.Seats)
		}
	}
	return most
}
