package ecosystem

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Options say what to start. The zero value of every field but World is usable.
type Options struct {
	World    world.World
	Features []feature.Feature
	// Parts are the parts to run here; empty means all of them. The others are expected at
	// URLs.
	Parts []string
	// Clock is the clock that all share; nil means one that stands still at World.Now.
	Clock *clock.Adjustable
	// Seed determines every id that is made up.
	Seed uint64
	// Keys holds the signing keys; nil means new ones, kept in memory.
	Keys *token.Pool
	// ListenHost is the address to listen on; empty means 127.0.0.1.
	ListenHost string
	// Ports are where the services listen; nil means free ports.
	Ports *Ports
	// URLs are the names of parts as the others know them. They are needed for parts that
	// run elsewhere and may be given for those that run here, behind another name.
	URLs URLs
	// ControlToken guards the control plane; empty means that it is open, which is
	// refused on an address beyond loopback.
	ControlToken string
	// CatalogFile is CustomersDot's catalog, of any form, in place of the one that the
	// features make up: a file or a library's folder, watched for changes, or
	// catalog.Default, over which the features are laid.
	CatalogFile string
	// Environment is the block of CatalogFile that counts; empty means the catalog's default.
	Environment string
	// GatewayLimits are the gateway's rate limits; the zero value limits nothing.
	GatewayLimits gateway.Limits
	// EdgeAuth has the gateway verify tokens, which the real one does not.
	EdgeAuth bool
	// GatewayTLS has the gateway listen with TLS too, with a certificate made on the spot.
	GatewayTLS bool
	// JournalSize is how many entries the journal keeps; 0 means the journal's default.
	JournalSize int
	Version     string
	Log         *slog.Logger // nil means silence
}

// The parts.
const (
	Rails        = "rails"
	CustomersDot = "customersdot"
	Gateway      = "gateway"
	Backends     = "backends"
)

// Parts returns the names of all parts.
func Parts() []string { return []string{Rails, CustomersDot, Gateway, Backends} }

// URLs are base URLs without a trailing slash.
type URLs struct {
	// GitLab is GitLab.com. Where its host begins with "gitlab.", the other instances are
	// known by theirs: http://gitlab.test:3000 makes http://acme.test:3000 of acme.
	GitLab       string
	CustomersDot string
	Gateway      string
	// BackendsHost is the host on which backends listen on their usual ports.
	BackendsHost string
	// Backends are origins by backend name, before anything else that says where one is.
	Backends map[string]string
}

// Ports are TCP ports. One that is 0 means free ones.
type Ports struct {
	// GitLab is GitLab.com's port; the other instances, by name, follow it.
	GitLab       int
	CustomersDot int
	Gateway      int
	GatewayTLS   int
	AIGateway    int // the backend called "ai"
	DuoWorkflow  int // the backend called "duo-workflow"
	Backends     int // the first of the other backends; the rest, by name, follow it
	Control      int
}

// DefaultPorts are, where GDK has a port for the real part, the same as GDK's.
func DefaultPorts() Ports {
	return Ports{
		GitLab: 3000, CustomersDot: 5000, Gateway: 8080, GatewayTLS: 8443,
		AIGateway: 5052, DuoWorkflow: 50052, Backends: 5100, Control: 7070,
	}
}

// PortsFrom returns a layout that starts at base, in the order of the default ports.
func PortsFrom(base int) Ports {
	return Ports{
		GitLab: base, CustomersDot: base + 50, AIGateway: base + 52, Control: base + 70,
		DuoWorkflow: base + 54, Gateway: base + 80, GatewayTLS: base + 84, Backends: base + 100,
	}
}

// validate returns everything that is wrong with the options.
func (o Options) validate() error {
	var errs []error
	for _, p := range o.Parts {
		if !slices.Contains(Parts(), p) {
			text := fmt.Sprintf("unknown part %q, expected some of %s", p, strings.Join(Parts(), ", "))
			if near := strictyaml.Suggest(p, Parts()); near != "" {
				text += fmt.Sprintf(" (did you mean %q?)", near)
			}
			errs = append(errs, errors.New(text))
		}
	}
	for name, text := range map[string]string{
		"GitLab": o.URLs.GitLab, "CustomersDot": o.URLs.CustomersDot, "gateway": o.URLs.Gateway,
	} {
		if text != "" && !validURL(text) {
			errs = append(errs, fmt.Errorf("the URL of %s is %q, expected such as http://127.0.0.1:3000", name, text))
		}
	}
	for name, text := range o.URLs.Backends {
		if !validURL(text) {
			errs = append(errs, fmt.Errorf("the URL of backend %q is %q, expected such as http://127.0.0.1:8000", name, text))
		}
		if !slices.Contains(backendNames(o.Features), name) {
			errs = append(errs, fmt.Errorf("a URL is given for backend %q, which no feature names", name))
		}
	}
	if o.ControlToken == "" && !loopback(o.ListenHost) {
		errs = append(errs, fmt.Errorf("listening on %s needs a control token, as everybody who reaches the control plane can steer the ecosystem", o.ListenHost))
	}
	return errors.Join(errs...)
}

func validURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func loopback(host string) bool {
	if host == "" || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// complete fills in defaults and trims URLs.
func (o *Options) complete() error {
	if err := o.completeWorld(); err != nil {
		return err
	}
	if len(o.Parts) == 0 {
		o.Parts = Parts()
	}
	if o.ListenHost == "" {
		o.ListenHost = "127.0.0.1"
	}
	if o.Clock == nil {
		o.Clock = clock.NewFrozen(o.World.Now)
	}
	if o.Keys == nil {
		pool, err := token.NewPool("")
		if err != nil {
			return err
		}
		o.Keys = pool
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, u := range []*string{&o.URLs.GitLab, &o.URLs.CustomersDot, &o.URLs.Gateway} {
		*u = strings.TrimSuffix(*u, "/")
	}
	return nil
}

func (o *Options) completeWorld() error {
	complaints := o.World.Complete()
	errs := make([]error, len(complaints))
	for n, c := range complaints {
		errs[n] = c
	}
	return errors.Join(errs...)
}

func (o Options) runs(part string) bool { return slices.Contains(o.Parts, part) }

// addr is where a service listens that is n places behind the given port.
func (o Options) addr(port func(Ports) int, n int) string {
	if o.Ports == nil || port(*o.Ports) == 0 {
		return net.JoinHostPort(o.ListenHost, "0")
	}
	return net.JoinHostPort(o.ListenHost, strconv.Itoa(port(*o.Ports)+n))
}

// elsewhere is the URL of a service that runs in another process on its usual port.
func (o Options) elsewhere(host string, port func(Ports) int, n int) string {
	ports := DefaultPorts()
	if o.Ports != nil && port(*o.Ports) != 0 {
		ports = *o.Ports
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port(ports)+n))
}

// The backends that have ports of their own; see Ports.
const (
	aiGateway   = "ai"
	duoWorkflow = "duo-workflow"
)

// backendNames are the names of the features' backends, sorted, each once.
func backendNames(features []feature.Feature) []string {
	var names []string
	for _, f := range features {
		names = append(names, f.Backend.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// closeTimeout bounds how long Close waits for requests under way, in real time.
const closeTimeout = 5 * time.Second
