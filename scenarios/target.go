package scenarios

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// Target is an ecosystem as flows reach it.
type Target struct {
	// Name is what reports call it.
	Name string
	// Control are the URLs of the control planes, one for each process. Without any, the
	// steps that need one are skipped.
	Control []string
	// ControlToken is what the control planes ask for; it may be empty.
	ControlToken string
	// Services are base URLs of services that no control plane knows, by name.
	Services map[string]string
	// ConnectTo says where to connect instead of where a URL says, both as host:port. The
	// host or the port may be a *, which on the right side means the same as on the left:
	// "*.test:*" to "127.0.0.1:*" connects to this machine for every name ending in .test.
	ConnectTo map[string]string

	opened *connection // by Open
}

// timeout bounds one call of a step, in real time. GitLab itself waits for 55 seconds.
const timeout = 60 * time.Second

// idleTimeout is how long a connection without a request is kept, in real time: shorter
// than any service keeps it, so that no request meets one that is about to close.
const idleTimeout = 90 * time.Second

// connection is a target that was connected to.
type connection struct {
	target Target
	client *control.Client // nil without control planes
	http   *http.Client
	grpc   *http.Client // the same over HTTP/2, which needs no TLS here
	shared bool         // whether others go on with the connections
}

// Open connects now and returns a target whose flows, one after another, use the same
// connections. They must find the same services there, and close ends the connections.
func (t Target) Open(ctx context.Context) (opened Target, end func(), err error) {
	c, err := t.connect(ctx)
	if err != nil {
		return t, nil, err
	}
	t.opened = c
	return t, c.close, nil
}

// again is c for another flow.
func (c *connection) again() *connection {
	next := *c
	next.shared = true
	if c.client != nil {
		next.client = c.client.Again()
	}
	return &next
}

// connect asks the control planes what there is.
func (t Target) connect(ctx context.Context) (*connection, error) {
	if t.opened != nil {
		return t.opened.again(), nil
	}
	c := &connection{target: t}
	if len(t.Control) > 0 {
		client, err := control.Connect(ctx, t.ControlToken, t.Control...)
		if err != nil {
			return nil, err
		}
		c.client = client
	}
	dialer := &net.Dialer{Timeout: timeout}
	transport := func(p http.Protocols) *http.Transport {
		return &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, c.address(addr))
			},
			IdleConnTimeout:    idleTimeout,
			DisableCompression: true, // bodies are shown as they come
			Protocols:          &p,
		}
	}
	var usual, h2 http.Protocols
	usual.SetHTTP1(true)
	h2.SetHTTP2(true)
	h2.SetUnencryptedHTTP2(true)
	c.http = &http.Client{
		Timeout: timeout, Transport: transport(usual),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.grpc = &http.Client{Timeout: timeout, Transport: transport(h2)}
	return c, nil
}

func (c *connection) close() {
	if c.shared {
		return
	}
	c.http.CloseIdleConnections()
	c.grpc.CloseIdleConnections()
	if c.client != nil {
		c.client.Close()
	}
}

// url is the base URL of a service.
func (c *connection) url(service string) (string, bool) {
	if u, ok := c.target.Services[service]; ok {
		return strings.TrimSuffix(u, "/"), true
	}
	if c.client == nil {
		return "", false
	}
	s, ok := c.client.Service(service)
	return strings.TrimSuffix(s.URL, "/"), ok
}

// address is where to connect for addr.
func (c *connection) address(addr string) string {
	if to, ok := connectTo(c.target.ConnectTo, addr); ok {
		return to
	}
	// Instances of a world that was set later have no listener of their own: they are known
	// by host name at GitLab.com's.
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !strings.HasSuffix(host, ".test") {
		return addr
	}
	base, ok := c.url(world.GitLabCom)
	if u, err := url.Parse(base); ok && err == nil && u.Port() == port && net.ParseIP(u.Hostname()) != nil {
		return u.Host
	}
	return addr
}

// connectTo finds the rule for addr; the longest pattern wins.
func connectTo(rules map[string]string, addr string) (string, bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", false
	}
	patterns := make([]string, 0, len(rules))
	for pattern := range rules {
		patterns = append(patterns, pattern)
	}
	slices.SortFunc(patterns, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, pattern := range patterns {
		wantHost, wantPort, err := net.SplitHostPort(pattern)
		if err != nil {
			continue
		}
		if matched, err := path.Match(wantHost, host); err != nil || !matched || wantPort != "*" && wantPort != port {
			continue
		}
		toHost, toPort, err := net.SplitHostPort(rules[pattern])
		if err != nil {
			continue
		}
		if toHost == "*" {
			toHost = host
		}
		if toPort == "*" {
			toPort = port
		}
		return net.JoinHostPort(toHost, toPort), true
	}
	return "", false
}
