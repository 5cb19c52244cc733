package ccmock

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// ControlURL is where the control plane answers. It asks for no token.
func (e *Ecosystem) ControlURL() string { return e.inner.ControlURL() }

// Services lists all services and where they are reached.
func (e *Ecosystem) Services() []Service { return e.inner.Services() }

// URL is where a service is reached: "customersdot", "gateway", an instance such as
// "acme", or a backend such as "foo". It is empty if there is no such stub.
func (e *Ecosystem) URL(service string) string {
	for _, s := range e.inner.Services() {
		if s.Name == service {
			return s.URL
		}
	}
	return ""
}

// Now is the ecosystem's time.
func (e *Ecosystem) Now() time.Time { return e.clock.Now() }

// Advance moves the clock forward. On the way it stops wherever a job is due and has it
// run, so that what would have happened in the meantime has happened.
func (e *Ecosystem) Advance(ctx context.Context, d time.Duration) error {
	return e.control.Advance(ctx, d)
}

// SetTime puts the clock anywhere, without running what was due in between.
func (e *Ecosystem) SetTime(ctx context.Context, t time.Time) error {
	return e.control.SetTime(ctx, t)
}

// Use calls a feature as an end user does: at the user's instance, with the user's access
// token. Body is JSON; nil is an empty object. The caller closes the answer's body. Its
// X-Request-Id is what Explain and Journal take.
func (e *Ecosystem) Use(ctx context.Context, user, feature string, body io.Reader) (*http.Response, error) {
	u, ok := e.world.User(user)
	if !ok {
		return nil, unknown("user", user, names(e.world.Users, func(u User) string { return u.Name }))
	}
	f, err := e.feature(feature)
	if err != nil {
		return nil, err
	}
	endpoint := f.Rails.Endpoint
	bodyless := endpoint.Method == http.MethodGet || endpoint.Method == http.MethodHead
	if body == nil && !bodyless {
		body = strings.NewReader("{}")
	}
	req, err := http.NewRequestWithContext(ctx, endpoint.Method, e.URL(u.Instance)+endpoint.Path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Private-Token", u.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return e.http.Do(req)
}

func (e *Ecosystem) feature(name string) (feature.Feature, error) {
	n := slices.IndexFunc(e.features, func(f feature.Feature) bool { return f.Name == name })
	if n < 0 {
		return feature.Feature{}, unknown("feature", name, feature.Names(e.features))
	}
	return e.features[n], nil
}

// Sync has an instance sync its token from CustomersDot now, as it does by itself once a
// day (from GitLab 17.9 on, when the token is about to expire).
func (e *Ecosystem) Sync(ctx context.Context, instance string) (SyncResult, error) {
	return control.Call[SyncResult](ctx, e.control, control.ActionSync, control.SyncRequest{Instance: instance, Force: true})
}

// Purchase buys an add-on for an instance. An instance other than GitLab.com knows of it
// with its next sync.
func (e *Ecosystem) Purchase(ctx context.Context, instance string, p Purchase) error {
	_, err := control.Call[control.Done](ctx, e.control, control.ActionPurchase, control.PurchaseRequest{Instance: instance, Purchase: p})
	return err
}

// AccessToken returns the token that an instance would send to a backend, as
// CloudConnector::AccessService#access_token(scopes:) does, and "" if it has none. The
// scopes count on GitLab.com only; all others have the token that they last synced.
func (e *Ecosystem) AccessToken(ctx context.Context, instance string, scopes ...string) (string, error) {
	got, err := control.Call[control.TokenResult](ctx, e.control, control.ActionAccessToken,
		control.AccessTokenRequest{Instance: instance, Scopes: slices.Concat([]string{}, scopes)})
	return got.Raw, err
}

// Sign has an issuer sign what it never would, for the tokens that a backend must refuse.
func (e *Ecosystem) Sign(ctx context.Context, r SignRequest) (string, error) {
	got, err := control.Call[control.TokenResult](ctx, e.control, control.ActionSign, r)
	return got.Raw, err
}

// AddFault puts a fault in force, until RemoveFault or for as often as it says.
func (e *Ecosystem) AddFault(ctx context.Context, f Fault) error { return e.control.AddFault(ctx, f) }

// RemoveFault takes a fault out of force.
func (e *Ecosystem) RemoveFault(ctx context.Context, name string) error {
	return e.control.RemoveFault(ctx, name)
}

// Journal returns what happened, oldest first: of one request, by its X-Request-Id, or all
// of it, if that is empty.
func (e *Ecosystem) Journal(ctx context.Context, requestID string) ([]Entry, error) {
	return e.control.Journal(ctx, nil, requestID)
}

// Explain says who granted or refused a call, by its X-Request-Id, and why.
func (e *Ecosystem) Explain(ctx context.Context, requestID string) (Explanation, error) {
	entries, err := e.control.Journal(ctx, nil, "")
	if err != nil {
		return Explanation{}, err
	}
	return explain.Call(entries, explain.Question{RequestID: requestID}), nil
}

// Do takes any action of the control plane, such as "revoke_license". Args are its
// arguments as JSON has them, a struct or a map; out, if not nil, is filled with the
// answer.
func (e *Ecosystem) Do(ctx context.Context, action string, args, out any) error {
	answer, err := control.Call[json.RawMessage](ctx, e.control, action, args)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("the answer of %s: %w", action, err)
	}
	return nil
}

func unknown(what, name string, known []string) error {
	return fmt.Errorf("ccmock: %w", strictyaml.Unknown(what, name, known))
}

func names[V any](all []V, name func(V) string) []string {
	found := make([]string, len(all))
	for n, v := range all {
		found[n] = name(v)
	}
	return found
}
