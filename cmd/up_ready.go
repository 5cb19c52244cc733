package cmd

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// prepare does what is good to have done before the first call: it syncs tokens, waiting
// for a CustomersDot that runs elsewhere, and makes signing keys that are not there yet.
// What may take long goes on until the channel is closed.
func (u *up) prepare(ctx context.Context, e *ecosystem.Ecosystem, o ecosystem.Options) <-chan struct{} {
	done := make(chan struct{})
	syncs := u.sync && u.runs(ecosystem.Rails)
	here := u.runs(ecosystem.CustomersDot)
	if syncs && here {
		syncTokens(ctx, e, o)
	}
	go func() {
		defer close(done)
		if syncs && !here && reachable(ctx, u.customersDotAddress(o)) {
			syncTokens(ctx, e, o)
		}
		if u.runs(ecosystem.Rails) {
			makeKeys(ctx, o)
		}
	}()
	return done
}

// makeKeys has the instances' signing keys made, so that no caller waits for them.
func makeKeys(ctx context.Context, o ecosystem.Options) {
	for _, i := range o.World.Instances {
		for _, name := range keysOf(i) {
			if ctx.Err() != nil {
				return
			}
			if _, err := o.Keys.Get(name); err != nil {
				o.Log.Warn("no signing key", "instance", i.Name, "error", err)
			}
		}
	}
}

// syncTokens runs the token sync of every instance that has a licence.
func syncTokens(ctx context.Context, e *ecosystem.Ecosystem, o ecosystem.Options) {
	client, err := control.Connect(ctx, o.ControlToken, e.ControlURL())
	if err != nil {
		o.Log.Warn("the tokens were not synced", "error", err)
		return
	}
	defer client.Close()
	for _, i := range o.World.Instances {
		if i.Realm != world.SelfManaged || i.License == nil || i.NotActivated {
			continue
		}
		result, err := control.Call[control.SyncResult](ctx, client, control.ActionSync, control.SyncRequest{Instance: i.Name})
		if err != nil {
			o.Log.Warn("a token was not synced", "instance", i.Name, "error", err)
			continue
		}
		o.Log.Info("token sync "+string(result.Outcome), "instance", i.Name, "message", result.Message)
	}
}

// customersDotAddress is the host and port of a CustomersDot that runs elsewhere.
func (u *up) customersDotAddress(o ecosystem.Options) string {
	if u.customersDot == "" {
		layout := ecosystem.DefaultPorts()
		if o.Ports != nil && o.Ports.CustomersDot != 0 {
			layout = *o.Ports
		}
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(layout.CustomersDot))
	}
	at, err := url.Parse(string(u.customersDot))
	if err != nil {
		return ""
	}
	port := at.Port()
	if port == "" {
		port = at.Scheme // a service's name is as good as its number
	}
	return net.JoinHostPort(at.Hostname(), port)
}

// knockEvery is how often a service is tried that does not listen yet, in real time.
const knockEvery = 250 * time.Millisecond

// reachable waits until somebody listens at an address, and is false if ctx ends first.
func reachable(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: healthTimeout}
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return true
		}
		if clock.Wait(ctx, knockEvery) != nil {
			return false
		}
	}
}

// ready is what --json prints.
type ready struct {
	Version     string            `json:"version"`
	Now         time.Time         `json:"now"`
	Frozen      bool              `json:"frozen"`
	Seed        uint64            `json:"seed"`
	Control     string            `json:"control"`
	Services    []control.Service `json:"services"`
	Users       []readyUser       `json:"users"`
	GatewayTLS  string            `json:"gateway_tls,omitempty"`
	Certificate string            `json:"certificate,omitempty"` // PEM
}

type readyUser struct {
	Name     string `json:"name"`
	Instance string `json:"instance"`
	Token    string `json:"token"`
}

// announce says where everything is. All of it answers already.
func (u *up) announce(w io.Writer, e *ecosystem.Ecosystem, o ecosystem.Options) error {
	r := ready{
		Version: scenarios.Version(), Now: o.Clock.Now().Truncate(time.Second), Frozen: o.Clock.Frozen(), Seed: o.Seed, Control: e.ControlURL(),
		Services: e.Services(), Users: []readyUser{}, GatewayTLS: e.TLSURL(),
	}
	if u.runs(ecosystem.Rails) {
		for _, user := range o.World.Users {
			r.Users = append(r.Users, readyUser{user.Name, user.Instance, user.Token})
		}
	}
	if cert := e.Certificate(); cert != nil {
		r.Certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
		if u.tlsCert != "" {
			if err := os.WriteFile(u.tlsCert, []byte(r.Certificate), 0o600); err != nil {
				return notStarted(fmt.Errorf("write the certificate: %w", err))
			}
		}
	}
	if u.json {
		return printJSON(w, r)
	}
	u.printReady(w, r, o)
	return nil
}

// printJSON prints one value as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	var unknown *json.UnsupportedValueError
	if err := enc.Encode(v); errors.As(err, &unknown) {
		return err // a reader that is gone is no failure
	}
	return nil
}
