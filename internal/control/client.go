package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/world"
)

// Client steers an ecosystem through the control planes of all its processes.
type Client struct {
	planes []plane
	http   *http.Client
	token  string
	called called
}

type plane struct {
	url  string
	info Info
}

// idleTimeout is how long a connection to a control plane is kept, in real time.
const idleTimeout = 90 * time.Second

// Connect asks every control plane what it holds. Token may be empty where none is
// asked for.
func Connect(ctx context.Context, token string, urls ...string) (*Client, error) {
	if len(urls) == 0 {
		return nil, errors.New("no control plane is named")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: idleTimeout}
	c := &Client{http: &http.Client{Timeout: time.Minute, Transport: transport}, token: token}
	for _, u := range urls {
		c.planes = append(c.planes, plane{url: strings.TrimSuffix(u, "/")})
	}
	return c, c.refresh(ctx)
}

func (c *Client) refresh(ctx context.Context) error {
	for n := range c.planes {
		var info Info
		if err := c.call(ctx, c.planes[n], http.MethodGet, "/v1/info", nil, &info); err != nil {
			return err
		}
		c.planes[n].info = info
	}
	return nil
}

// Again is a client of the same control planes that has not called anything yet. It knows
// what c knew when it connected, and shares its connections, which Close of either ends.
func (c *Client) Again() *Client {
	return &Client{planes: slices.Clone(c.planes), http: c.http, token: c.token}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Services lists the services of all processes.
func (c *Client) Services() []Service {
	var all []Service
	for _, p := range c.planes {
		all = append(all, p.info.Services...)
	}
	return all
}

// Service returns the service of that name.
func (c *Client) Service(name string) (Service, bool) {
	for _, s := range c.Services() {
		if s.Name == name {
			return s, true
		}
	}
	return Service{}, false
}

// Can reports whether some process takes the action.
func (c *Client) Can(action string) bool {
	return slices.ContainsFunc(c.planes, func(p plane) bool { return slices.Contains(p.info.Actions, action) })
}

// SetWorld starts all processes over in the given world, with the clock frozen at its
// time.
func (c *Client) SetWorld(ctx context.Context, w world.World) error {
	frozen := true
	for _, p := range c.planes {
		if err := c.call(ctx, p, http.MethodPut, "/v1/clock", SetClock{Now: &w.Now, Frozen: &frozen}, nil); err != nil {
			return err
		}
	}
	for _, p := range c.planes {
		if err := c.call(ctx, p, http.MethodPut, "/v1/world", w, nil); err != nil {
			return err
		}
	}
	return c.refresh(ctx)
}

// Now returns the time of the first process; all are kept at the same.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	var state Clock
	err := c.call(ctx, c.planes[0], http.MethodGet, "/v1/clock", nil, &state)
	return state.Now, err
}

// Advance moves the clock by d in all processes. On the way it stops at each time at
// which a job is due anywhere, and has it run, so that what would have happened in the
// meantime has happened.
func (c *Client) Advance(ctx context.Context, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("cannot advance by %s: time goes forward (set it instead)", d)
	}
	state, err := c.state(ctx)
	if err != nil {
		return err
	}
	return c.advance(ctx, state.Now.Add(d), state)
}

// AdvanceTo is Advance up to a given time.
func (c *Client) AdvanceTo(ctx context.Context, target time.Time) error {
	state, err := c.state(ctx)
	if err != nil {
		return err
	}
	return c.advance(ctx, target, state)
}

func (c *Client) advance(ctx context.Context, target time.Time, state Clock) error {
	for {
		stop := target
		if !state.NextJob.IsZero() && state.NextJob.Before(stop) {
			stop = state.NextJob
		}
		if len(c.planes) == 1 {
			if err := c.call(ctx, c.planes[0], http.MethodPut, "/v1/clock", SetClock{Now: &stop, Run: true}, &state); err != nil {
				return err
			}
		} else {
			// All clocks first, so that no job calls a service that lives in the past.
			if err := c.setClock(ctx, SetClock{Now: &stop}); err != nil {
				return err
			}
			if err := c.setClock(ctx, SetClock{Run: true}); err != nil {
				return err
			}
		}
		if stop.Equal(target) {
			return nil
		}
		if len(c.planes) > 1 {
			var err error
			if state, err = c.state(ctx); err != nil {
				return err
			}
		}
	}
}

// state is the time of the first process, and when the next job is due in any.
func (c *Client) state(ctx context.Context) (Clock, error) {
	var all Clock
	for n, p := range c.planes {
		var here Clock
		if err := c.call(ctx, p, http.MethodGet, "/v1/clock", nil, &here); err != nil {
			return Clock{}, err
		}
		if n == 0 {
			all.Now = here.Now
		}
		if !here.NextJob.IsZero() && (all.NextJob.IsZero() || here.NextJob.Before(all.NextJob)) {
			all.NextJob = here.NextJob
		}
	}
	return all, nil
}

// SetTime puts the clock anywhere, without running what was due in between.
func (c *Client) SetTime(ctx context.Context, t time.Time) error {
	return c.setClock(ctx, SetClock{Now: &t})
}

func (c *Client) setClock(ctx context.Context, set SetClock) error {
	for _, p := range c.planes {
		if err := c.call(ctx, p, http.MethodPut, "/v1/clock", set, nil); err != nil {
			return err
		}
	}
	return nil
}

// SetSkew shifts the clock of one service.
func (c *Client) SetSkew(ctx context.Context, service string, by time.Duration) error {
	p, ok := c.holder(service)
	if !ok {
		return fmt.Errorf("unknown service %q", service)
	}
	return c.call(ctx, p, http.MethodPut, "/v1/skew", SetSkew{Service: service, By: by}, nil)
}

func (c *Client) holder(service string) (plane, bool) {
	for _, p := range c.planes {
		if slices.ContainsFunc(p.info.Services, func(s Service) bool { return s.Name == service }) {
			return p, true
		}
	}
	return plane{}, false
}

// AddFault puts a rule in force in all processes.
func (c *Client) AddFault(ctx context.Context, r fault.Rule) error {
	for _, p := range c.planes {
		if err := c.call(ctx, p, http.MethodPost, "/v1/faults", r, nil); err != nil {
			return err
		}
	}
	return nil
}

// RemoveFault takes a rule out of force in all processes.
func (c *Client) RemoveFault(ctx context.Context, name string) error {
	for _, p := range c.planes {
		if err := c.call(ctx, p, http.MethodDelete, "/v1/faults/"+url.PathEscape(name), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// Faults returns the rules in force with the sum of their counts over all processes.
func (c *Client) Faults(ctx context.Context) ([]fault.State, error) {
	var all []fault.State
	for _, p := range c.planes {
		var here Faults
		if err := c.call(ctx, p, http.MethodGet, "/v1/faults", nil, &here); err != nil {
			return nil, err
		}
		for _, s := range here.Faults {
			n := slices.IndexFunc(all, func(other fault.State) bool { return other.Rule.Name == s.Rule.Name })
			if n < 0 {
				all = append(all, s)
				continue
			}
			all[n].Seen += s.Seen
			all[n].Applied += s.Applied
		}
	}
	return all, nil
}

// Call does an action of the given service's process, or, with an empty service, of
// every process that takes it until one does.
func Call[Out any](ctx context.Context, c *Client, action string, args any) (Out, error) {
	var out Out
	err := fmt.Errorf("no process takes the action %q", action)
	for _, p := range c.planes {
		if !slices.Contains(p.info.Actions, action) {
			continue
		}
		err = c.call(ctx, p, http.MethodPost, "/v1/do/"+action, args, &out)
		var refused *RefusedError
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			continue
		}
		return out, err
	}
	return out, err
}

// RefusedError is an answer of a control plane that is an error.
type RefusedError struct {
	Plane, Message, Hint string
	Status               int
}

func (e *RefusedError) Error() string {
	text := e.Message
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (c *Client) call(ctx context.Context, p plane, method, path string, in, out any) error {
	c.called.note(method, path)
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("control %s: %w", path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		return fmt.Errorf("control plane %q: %w", p.url, err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("control plane %s: %w", p.url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("control plane %s: %w", p.url, err)
	}
	if resp.StatusCode != http.StatusOK {
		var f Failure
		_ = json.Unmarshal(text, &f)
		return &RefusedError{
			Plane: p.url, Status: resp.StatusCode, Hint: f.Hint,
			Message: cmp.Or(f.Error, fmt.Sprintf("%s %s answered %s", method, path, resp.Status)),
		}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("control plane %s answered %s with no JSON that is known: %w", p.url, path, err)
	}
	return nil
}
