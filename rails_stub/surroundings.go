package railsstub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// surroundings are what a request meets on its way out of an instance, and an answer on
// its way to the user.
type surroundings struct {
	silent    bool            // Silent Mode
	trusting  bool            // no protection from DNS rebinding
	blocked   map[string]bool // services behind a firewall; replaced, never changed
	lookup    time.Duration   // until the resolver gives up on a host outside
	buffering bool            // by a proxy in front of the instance
}

// changeSettings is the action control.ActionSettings.
func (s *Stub) changeSettings(_ context.Context, ask control.SettingsRequest) (control.Done, error) {
	return s.surround(ask.Instance, func(around *surroundings) {
		if ask.SilentMode != nil {
			around.silent = *ask.SilentMode
		}
		if ask.DNSRebindingProtection != nil {
			around.trusting = !*ask.DNSRebindingProtection
		}
	})
}

// The services that an instance calls.
const (
	toCustomersDot = "customersdot"
	toGateway      = "gateway"
)

// maxLookup bounds how long the resolver of an instance may take.
const maxLookup = time.Minute

// changeNetwork is the action control.ActionNetwork.
func (s *Stub) changeNetwork(_ context.Context, ask control.NetworkRequest) (control.Done, error) {
	blocked := map[string]bool{}
	if ask.Unreachable != nil {
		for _, name := range *ask.Unreachable {
			if name != toCustomersDot && name != toGateway {
				return control.Done{}, fmt.Errorf("unreachable: an instance does not call %q, expected %s or %s", name, toCustomersDot, toGateway)
			}
			blocked[name] = true
		}
	}
	if d := ask.DNSTimeout; d != nil && (*d < 0 || *d > maxLookup) {
		return control.Done{}, fmt.Errorf("dns_timeout: %s is not between 0s and %s", *d, maxLookup)
	}
	return s.surround(ask.Instance, func(around *surroundings) {
		if ask.Unreachable != nil {
			around.blocked = blocked
		}
		if ask.DNSTimeout != nil {
			around.lookup = *ask.DNSTimeout
		}
		if ask.Buffering != nil {
			around.buffering = *ask.Buffering
		}
	})
}

func (s *Stub) surround(instance string, change func(*surroundings)) (control.Done, error) {
	i, err := s.instance(instance)
	if err != nil {
		return control.Done{}, err
	}
	if i.given.Realm == world.SaaS {
		return control.Done{}, errors.New("what surrounds GitLab.com cannot be changed here")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.around)
	return control.Done{}, nil
}

func (i *Instance) surroundings() surroundings {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.around
}

// errSilent is what Gitlab::HTTP raises in Silent Mode.
var errSilent = errors.New("only get, head, options, and trace methods are allowed in silent mode")

// leave is what a request meets before it is sent, which it is not if there is an error.
// Silent Mode and the look-up of the host concern what Rails sends itself, and not what it
// has Workhorse send.
func (i *Instance) leave(ctx context.Context, to, method, target string, byRails bool) error {
	around := i.surroundings()
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
	default:
		if byRails && around.silent {
			return errSilent
		}
	}
	if byRails && !around.trusting && around.lookup > 0 {
		if err := clock.Spend(ctx, i.stub.env.Clock, around.lookup); err != nil {
			return err
		}
	}
	if around.blocked[to] {
		return fmt.Errorf("Failed to open TCP connection to %s (execution expired)", hostOf(target)) //nolint:staticcheck // Ruby's own words
	}
	return nil
}

// hostOf is the host and port of a URL.
func hostOf(target string) string {
	if u, err := url.Parse(target); err == nil {
		return u.Host
	}
	return target
}

// byRails reports whether a call of the feature is made by Rails itself, and not by
// Workhorse: chat, and a feature of one's own, whose client is Ruby's.
func (f *endpoint) byRails() bool { return f.kind == chat || !f.ai }

// silenced is the answer of an endpoint whose request Silent Mode does not let out. Nobody
// rescues the error, so that it becomes the API's answer to any.
func silenced() error {
	return &stub.Error{
		Status: http.StatusInternalServerError, Message: "500 Internal Server Error",
		Reason: string(SilentMode), Detail: errSilent.Error(),
	}
}

// noBuffering is what a streamed answer says to proxies, so that they pass each piece on.
const noBuffering = "X-Accel-Buffering"
