package explain

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

// chain is what every part did, from the issuer to the backend. Parts that a call does
// not have, such as an instance where a test calls the gateway itself, are left out.
func (c *call) chain() []Link {
	chain := []Link{}
	if c.issued != nil {
		chain = append(chain, c.issuerLink())
	}
	if c.token != nil {
		chain = append(chain, c.tokenLink())
	}
	outermost := depth[c.hops[0].Kind]
	for _, kind := range []journal.Kind{journal.Rails, journal.CustomersDot, journal.Gateway} {
		if h, ok := c.hop(kind); ok {
			chain = append(chain, hopLink(partOf(kind), h))
		} else if kind == journal.Gateway && depth[kind] > outermost && outermost != depth[journal.CustomersDot] {
			chain = append(chain, Link{Gateway, string(journal.Gateway), NotReached, "the call did not get here"})
		}
	}
	switch h, ok := c.hop(journal.Backend); {
	case ok:
		chain = append(chain, verifierLinks(h)...)
	case c.leftHere():
		chain = append(chain, c.realBackendLink())
	case outermost != depth[journal.CustomersDot]:
		chain = append(chain, Link{Backend, "", NotReached, "the call did not get here"})
	}
	return chain
}

func partOf(k journal.Kind) Part {
	switch k {
	case journal.Rails:
		return GitLab
	case journal.CustomersDot:
		return Issuer
	case journal.Gateway:
		return Gateway
	}
	return Backend
}

func (c *call) issuerLink() Link {
	link := Link{Issuer, c.issued.Service, Passed, "issued the token on " + clockTime(c.issued.At)}
	if d, ok := c.decision(); ok {
		verb := "granted"
		if !d.Granted {
			link.Verdict, verb = Refused, "dropped"
		}
		link.Text += fmt.Sprintf(" and %s %s: %s%s", verb, d.Name, d.Why, in(d.Place))
	}
	return link
}

func (c *call) tokenLink() Link {
	link := Link{Part: Token, Verdict: Passed}
	if c.token.Claims == nil {
		link.Text = "is known by its digest only, " + c.token.Digest
		return link
	}
	scopes := list(c.token.Claims["scopes"])
	says := fmt.Sprintf("carries %s", count(scopes))
	if c.Scope != "" && !slices.Contains(scopes, c.Scope) {
		link.Verdict, says = Refused, "lacks "+c.Scope
	}
	if exp, ok := seconds(c.token.Claims["exp"]); ok {
		says += ", " + Expiry(exp, c.at)
		if !c.at.Before(exp) {
			link.Verdict = Refused
		}
	}
	link.Text = says
	return link
}

// count lists a few scopes and counts the rest.
func count(scopes []string) string {
	const shown = 4
	switch n := len(scopes); {
	case n == 0:
		return "no scope"
	case n <= shown:
		return strings.Join(scopes, ", ")
	default:
		return fmt.Sprintf("%s and %d more", strings.Join(scopes[:shown], ", "), n-shown)
	}
}

// leftHere reports whether the gateway had an answer from a service that keeps no journal:
// a real one, in a stub's place.
func (c *call) leftHere() bool {
	h, ok := c.hop(journal.Gateway)
	return ok && h.Upstream != "" && h.Reason == "" && h.Fault == "" && h.Status != 0
}

func (c *call) realBackendLink() Link {
	h, _ := c.hop(journal.Gateway)
	link := Link{Backend, h.Upstream, Passed, "answered " + status(h.Status) + "; a real service, which keeps no journal here"}
	if h.Status >= http.StatusBadRequest {
		link.Verdict = Refused
	}
	return link
}

func hopLink(part Part, h journal.Entry) Link {
	link := Link{Part: part, Service: h.Service, Verdict: Passed, Text: "passed it on"}
	switch {
	case h.Reason != "":
		link.Verdict, link.Text = Refused, because(h)
	case h.Fault != "":
		link.Verdict, link.Text = Refused, fmt.Sprintf("the fault %q was applied", h.Fault)
	case h.Upstream == "":
		link.Text = "answered " + status(h.Status) + aside(h.Detail)
		if h.Status >= http.StatusBadRequest {
			link.Verdict = Refused
		}
	}
	return link
}

// verifierLinks are those of a backend: its verifier, and what stands behind it.
func verifierLinks(h journal.Entry) []Link {
	if h.Fault != "" {
		return []Link{hopLink(Backend, h)}
	}
	switch reason := token.Reason(h.Reason); {
	case reason == token.MissingScope || reason == token.UserTokenNotAllowed: // the endpoint's own demands
		return []Link{
			{Verifier, h.Service, Passed, "took the token"},
			{Backend, h.Service, Refused, because(h)},
		}
	case slices.Contains(token.Reasons(), reason):
		return []Link{
			{Verifier, h.Service, Refused, because(h)},
			{Backend, h.Service, NotReached, "the endpoint was not reached"},
		}
	}
	links := []Link{hopLink(Backend, h)}
	if h.Token != nil {
		links = append([]Link{{Verifier, h.Service, Passed, "took the token"}}, links...)
	}
	return links
}

func because(h journal.Entry) string {
	if h.Detail == "" {
		return h.Reason
	}
	return h.Reason + ": " + h.Detail
}

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return fmt.Sprint(code)
}

func aside(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}

// clockTime is how a moment is written in a sentence.
func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
