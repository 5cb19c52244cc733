package explain

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

// Part is what a link of the chain is about.
type Part string

// The parts, in the order of the chain.
const (
	Issuer   Part = "issuer"
	Token    Part = "token"
	GitLab   Part = "gitlab"
	Gateway  Part = "gateway"
	Verifier Part = "verifier"
	Backend  Part = "backend"
)

// Verdict is how a call fared at a part.
type Verdict string

// The verdicts. At the issuer and the token, Passed and Refused are about the scope.
const (
	Passed     Verdict = "passed"
	Refused    Verdict = "refused"
	NotReached Verdict = "not reached"
)

// Link is what one part did.
type Link struct {
	Part    Part    `json:"part"`
	Service string  `json:"service,omitempty"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"` // one clause
}

// Explanation is what became of a call.
type Explanation struct {
	Granted bool   `json:"granted"`
	By      string `json:"by,omitempty"`     // who refused
	Reason  string `json:"reason,omitempty"` // a token.Reason, or one of another kind
	// Place is the line of the catalog that the issuer's decision came from: of the audience
	// if that was refused, else of what granted or dropped the scope. It is empty where no file
	// decided.
	Place string `json:"place,omitempty"`
	Chain []Link `json:"chain"`
	Text  string `json:"text"` // one paragraph
}

// Question says which call is to be explained.
type Question struct {
	RequestID string
	// Instance is the name of the instance that called, and Scope what the endpoint needs.
	// Both are found out from the journal as far as they can be if they are empty.
	Instance string
	Scope    string
}

// Call explains a call by a journal that holds it, and as much as possible of what came
// before it.
func Call(entries []journal.Entry, q Question) Explanation {
	c := newCall(entries, q)
	if len(c.hops) == 0 {
		return Explanation{Chain: []Link{}, Text: "no service has seen this call"}
	}
	x := Explanation{Granted: true, Chain: c.chain()}
	for _, h := range slices.Backward(c.hops) { // the innermost cause counts
		if h.Reason != "" {
			x.Granted, x.By, x.Reason = false, h.Service, h.Reason
			x.Place = cmp.Or(h.Place, c.place(token.Reason(h.Reason)))
			x.Text = c.refusal(h)
			return x
		}
	}
	inner := c.hops[len(c.hops)-1]
	if n := slices.IndexFunc(c.hops, func(e journal.Entry) bool { return e.Fault != "" }); n >= 0 {
		h := c.hops[n]
		x.Granted, x.By = false, h.Service
		x.Text = fmt.Sprintf("broken at %s: the fault %q was applied", h.Service, h.Fault)
		return x
	}
	if inner.Status >= http.StatusBadRequest {
		x.Granted, x.By = false, inner.Service
		x.Text = fmt.Sprintf("%s answered %s, for no reason that it names%s", inner.Service, status(inner.Status), aside(inner.Detail))
		return x
	}
	x.Place = c.place("")
	x.Text = c.grant(inner)
	return x
}

// call is a call and what the journal has about it.
type call struct {
	Question
	all    []journal.Entry
	hops   []journal.Entry // outermost first
	token  *journal.Token  // the one that went furthest in
	issued *journal.Entry  // of that token
	at     time.Time       // by the clock of whoever looked at the token
}

var depth = map[journal.Kind]int{journal.Rails: 0, journal.CustomersDot: 1, journal.Gateway: 2, journal.Backend: 3}

// Hops are the stops of one request, outermost first. A backend's fetches of key sets,
// which it makes on the way and under the same id, are no stops.
func Hops(entries []journal.Entry, requestID string) []journal.Entry {
	var hops, fetches []journal.Entry
	for _, e := range entries {
		switch {
		case e.RequestID != requestID || requestID == "" || e.Method == "":
		case keyFetch(e):
			fetches = append(fetches, e)
		default:
			hops = append(hops, e)
		}
	}
	if len(hops) == 0 {
		hops = fetches // the request itself was for keys
	}
	slices.SortStableFunc(hops, func(a, b journal.Entry) int { return cmp.Compare(depth[a.Kind], depth[b.Kind]) })
	return hops
}

func keyFetch(e journal.Entry) bool {
	return e.Path == "/.well-known/openid-configuration" || e.Path == "/oauth/discovery/keys"
}

func newCall(entries []journal.Entry, q Question) *call {
	c := &call{Question: q, all: entries, hops: Hops(entries, q.RequestID)}
	for _, h := range c.hops {
		if h.Token != nil {
			c.token, c.at = Full(entries, h.Token), h.At
		}
		if h.Kind == journal.Rails && c.Instance == "" {
			c.Instance = h.Service
		}
		if h.Scope != "" && q.Scope == "" {
			c.Scope = h.Scope
		}
	}
	if c.token != nil {
		for n := range entries {
			if t := entries[n].Issued; t != nil && t.Digest == c.token.Digest {
				c.issued = &entries[n]
			}
		}
	}
	return c
}

func isJob(e journal.Entry) bool { return strings.HasPrefix(e.Route, "job:") }

// decision is what the issuer decided on the scope when it issued the token.
func (c *call) decision() (journal.Scope, bool) {
	if c.issued == nil || c.Scope == "" {
		return journal.Scope{}, false
	}
	return scopeOf(c.issued, c.Scope)
}

// place is the line of the catalog that a call which ended so goes back to.
func (c *call) place(r token.Reason) string {
	d, ok := c.decision()
	switch {
	case !ok:
		return ""
	case r == token.WrongAudience:
		return d.AudiencePlace
	case r == "", r == token.MissingScope:
		return d.Place
	}
	return ""
}

func scopeOf(e *journal.Entry, scope string) (journal.Scope, bool) {
	for _, s := range e.Scopes {
		if s.Name == scope {
			return s, true
		}
	}
	return journal.Scope{}, false
}

// Full is the token with its claims, where another entry tells them: the gateway notes no
// more than which token it was.
func Full(entries []journal.Entry, t *journal.Token) *journal.Token {
	if t == nil || t.Claims != nil {
		return t
	}
	for _, e := range entries {
		for _, other := range []*journal.Token{e.Token, e.Issued} {
			if other != nil && other.Digest == t.Digest && other.Claims != nil {
				return other
			}
		}
	}
	return t
}

// hop is the call's stop at a kind of service.
func (c *call) hop(kind journal.Kind) (journal.Entry, bool) {
	for _, h := range c.hops {
		if h.Kind == kind {
			return h, true
		}
	}
	return journal.Entry{}, false
}
