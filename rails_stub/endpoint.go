package railsstub

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// endpoint is a feature as users call it and as it goes on to the gateway.
type endpoint struct {
	feature.Feature
	kind   bodyKind
	to     reach
	ai     bool // goes to the AI gateway, by one of its clients
	target *url.URL
	text   string // target, for the journal
}

const suggestionsPath = "/api/v4/code_suggestions/"

func newEndpoint(f feature.Feature, gatewayURL string) (*endpoint, error) {
	e := &endpoint{Feature: f, text: strings.TrimSuffix(gatewayURL, "/") + "/" + f.Backend.Name + f.Backend.Endpoint.Path}
	target, err := url.Parse(e.text)
	if err != nil {
		return nil, fmt.Errorf("feature %s: %w", f.Name, err)
	}
	e.target = target
	if f.Backend.Profile == feature.AIGateway {
		e.ai, e.to, e.kind = true, aiClients, kindOf(f.Backend.Endpoint)
		if strings.HasPrefix(f.Rails.Endpoint.Path, suggestionsPath) {
			e.to = suggestions
		}
	}
	return e, nil
}

// codeSuggestions is the feature that direct access is for, nil if there is none.
func (s *Stub) codeSuggestions() *endpoint {
	for _, f := range s.features {
		if f.to == suggestions {
			return f
		}
	}
	return nil
}

// use answers a user's call of a feature.
func (i *Instance) use(f *endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := i.serve(w, r, f); err != nil {
			i.service.Fail(w, r, err)
		}
	})
}

// serve does what GitLab does before it lets go of the request: who is it, may they, is
// the request in order, are there too many, is there a token.
func (i *Instance) serve(w http.ResponseWriter, r *http.Request, f *endpoint) error {
	rel, now := i.installed(), i.service.Clock().Now()
	p, right, err := i.admit(r, f, rel, now)
	if err != nil {
		return err
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	size := len(body)
	if body, err = f.kind.translate(body, rel); err != nil {
		return err
	}
	if err := i.limitCompletions(p, f, rel); err != nil {
		return err
	}
	t, err := i.tokenFor(p, f, rel, now)
	if err != nil {
		return err
	}
	note(journal.Of(r.Context()), t)
	if err := i.noTokenFor(t, rel); err != nil {
		return err
	}
	if f.to == suggestions && size > rel.maxBody {
		return tooLarge(size, rel.maxBody)
	}
	h := i.header(f.to, rel, p, right, t, now, r)
	if !f.ai {
		if kind := r.Header["Content-Type"]; len(kind) > 0 {
			h["Content-Type"] = kind
		}
	}
	return i.relay(w, r, f, h, body)
}

// tokenFor takes the token for a user's call of a feature.
func (i *Instance) tokenFor(p *person, f *endpoint, rel *release, now time.Time) (accessToken, error) {
	t, err := i.accessToken(ask{
		person: p, service: f.CloudConnector.Name, primitive: f.Backend.Scope,
		scopes: f.Rails.Scopes, extra: extraClaims(f, p, rel),
	}, rel, now)
	if err != nil {
		return accessToken{}, &stub.Error{
			Status: http.StatusInternalServerError, Message: "500 Internal Server Error",
			Reason: string(SigningKeyMissing), Err: err,
		}
	}
	return t, nil
}

// noToken says why there is none.
func (i *Instance) noToken() string {
	i.mu.RLock()
	defer i.mu.RUnlock()
	switch n := len(i.synced.tokens); {
	case i.given.Realm == world.SaaS:
		return "the catalog of GitLab.com does not have the feature"
	case n > 0:
		return fmt.Sprintf("the last token that %s synced expired at %s", i.name, i.synced.tokens[n-1].expiresAt.Format(time.RFC3339))
	case i.license == nil:
		return i.name + " has no licence to sync a token with"
	}
	return i.name + " has no token: it never synced one, or the last sync took it away"
}

// header puts the headers together for a call that goes on from a request.
func (i *Instance) header(to reach, rel *release, p *person, g grant, t accessToken, now time.Time, r *http.Request) http.Header {
	return i.headerOf(to, rel, p, g, t, now, r.Header, journal.Of(r.Context()).RequestID)
}

// headerOf puts the headers of a call together. Client are those of the user's client.
func (i *Instance) headerOf(to reach, rel *release, p *person, g grant, t accessToken, now time.Time, client http.Header, requestID string) http.Header {
	c := &caller{
		instance: i.given, host: i.address.Hostname(), version: rel.version,
		person: p, grant: g, now: now, client: client,
	}
	if to >= aiClients {
		c.seats = i.purchasedSeats(now)
	}
	h := rel.headers[to].build(c)
	h["Authorization"] = []string{cmp.Or(t.bearer, "Bearer ")}
	h["X-Request-Id"] = []string{requestID}
	return h
}
