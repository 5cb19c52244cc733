package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// Probe is a set of running issuers, and the calls to be sent.
type Probe struct {
	options Options
	cases   []derive.Case
	flows   []scenarios.Flow // of the cases
	left    []string         // cases that cannot be tried on a service of somebody else's
	eco     *ecosystem.Ecosystem
	client  *http.Client
}

// Start starts the issuers. Errors about the options wrap ErrOptions.
func Start(ctx context.Context, o Options) (*Probe, error) {
	o.complete()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	f, err := o.feature()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	p := &Probe{options: o, client: &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	now := clock.Real{}.Now()
	if err := p.derive(f, derive.Real{Now: now, Leeway: o.Leeway}); err != nil {
		return nil, err
	}
	given := p.flows[0].World // of all
	p.eco, err = ecosystem.Start(ctx, ecosystem.Options{
		World: given, Features: []feature.Feature{f}, Clock: clock.NewRunning(clock.Real{}.Now()), Keys: o.Keys, Ports: o.Ports,
		Parts: []string{ecosystem.Rails, ecosystem.CustomersDot, ecosystem.Gateway}, Version: o.Version,
	})
	return p, err
}

// derive finds the cases and makes flows of them. The good calls are always among them: on
// a service that lets nobody in, all others would go as they must.
func (p *Probe) derive(f feature.Feature, about derive.Real) error {
	all, left := derive.RealCases(f, about)
	p.left = left
	wanted := 0
	for _, c := range all {
		matches := p.options.Run == nil || p.options.Run.MatchString(c.Name)
		if matches {
			wanted++
		}
		if matches || isGood(c) {
			p.cases = append(p.cases, c)
		}
	}
	if wanted == 0 {
		return fmt.Errorf("%w: no case matches %q", ErrOptions, p.options.Run)
	}
	var err error
	if p.flows, err = derive.Flows(p.cases, []feature.Feature{f}); err != nil {
		return err
	}
	for n := range p.flows {
		steps := p.flows[n].Steps
		p.change(steps[len(steps)-1].Call)
	}
	return nil
}

// isGood reports whether the case is a good call as it is, and no variant of one.
func isGood(c derive.Case) bool { return c.Name == derive.Good || c.Name == derive.GoodOfGitLab }

// change has a call send what the options say.
func (p *Probe) change(call *scenarios.Call) {
	if p.options.Body != "" {
		call.Body = p.options.Body
	}
	if call.Headers == nil {
		call.Headers = map[string]*string{}
	}
	for name, value := range p.options.Headers {
		call.Headers[name] = &value
	}
}

// Cases are the names of what will be tried, in order.
func (p *Probe) Cases() []string {
	names := make([]string, len(p.cases))
	for n, c := range p.cases {
		names[n] = c.Name
	}
	return names
}

// Environment is what the service needs to be told, by the names that the examples use or,
// for the profile of the AI gateway, by its own.
func (p *Probe) Environment() []string {
	all := []string{p.gitlab(), p.customersDot(), "AUDIENCE=" + p.options.Audience}
	if p.options.Profile == feature.AIGateway {
		all = append(all, "AIGW_GITLAB_URL="+p.url(world.GitLabCom), "AIGW_CUSTOMER_PORTAL_URL="+p.url(ecosystem.CustomersDot))
	}
	return all
}

func (p *Probe) gitlab() string { return "GITLAB_URL=" + p.url(world.GitLabCom) }

func (p *Probe) customersDot() string { return "CUSTOMERSDOT_URL=" + p.url(ecosystem.CustomersDot) }

// url is where a service of the ecosystem is.
func (p *Probe) url(service string) string {
	all := p.eco.Services()
	return all[slices.IndexFunc(all, func(s control.Service) bool { return s.Name == service })].URL
}

// Close stops the issuers.
func (p *Probe) Close() error {
	p.client.CloseIdleConnections()
	return p.eco.Close(context.Background())
}
