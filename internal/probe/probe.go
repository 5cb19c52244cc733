package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// Options say what is probed.
type Options struct {
	URL             string // of the endpoint, without a query
	Method          string // empty means POST
	Scope, Audience string
	Profile         feature.Profile // empty means strict
	Body            string          // sent with each call in place of what GitLab would send
	Headers         map[string]string
	Run             *regexp.Regexp   // only the cases whose names match; nil means all
	Keys            *token.Pool      // nil means new keys
	Ports           *ecosystem.Ports // nil means free ports
	Version         string
}

// ErrOptions is wrapped by errors about options that make no sense.
var ErrOptions = errors.New("wrong options")

// Probe is a set of running issuers, and the calls to be sent.
type Probe struct {
	options Options
	feature feature.Feature
	cases   []derive.Case
	eco     *ecosystem.Ecosystem
	// Left are the names of the cases that cannot be tried on a service of somebody else's.
	Left []string
}

// backend is the name that the service has here.
const backend = "probed"

// Start starts the issuers. Errors about the options wrap ErrOptions.
func Start(ctx context.Context, o Options) (*Probe, error) {
	f, err := featureOf(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	p := &Probe{options: o, feature: f}
	if err := p.derive(); err != nil {
		return nil, err
	}
	now := clock.Real{}.Now()
	flow, err := p.flow(derive.Case{Feature: f.Name, Kind: derive.Token, Name: goodOfGitLab, YAML: p.cases[0].YAML}, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	if o.Run != nil {
		var found []derive.Case
		for _, c := range p.cases {
			if o.Run.MatchString(c.Name) {
				found = append(found, c)
			}
		}
		if p.cases = found; len(found) == 0 {
			return nil, fmt.Errorf("%w: no case matches %q", ErrOptions, o.Run)
		}
	}
	p.eco, err = ecosystem.Start(ctx, ecosystem.Options{
		World: flow.World, Features: []feature.Feature{f}, Clock: clock.NewRunning(now), Keys: o.Keys, Ports: o.Ports,
		Parts: []string{ecosystem.Rails, ecosystem.CustomersDot, ecosystem.Gateway}, Version: o.Version,
	})
	return p, err
}

// featureOf makes a feature of the options, which is free for everybody.
func featureOf(o Options) (feature.Feature, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" {
		return feature.Feature{}, fmt.Errorf("%q is not the URL of an endpoint, expected such as http://localhost:8000/new_feature_endpoint", o.URL)
	}
	if len(o.Audience) < 2 || len(o.Scope) < 2 {
		return feature.Feature{}, fmt.Errorf("a scope and an audience are needed, got %q and %q", o.Scope, o.Audience)
	}
	method, path, profile := o.Method, u.Path, o.Profile
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = "/"
	}
	if profile == "" {
		profile = feature.Strict
	}
	text := fmt.Sprintf(`format: 1
feature: %q
backend: {name: %s, endpoint: %q, url: %q, profile: %q, scope: %q, audience: %q}
cloud_connector: {backend: %q, bundled_with: {duo_pro: {unit_primitives: [%q]}}}
`, o.Scope, backend, method+" "+path, u.Scheme+"://"+u.Host, profile, o.Scope, o.Audience, o.Audience, o.Scope)
	return feature.Parse("flags", []byte(text))
}

// goodOfGitLab is the case of a good call of GitLab.com's, which no spoilt one is made of.
const goodOfGitLab = "good-of-gitlab"

// derive finds the cases. Some need a service that can be steered.
func (p *Probe) derive() error {
	features := []feature.Feature{p.feature}
	all, err := derive.Cases(features, derive.Options{})
	if err != nil {
		return err
	}
	for _, c := range all {
		switch {
		case c.Kind != derive.Token:
		case c.Name == "good":
			other := c
			given, _, _ := strings.Cut(c.YAML, "steps:\n")
			other.Name = goodOfGitLab
			other.YAML = given + "steps:\n  - call: {feature: " + c.Feature + ", instance: " + world.GitLabCom + "}\n    expect: {status: 200}\n"
			p.cases = append(p.cases, c, other)
		case strings.Contains(c.YAML, "- restart:"), strings.Contains(c.YAML, "service: "+backend), c.Name == "a-second-left":
			p.Left = append(p.Left, c.Name)
		default:
			p.cases = append(p.cases, c)
		}
	}
	return nil
}

var givenNow = regexp.MustCompile(`(?m)^  now: .*$`)

// flow makes the flow of a case, at a time. Calls take time, which has a token that is
// valid a second ahead be valid by then: it gets a minute.
func (p *Probe) flow(c derive.Case, now time.Time) (scenarios.Flow, error) {
	c.YAML = givenNow.ReplaceAllString(c.YAML, "  now: "+now.Format(time.RFC3339))
	c.YAML = strings.ReplaceAll(c.YAML, "${now+1s}", "${now+1m}")
	flows, err := derive.Flows([]derive.Case{c}, []feature.Feature{p.feature})
	if err != nil {
		return scenarios.Flow{}, err
	}
	call := flows[0].Steps[len(flows[0].Steps)-1].Call
	if p.options.Body != "" {
		call.Body = p.options.Body
	}
	for name, value := range p.options.Headers {
		if call.Also == nil {
			call.Also = map[string]string{}
		}
		call.Also[name] = value
	}
	return flows[0], nil
}

// Environment is what the service needs to be told, by the names that the examples use.
func (p *Probe) Environment() []string {
	urls := map[string]string{}
	for _, s := range p.eco.Services() {
		urls[s.Name] = s.URL
	}
	return []string{"GITLAB_URL=" + urls[world.GitLabCom], "CUSTOMERSDOT_URL=" + urls[ecosystem.CustomersDot]}
}

// Wait returns when the service answers anything at all, or says why it does not.
func (p *Probe) Wait(ctx context.Context, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	last := context.DeadlineExceeded
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.options.URL, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			return resp.Body.Close()
		}
		if ctx.Err() == nil {
			last = err
		}
		if clock.Wait(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("%s did not answer within %s: %w", p.options.URL, atMost, last)
		}
	}
}

// Close stops the issuers.
func (p *Probe) Close() error { return p.eco.Close(context.Background()) }
