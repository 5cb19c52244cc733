package railsstub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/token"
)

// probe is what one look of the health check came to. Err is empty where all is well.
type probe struct {
	name    string
	message string
	err     string
	details any
}

func failing(name, format string, args ...any) probe {
	return probe{name: name, err: fmt.Sprintf(format, args...)}
}

// probes are those of an instance that uses the AI gateway of GitLab, in the order in
// which they are shown.
func (i *Instance) probes(ctx context.Context, r *http.Request, p *person, rel *release) []probe {
	now := i.service.Clock().Now()
	found := []probe{
		i.probeLicense(rel, now),
		i.probeHost(ctx, toCustomersDot, i.stub.options.CustomersDotURL),
		i.probeHost(ctx, toGateway, i.stub.options.GatewayURL),
		i.probeAccess(now),
		i.probeToken(now),
	}
	if f := i.stub.codeSuggestions(); f != nil {
		found = append(found, i.probeEndToEnd(ctx, r, f, p, rel, now))
	}
	return found
}

// probeLicense looks at whether the licence allows a sync.
func (i *Instance) probeLicense(rel *release, now time.Time) probe {
	const name, contact = "license_probe", "Subscription for this instance cannot be synchronized. Contact GitLab customer support to "
	i.mu.RLock()
	held := i.license
	i.mu.RUnlock()
	result := probe{name: name, message: "Subscription can be synchronized."}
	details := map[string]any{"instance_id": rel.uuid, "gitlab_version": rel.text, "license": nil}
	switch {
	case held == nil:
		result.err = contact + "obtain a license."
	case len(held.complaints(now, rel.trials)) > 0:
		result.err = contact + "upgrade your license."
	}
	if held != nil {
		details["license"] = string(held.Kind)
	}
	result.details = details
	return result
}

// probeTimeout is how long a host may take, in real time.
const probeTimeout = 5 * time.Second

// probeHost asks a host for its headers. Whatever it answers is good.
func (i *Instance) probeHost(ctx context.Context, to, target string) probe {
	const name = "host_probe"
	u, err := url.Parse(target)
	if err != nil {
		return failing(name, "%s is not a valid URL.", target)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := i.head(ctx, to, target); err != nil {
		return failing(name, "%s connection failed: %v.\n\nIf you use firewalls or proxy servers, they must allow traffic to this host.", u.Hostname(), err)
	}
	return probe{name: name, message: u.Hostname() + " reachable."}
}

func (i *Instance) head(ctx context.Context, to, target string) error {
	if err := i.leave(ctx, to, http.MethodHead, target, true); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, target, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("X-Request-Id", i.stub.requestID(ctx))
	resp, err := i.stub.portal.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// staleAfter is how old a sync may be.
const staleAfter = 3 * 24 * time.Hour

// probeAccess looks at when the instance last heard from CustomersDot what it may use.
func (i *Instance) probeAccess(now time.Time) probe {
	const name = "access_probe"
	i.mu.RLock()
	defer i.mu.RUnlock()
	switch {
	case !i.synced.stored:
		return failing(name, "Subscription has not yet been synchronized. %s", synchronize)
	case now.Sub(i.synced.at) > staleAfter:
		return failing(name, "Subscription has not been synchronized recently. %s", synchronize)
	}
	return probe{name: name, message: "Subscription synchronized successfully."}
}

// synchronize is what administrators are told to do.
const synchronize = "Synchronize your subscription."

// probeToken looks at the token that was stored last, by its own word.
func (i *Instance) probeToken(now time.Time) probe {
	const name = "token_probe"
	i.mu.RLock()
	defer i.mu.RUnlock()
	n := len(i.synced.tokens)
	if n == 0 {
		return failing(name, "Access credentials not found. %s", synchronize)
	}
	read, err := token.Decode(i.synced.tokens[n-1].raw)
	if err != nil {
		return failing(name, "Invalid access credentials. %s", synchronize)
	}
	if exp, ok := read.Time("exp"); ok && !now.Before(exp) {
		return failing(name, "Access credentials expired. %s", synchronize)
	}
	return probe{name: name, message: "Access credentials are valid."}
}

// completion is what the AI gateway is asked for, to see whether it answers.
const completion = `{"prompt_version":1,"current_file":{"file_name":"test.rb","content_above_cursor":"def hello_world","content_below_cursor":""}}`

// probeEndToEnd makes a call of the AI gateway for the present user.
func (i *Instance) probeEndToEnd(ctx context.Context, r *http.Request, f *endpoint, p *person, rel *release, now time.Time) probe {
	const name, says = "end_to_end_probe", "Authentication with the AI gateway services "
	t, err := i.tokenFor(p, f, rel, now)
	if err != nil {
		return failing(name, says+"failed: %v", err)
	}
	if err := i.leave(ctx, toGateway, http.MethodPost, f.text, true); err != nil {
		return failing(name, says+"failed: %v", err)
	}
	resp, err := i.stub.send(ctx, http.MethodPost, f.target, i.header(f.to, rel, p, grant{}, t, now, r), []byte(completion))
	if err != nil {
		return failing(name, says+"failed: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPortalAnswer))
	switch {
	case err != nil:
		return failing(name, says+"failed: %v", err)
	case resp.StatusCode != http.StatusOK:
		return failing(name, says+"failed: AI Gateway returned code %d: %s", resp.StatusCode, strings.TrimSpace(string(body)))
	}
	var answer struct {
		Choices []struct {
			Text string `json:"text"`
		} `json:"choices"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Choices) == 0 || answer.Choices[0].Text == "" {
		return failing(name, says+"failed: Response doesn't contain a completion")
	}
	return probe{name: name, message: says + "succeeded."}
}
