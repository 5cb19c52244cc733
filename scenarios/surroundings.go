package scenarios

import (
	"context"
	"net/http"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
)

// Settings changes application settings of an instance; what is absent stays as it is.
type Settings struct {
	Instance               string `yaml:"instance,required"`
	SilentMode             *bool  `yaml:"silent_mode"`              // true: Rails sends nothing that could change anything elsewhere
	DNSRebindingProtection *bool  `yaml:"dns_rebinding_protection"` // false: Rails looks up no host that it calls
}

// Restore restores the database of one instance on another: its id, licence, add-ons and
// what was synced. Users and signing keys stay.
type Restore struct {
	Instance string `yaml:"instance,required"`
	From     string `yaml:"from,required"`
	OwnUUID  bool   `yaml:"own_uuid"` // the instance keeps its own id
}

// Network says what stands between an instance and everybody else; what is absent stays
// as it is.
type Network struct {
	Instance string `yaml:"instance,required"`
	// Unreachable are the services that a firewall keeps the instance from, which may be
	// customersdot and gateway; [] opens it again.
	Unreachable *[]string `yaml:"unreachable"`
	// DNSTimeout is how long, in stub time, its resolver takes to give up on hosts outside,
	// which are reached through a proxy; 0s has it answer at once.
	DNSTimeout *time.Duration `yaml:"dns_timeout"`
	// Buffering is true where a proxy in front of the instance holds each answer back until
	// it is complete, unless it has X-Accel-Buffering: no.
	Buffering *bool `yaml:"buffering"`
}

// maxDNSTimeout bounds Network.DNSTimeout.
const maxDNSTimeout = time.Minute

// around checks the actions on what surrounds an instance.
func (c *checker) around(at string, s *Step) {
	instance := func(name string) {
		c.required(at+".instance", name)
		c.word(at+".instance", "instance", name, c.flow.instances())
	}
	switch {
	case s.Settings != nil:
		instance(s.Settings.Instance)
		if s.Settings.SilentMode == nil && s.Settings.DNSRebindingProtection == nil {
			c.complain(at, "set silent_mode or dns_rebinding_protection", "this changes no setting")
		}
	case s.Network != nil:
		n := s.Network
		instance(n.Instance)
		if n.Unreachable == nil && n.DNSTimeout == nil && n.Buffering == nil {
			c.complain(at, "set unreachable, dns_timeout or buffering", "this changes nothing of the network")
		}
		if n.Unreachable != nil {
			for _, service := range *n.Unreachable {
				c.word(at+".unreachable", "service that an instance calls", service, []string{customersDot, gateway})
			}
		}
		if d := n.DNSTimeout; d != nil && (*d < 0 || *d > maxDNSTimeout) {
			c.complain(at+".dns_timeout", "", "%s is not between 0s and %s", *d, maxDNSTimeout)
		}
	case s.Restore != nil:
		instance(s.Restore.Instance)
		c.required(at+".from", s.Restore.From)
		c.word(at+".from", "instance", s.Restore.From, c.flow.instances())
	}
}

// changeAround does the actions on what surrounds an instance.
func (p *player) changeAround(ctx context.Context, s *Step) error {
	switch {
	case s.Settings != nil:
		return p.tell(ctx, control.ActionSettings, control.SettingsRequest{
			Instance: s.Settings.Instance, SilentMode: s.Settings.SilentMode, DNSRebindingProtection: s.Settings.DNSRebindingProtection,
		})
	case s.Network != nil:
		return p.tell(ctx, control.ActionNetwork, control.NetworkRequest{
			Instance: s.Network.Instance, Unreachable: s.Network.Unreachable, DNSTimeout: s.Network.DNSTimeout, Buffering: s.Network.Buffering,
		})
	default:
		return p.tell(ctx, control.ActionRestore, control.RestoreRequest{Instance: s.Restore.Instance, From: s.Restore.From, OwnUUID: s.Restore.OwnUUID})
	}
}

// client is what a request is sent with: the connection's own, or one that speaks HTTP/2
// and nothing else, as a gRPC client does.
func (c *connection) clientFor(protocol string) *http.Client {
	if protocol != fault.HTTP2 {
		return c.http
	}
	plain, ok := c.http.Transport.(*http.Transport)
	if !ok {
		return c.http
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	transport := plain.Clone()
	transport.Protocols = &protocols
	transport.DisableKeepAlives = true // it is for one request
	client := *c.http
	client.Transport = transport
	return &client
}

// measure notes how much stub time the step took, where that is looked at.
func (p *player) measure(ctx context.Context, s *Step, out *outcome) {
	if s.Expect == nil || s.Expect.Took == nil {
		return
	}
	now := clock.Real{}.Now()
	if p.client != nil {
		var err error
		if now, err = p.client.Now(ctx); err != nil {
			if out.err == nil {
				out.err = err
			}
			return
		}
	}
	out.took = now.Sub(p.now)
}

// took compares times in whole seconds, as a clock that runs does not stand still while a
// request is answered.
func (j *judging) took() {
	if want := j.want.Took; want != nil && j.out.took.Truncate(time.Second) != *want {
		j.complain("took", "expected it to take %s of stub time, got %s", length(*want), length(j.out.took.Truncate(time.Second)))
	}
}

func (j *judging) streamed() {
	if want := j.want.Streamed; want != nil && j.out.answer != nil && j.out.answer.streamed != *want {
		if *want {
			j.complain("streamed", "expected the answer in pieces, got it all at once")
		} else {
			j.complain("streamed", "expected the answer all at once, got it in pieces")
		}
	}
}
