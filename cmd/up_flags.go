package cmd

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

func (u *up) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	u.worldFlags(c)
	f.BoolVar(&u.freeze, "freeze", false, "let the clock stand still until it is moved")
	f.BoolVar(&u.sync, "sync", true, "sync the tokens of instances with a licence at the start, as their activation does")
	f.Uint64Var(&u.seed, "seed", 0, "`NUMBER` that determines every id that is made up")
	f.StringVar(&u.catalog, "catalog", "", "cloud_connector.yml `FILE` in place of the one that the features make up, reloaded when it changes")
	f.StringVar(&u.environment, "environment", "", "block of the catalog that counts, `NAME` (default: development, else defaults)")
	u.keyFlags(c)
	u.ports.flags(c)
	u.elsewhere.flags(c)
	f.StringVar(&u.listenHost, "listen-host", "127.0.0.1", "`ADDRESS` to listen on; beyond loopback, a control token is needed")
	f.StringVar(&u.controlToken, "control-token", "", "`TOKEN` that the control plane asks for (default: $"+controlTokenVariable+")")
	u.limits.flags(c)
	f.BoolVar(&u.edgeAuth, "edge-auth", false, "have the gateway verify tokens, which the real one does not")
	f.BoolVar(&u.tls, "tls", false, "have the gateway speak TLS too, with a certificate made on the spot")
	f.StringVar(&u.tlsCert, "tls-cert", "", "`FILE` to write that certificate to, for clients to trust; implies --tls")
	f.BoolVar(&u.json, "json", false, "print URLs, users and tokens as one JSON object once everything answers")
	f.TextVar(&u.logLevel, "log-level", slog.LevelWarn, "`LEVEL` of the log: debug, info, warn or error")
	_ = c.MarkFlagFilename("world", "yaml", "yml")
	_ = c.MarkFlagFilename("catalog", "yaml", "yml")
	_ = c.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
}

// ports are the flags that say where services listen.
type ports struct {
	base int
	own  map[string]*int
}

// portFlags are the flags of single services, and the field that each sets.
var portFlags = []struct {
	name, usage string
	field       func(*ecosystem.Ports) *int
}{
	{"gitlab-port", "GitLab.com; the other instances, by name, follow", func(p *ecosystem.Ports) *int { return &p.GitLab }},
	{"customersdot-port", "CustomersDot", func(p *ecosystem.Ports) *int { return &p.CustomersDot }},
	{"gateway-port", "the gateway", func(p *ecosystem.Ports) *int { return &p.Gateway }},
	{"gateway-tls-port", "the gateway with TLS", func(p *ecosystem.Ports) *int { return &p.GatewayTLS }},
	{"ai-gateway-port", "the AI gateway", func(p *ecosystem.Ports) *int { return &p.AIGateway }},
	{"backends-port", "the first other backend; the rest, by name, follow", func(p *ecosystem.Ports) *int { return &p.Backends }},
	{"control-port", "the control plane", func(p *ecosystem.Ports) *int { return &p.Control }},
}

func (p *ports) flags(c *cobra.Command) {
	c.Flags().IntVar(&p.base, "port-base", 0, "first port of a layout of all, `N`; 0 takes free ports (default: the ports of GDK)")
	p.own = map[string]*int{}
	defaults := ecosystem.DefaultPorts()
	for _, f := range portFlags {
		p.own[f.name] = c.Flags().Int(f.name, *f.field(&defaults), "`PORT` of "+f.usage)
	}
}

// layout is where services listen; nil means free ports for all.
func (p *ports) layout(c *cobra.Command, parts []string) (*ecosystem.Ports, error) {
	layout := ecosystem.DefaultPorts()
	moved := c.Flags().Changed("port-base")
	switch {
	case moved && p.base == 0:
		layout = ecosystem.Ports{}
	case moved:
		layout = ecosystem.PortsFrom(p.base)
	}
	if layout.Control != 0 {
		layout.Control += controlOffset(parts)
	}
	set := !moved || p.base != 0
	for _, f := range portFlags {
		if c.Flags().Changed(f.name) {
			*f.field(&layout) = *p.own[f.name]
			set = true
		}
	}
	for _, f := range portFlags {
		if n := *f.field(&layout); n < 0 || n > 65535 {
			return nil, usagef("port %d is out of range, expected 0 to 65535", n)
		}
	}
	if !set {
		return nil, nil
	}
	return &layout, nil
}

// controlOffset keeps the control planes of parts apart that run in processes of their own.
func controlOffset(parts []string) int {
	all := ecosystem.Parts()
	first := len(all)
	for _, p := range parts {
		first = min(first, slices.Index(all, p))
	}
	if len(parts) == 0 || !slices.ContainsFunc(all, func(p string) bool { return !slices.Contains(parts, p) }) {
		return 0
	}
	return first + 1
}

// elsewhere are the flags that say where parts are reached.
type elsewhere struct {
	gitlab, customersDot, gateway baseURL
	backendsHost                  string
	backends                      []string
}

func (e *elsewhere) flags(c *cobra.Command) {
	f := c.Flags()
	f.Var(&e.gitlab, "gitlab-url", "`URL` of GitLab.com as the others know it; of http://gitlab.test:3000 others are derived, such as http://acme.test:3000")
	f.Var(&e.customersDot, "customersdot-url", "`URL` of CustomersDot as the others know it, or of a real one")
	f.Var(&e.gateway, "gateway-url", "`URL` of the gateway as the others know it, or of a real one")
	f.StringVar(&e.backendsHost, "backends-host", "", "`HOST` on which backends listen that run elsewhere")
	f.StringArrayVar(&e.backends, "backend", nil, "real service in place of a backend, `NAME=URL`; repeatable; no URL leaves the stub")
}

func (e *elsewhere) urls(features []feature.Feature) (ecosystem.URLs, error) {
	u := ecosystem.URLs{
		GitLab: string(e.gitlab), CustomersDot: string(e.customersDot), Gateway: string(e.gateway),
		BackendsHost: e.backendsHost, Backends: map[string]string{},
	}
	var known []string
	for _, f := range features {
		known = append(known, f.Backend.Name)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, text := range e.backends {
		name, origin, ok := strings.Cut(text, "=")
		if !ok {
			return u, usagef("--backend is %q, expected NAME=URL such as foo=http://127.0.0.1:8000", text)
		}
		if origin == "" {
			continue // as in a compose file, whose list of flags is always the same
		}
		if !slices.Contains(known, name) {
			err := usagef("--backend names %q, and no feature has such a backend", name)
			if near := strictyaml.Suggest(name, known); near != "" {
				return u, hint(err, "did you mean %q?", near)
			}
			return u, hint(err, "backends are %s", strings.Join(known, ", "))
		}
		if err := new(baseURL).Set(origin); err != nil {
			return u, usagef("--backend %s: %w", name, err)
		}
		u.Backends[name] = strings.TrimSuffix(origin, "/")
	}
	return u, nil
}

// baseURL is a flag with the URL of a service.
type baseURL string

func (b *baseURL) Set(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not the URL of a service, expected such as http://127.0.0.1:3000", text)
	}
	*b = baseURL(strings.TrimSuffix(text, "/"))
	return nil
}

func (b *baseURL) String() string { return string(*b) }

func (b *baseURL) Type() string { return "URL" }

// limits are the flags with the gateway's rate limits.
type limits struct {
	control.Limits
	window period
}

func (l *limits) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&l.PerUser, "limit-per-user", 0, "`N` requests of one user pass the gateway in a window, for each route; 0 limits nothing")
	f.IntVar(&l.PerInstance, "limit-per-instance", 0, "`N` requests of one self-managed instance, likewise")
	f.IntVar(&l.PerUnauthorized, "limit-per-unauthorized", 0, "`N` answers of 401 to one caller, likewise")
	f.Var(&l.window, "limit-window", "`DURATION` of the window (default: 1m)")
}

func (l *limits) read() (control.Limits, error) {
	l.Window = time.Duration(l.window)
	for _, f := range []struct {
		name  string
		value int
	}{
		{"limit-per-user", l.PerUser},
		{"limit-per-instance", l.PerInstance},
		{"limit-per-unauthorized", l.PerUnauthorized},
		{"limit-window", int(l.Window)},
	} {
		if f.value < 0 {
			return l.Limits, usagef("--%s is negative, expected 0 or more", f.name)
		}
	}
	return l.Limits, nil
}

// loopback reports whether nobody but this machine reaches an address.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || host == "" || ip != nil && ip.IsLoopback()
}
