package railsstub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// probeRule is what the status checks of a version are.
type probeRule struct {
	since
	head         bool   // a host is asked for its head; else only a connection is opened
	accessTokens bool   // access_probe looks at the token, too; else token_probe does
	gateway      string // what end_to_end_probe calls the other side
	noToken      string // what it says without a token; empty: it tries without
}

var probeRules = []probeRule{
	{"17.3", false, true, "GitLab Cloud services", "Access token is missing"},
	{"17.9", false, true, "GitLab Cloud services", "Cloud Connector access token is missing"},
	{"18.0", true, false, "the AI gateway services", "Cloud Connector access token is missing"},
	{"18.3", true, false, "the AI gateway services", ""},
}

// How long probes wait, in real time.
const (
	hostTimeout       = 5 * time.Second
	completionTimeout = 3 * time.Second
)

// stalePeriod is the age from which on a synced catalog is stale.
const stalePeriod = 3 * 24 * time.Hour

// probeResult is the result of one check.
type probeResult struct {
	name    string
	message string // of a success
	errors  []string
	details map[string]any
}

func (p *probeResult) fail(format string, args ...any) {
	p.errors = append(p.errors, fmt.Sprintf(format, args...))
}

func (p *probeResult) succeeded() bool { return len(p.errors) == 0 }

func (p *probeResult) text() string {
	if p.succeeded() {
		return p.message
	}
	return strings.Join(p.errors, " ")
}

func newProbe(name, message string) *probeResult {
	return &probeResult{name: name, message: message, errors: []string{}, details: map[string]any{}}
}

// checks runs all checks of the version, one after the other.
func (x *executed) checks(ctx context.Context) []*probeResult {
	i, rule := x.instance, x.rel.probeRule
	found := []*probeResult{
		i.probeLicense(x.rel),
		i.stub.probeHost(ctx, i.stub.options.CustomersDotURL, rule.head),
		i.stub.probeHost(ctx, i.stub.options.GatewayURL, rule.head),
	}
	found = append(found, i.probeAccess(rule.accessTokens))
	if !rule.accessTokens {
		found = append(found, i.probeToken())
	}
	return append(found, x.probeEndToEnd(ctx))
}

// probeLicense asks whether the licence lets tokens be synced.
func (i *Instance) probeLicense(rel *release) *probeResult {
	p := newProbe("license_probe", "Subscription can be synchronized.")
	const cannot = "Subscription for this instance cannot be synchronized. Contact GitLab customer support to "
	i.mu.RLock()
	defer i.mu.RUnlock()
	p.details["instance_id"], p.details["gitlab_version"] = i.given.UUID, rel.text
	switch {
	case i.license == nil:
		p.fail(cannot + "obtain a license.")
		return p
	case !i.license.online():
		p.fail(cannot + "upgrade your license.")
	}
	p.details["license"] = i.license.file
	return p
}

const callToSync = " Synchronize your subscription."

// probeAccess asks whether what CustomersDot sent is there and fresh.
func (i *Instance) probeAccess(tokens bool) *probeResult {
	p := newProbe("access_probe", "Subscription synchronized successfully.")
	now := i.service.Clock().Now()
	i.mu.RLock()
	defer i.mu.RUnlock()
	s := &i.synced
	if !s.stored || !tokens && s.catalog == nil {
		p.fail("Subscription has not yet been synchronized." + callToSync)
	}
	if s.stored {
		if s.updated.Before(now.Add(-stalePeriod)) {
			p.fail("Subscription has not been synchronized recently." + callToSync)
		}
		p.details["updated_at"], p.details["catalog"] = s.updated.UTC().Format(time.RFC3339), s.catalog
	}
	if tokens {
		switch {
		case len(s.tokens) == 0:
			p.fail("Access credentials not found." + callToSync)
		case !s.tokens[len(s.tokens)-1].expiresAt.After(now):
			p.fail("Access credentials expired." + callToSync)
		}
	}
	return p
}

// probeToken reads the last token that was stored, without looking at its signature.
func (i *Instance) probeToken() *probeResult {
	p := newProbe("token_probe", "Access credentials are valid.")
	now := i.service.Clock().Now()
	i.mu.RLock()
	defer i.mu.RUnlock()
	if len(i.synced.tokens) == 0 {
		p.fail("Access credentials not found." + callToSync)
		return p
	}
	last := i.synced.tokens[len(i.synced.tokens)-1]
	d, err := token.Decode(last.raw)
	if err != nil {
		p.details["decode"] = "Failed with message: " + err.Error()
		p.fail("Invalid access credentials." + callToSync)
		return p
	}
	seconds, _ := d.Claims["exp"].(float64)
	expires := time.Unix(int64(seconds), 0).UTC()
	expired := expires.Before(now)
	p.details["decode"], p.details["expired"], p.details["expires_at"] = "Successful", expired, expires.Format(time.RFC3339)
	p.details["created_at"], p.details["token"] = last.createdAt.UTC().Format(time.RFC3339), d.Claims
	if expired {
		p.fail("Access credentials expired." + callToSync)
	}
	return p
}

const allowTraffic = "If you use firewalls or proxy servers, they must allow traffic to this host."

// probeHost asks whether a host can be reached. Whatever it answers is good.
func (s *Stub) probeHost(ctx context.Context, at string, head bool) *probeResult {
	u, err := url.Parse(at)
	if err != nil || u.Hostname() == "" {
		p := newProbe("host_probe", "")
		if at == "" {
			p.fail("Cannot validate connection to host because the URL is empty.")
		} else {
			p.fail("%s is not a valid URL.", at)
		}
		return p
	}
	p := newProbe("host_probe", u.Hostname()+" reachable.")
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	if !head {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", hostPort(u))
		switch {
		case errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH):
			p.fail("%s could not be reached. %s", u.Hostname(), allowTraffic)
		case err != nil:
			p.fail("%s connection failed: %s.", u.Hostname(), rubyError(err, u, false))
		default:
			_ = conn.Close()
		}
		return p
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, at, nil)
	if err == nil {
		req.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"Ruby"}}
		var resp *http.Response
		if resp, err = s.gateway.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
			return p
		}
	}
	p.fail("%s connection failed: %s.\n\n%s", u.Hostname(), rubyError(err, u, true), allowTraffic)
	return p
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// rubyError says of a failed connection what Ruby would: of a socket, or of its HTTP
// client.
func rubyError(err error, u *url.URL, client bool) string {
	host, port, _ := net.SplitHostPort(hostPort(u))
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		text := fmt.Sprintf(`Connection refused - connect(2) for %q port %s`, host, port)
		if client {
			text = fmt.Sprintf("Failed to open TCP connection to %s:%s (%s)", host, port, text)
		}
		return text
	case errors.As(err, &timeout) && timeout.Timeout():
		return "execution expired"
	case errors.Is(err, io.EOF):
		return "end of file reached"
	}
	return err.Error()
}

const completionPath = "/v2/code/completions"

// probeEndToEnd asks the AI gateway for a completion, as the user.
func (x *executed) probeEndToEnd(ctx context.Context) *probeResult {
	rule := x.rel.probeRule
	p := newProbe("end_to_end_probe", "Authentication with "+rule.gateway+" succeeded.")
	if err := x.testCompletion(ctx); err != nil {
		p.fail("Authentication with %s failed: %v", rule.gateway, err)
	}
	return p
}

func (x *executed) testCompletion(ctx context.Context) error {
	i, now := x.instance, x.instance.service.Clock().Now()
	f := i.stub.codeSuggestions()
	if f == nil {
		return errors.New("no feature is called by " + suggestionsPath + "completions")
	}
	t, err := i.tokenFor(x.person, f, x.rel, now)
	if err != nil {
		return err
	}
	at := strings.TrimSuffix(i.stub.options.GatewayURL, "/") + "/" + f.Backend.Name + completionPath
	x.tell(meeting{token: t, upstream: at})
	if text := x.rel.noToken; t.raw == "" && text != "" {
		return words(text)
	}
	target, err := url.Parse(at)
	if err != nil {
		return err
	}
	right, _ := i.mayUse(x.person, f, x.rel, now) // an administrator without a seat asks all the same
	h := i.headerOf(aiClients, x.rel, x.person, right, t, now, http.Header{}, x.requestID)
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	const body = `{"prompt_version":1,"current_file":{"file_name":"test.rb","content_above_cursor":"def hello_world","content_below_cursor":""}}`
	resp, err := i.stub.send(ctx, http.MethodPost, target, h, []byte(body))
	if err != nil {
		return words(rubyError(err, target, true))
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxChatAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return words(fmt.Sprintf("AI Gateway returned code %d: %s", resp.StatusCode, text))
	}
	var answer struct {
		Choices []struct {
			Text string `json:"text"`
		} `json:"choices"`
	}
	if json.Unmarshal(text, &answer) != nil || len(answer.Choices) == 0 || blank(answer.Choices[0].Text) {
		return words("Response doesn't contain a completion")
	}
	return nil
}

// status is the result of all checks.
type status struct{ results []*probeResult }

// CloudConnectorStatus runs the status checks, for administrators of everything but
// GitLab.com.
func (*root) CloudConnectorStatus(ctx context.Context) (*status, error) {
	x := executedOf(ctx)
	i := x.instance
	switch {
	case x.person == nil:
		return nil, x.forbidden(UserUnauthenticated, "the request carries no personal access token")
	case !x.person.hasScope("api", "read_api"):
		return nil, x.forbidden(UserTokenScope, fmt.Sprintf("the personal access token of %q has the scopes %q", x.person.Name, x.person.TokenScopes))
	case !x.person.Admin:
		return nil, x.forbidden(UserNotAllowed, x.person.Name+" is no administrator")
	case i.given.Realm == world.SaaS:
		return nil, x.forbidden(EndpointUnknown, "GitLab.com has no status checks")
	case x.rel.accessTokens && !i.given.FlagOn(world.FlagCloudConnectorStatus):
		x.deny(FlagOff, "the feature flag "+world.FlagCloudConnectorStatus+" is off")
		return nil, nil
	}
	return &status{x.checks(ctx)}, nil
}

// Success is that of all checks.
func (s *status) Success() *bool {
	all := true
	for _, r := range s.results {
		all = all && r.succeeded()
	}
	return &all
}

// ProbeResults are the checks in their order.
func (s *status) ProbeResults() *[]*probeResult { return &s.results }

// Name is the check's.
func (p *probeResult) Name() *string { return &p.name }

// Success tells whether it found nothing wrong.
func (p *probeResult) Success() *bool {
	ok := p.succeeded()
	return &ok
}

// Message is all that it has to say.
func (p *probeResult) Message() *string {
	text := p.text()
	return &text
}

// Errors are what it found wrong.
func (p *probeResult) Errors() *[]string { return &p.errors }

// Details are what it looked at.
func (p *probeResult) Details() *anyJSON { return &anyJSON{p.details} }
