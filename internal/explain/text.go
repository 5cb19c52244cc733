package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/token"
)

// refusal is the paragraph about a refused call: who, for what, and what led to it.
func (c *call) refusal(h journal.Entry) string {
	text := fmt.Sprintf("refused by %s: %s%s", h.Service, c.words(h), in(h.Place))
	var cause string
	switch token.Reason(h.Reason) {
	case token.MissingScope:
		cause = c.whyNoScope()
	case token.Expired:
		cause = c.whyNotRenewed()
	case token.NoToken:
		if h.Kind == journal.Rails || c.token == nil && c.calledByGitLab() {
			cause = c.lastSync("")
		}
	case token.UnknownKey, token.BadSignature, token.WrongIssuer, token.IssuerMismatch, token.WrongAudience,
		token.RealmMismatch, token.InstanceMismatch, token.UserMismatch, token.SeatCountMismatch:
		cause = c.whoSigned(token.Reason(h.Reason))
	}
	if cause != "" {
		text += "; " + cause
	}
	return text
}

// words is what was wrong: in the words of this package where they are shorter, else the
// refusal's detail, else its reason.
func (c *call) words(h journal.Entry) string {
	if c.token != nil {
		exp, dated := seconds(c.token.Claims["exp"])
		_, listed := c.token.Claims["scopes"].([]any)
		switch token.Reason(h.Reason) {
		case token.MissingScope:
			if c.Scope != "" && listed {
				return "the token lacks " + c.Scope
			}
		case token.Expired:
			if dated && !c.at.Before(exp) {
				return "the token " + Expiry(exp, c.at)
			}
		}
	}
	if h.Detail != "" {
		return h.Detail
	}
	return strings.ReplaceAll(h.Reason, "_", " ")
}

func (c *call) calledByGitLab() bool {
	_, ok := c.hop(journal.Rails)
	return ok
}

// whyNoScope goes back to the issuer.
func (c *call) whyNoScope() string {
	if c.issued == nil {
		return "no issuer here has it in its journal, so it was forged, or is older than the journal"
	}
	d, ok := c.decision()
	switch {
	case !ok && c.Scope != "":
		return c.unlisted()
	case !ok:
		return ""
	case d.Granted:
		return fmt.Sprintf("%s granted it (%s), so what was sent is not what was issued", c.issued.Service, d.Why)
	}
	text := fmt.Sprintf("%s dropped it%s because %s%s", c.issued.Service, c.forInstance(), d.Why, in(d.Place))
	if newer, ok := c.newerDecision(); ok && newer.Granted {
		text += fmt.Sprintf("; a later token has it (%s), but the call went out with the old one", newer.Why)
	}
	return text
}

// unlisted says that the catalog does not have the scope, and what it has instead.
func (c *call) unlisted() string {
	text := fmt.Sprintf("%s has no %s in its catalog", c.issued.Service, c.Scope)
	if near, ok := c.nearest(); ok {
		text += fmt.Sprintf(", but %s%s", near.Name, in(near.Place))
	}
	return text
}

// nearest is the scope that the issuer has and that was probably meant.
func (c *call) nearest() (journal.Scope, bool) {
	names := make([]string, len(c.issued.Scopes))
	for n, s := range c.issued.Scopes {
		names[n] = s.Name
	}
	return scopeOf(c.issued, strictyaml.Suggest(c.Scope, names))
}

func (c *call) forInstance() string {
	if c.Instance == "" || c.issued != nil && c.issued.Service == c.Instance {
		return ""
	}
	return " for " + c.Instance
}

// newerDecision is what the issuer decided for the same subject in its last token.
func (c *call) newerDecision() (journal.Scope, bool) {
	var found journal.Scope
	ok := false
	for n := range c.all {
		e := &c.all[n]
		if e.Issued == nil || e.Service != c.issued.Service || e.At.Before(c.issued.At) || e.Issued.Digest == c.token.Digest ||
			e.Issued.Claims["sub"] != c.token.Claims["sub"] {
			continue
		}
		if d, known := scopeOf(e, c.Scope); known {
			found, ok = d, true
		}
	}
	return found, ok
}

// whyNotRenewed says how old the token is and what became of syncs since.
func (c *call) whyNotRenewed() string {
	if c.token == nil {
		return ""
	}
	text := ""
	if c.issued != nil {
		text = fmt.Sprintf("%s issued it on %s", c.issued.Service, clockTime(c.issued.At))
		if c.issued.Service == c.Instance {
			return text
		}
	}
	return join(text, c.lastSync("since then "))
}

// lastSync is what became of the instance's last sync job.
func (c *call) lastSync(since string) string {
	if c.Instance == "" {
		return ""
	}
	for _, e := range slices.Backward(c.all) {
		if e.Service != c.Instance || !isJob(e) || !strings.Contains(e.Route, "sync_service_token") {
			continue
		}
		if since != "" && c.issued != nil && !e.At.After(c.issued.At) {
			break
		}
		return fmt.Sprintf("the last sync of %s, on %s, %s", c.Instance, clockTime(e.At), ended(e))
	}
	if since != "" {
		return c.Instance + " was not synced again"
	}
	return c.Instance + " has not synced yet"
}

// ended is how a job ended: its detail is "<outcome>: <message>".
func ended(e journal.Entry) string {
	outcome, message, _ := strings.Cut(e.Detail, ": ")
	switch outcome {
	case "succeeded":
		if e.Token == nil {
			return "left it without a token" + aside(message)
		}
		return "succeeded"
	case "skipped":
		return "was skipped" + aside(message)
	}
	return "failed" + aside(message)
}

// whoSigned says where the token comes from.
func (c *call) whoSigned(r token.Reason) string {
	if c.token == nil {
		return ""
	}
	if c.issued == nil {
		return "no issuer here has it in its journal, so it was forged, or is older than the journal"
	}
	text := fmt.Sprintf("%s issued it on %s", c.issued.Service, clockTime(c.issued.At))
	if r == token.WrongAudience {
		text += in(c.place(r))
	}
	return text
}

// grant is the paragraph about a call that went well.
func (c *call) grant(inner journal.Entry) string {
	text := fmt.Sprintf("granted: %s answered %s", inner.Service, status(inner.Status))
	if d, ok := c.decision(); ok {
		text = join(text, fmt.Sprintf("%s granted %s%s because %s", c.issued.Service, d.Name, c.forInstance(), d.Why))
	}
	if c.token != nil {
		if exp, ok := seconds(c.token.Claims["exp"]); ok {
			text = join(text, "the token "+Expiry(exp, c.at))
		}
	}
	return text
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "; " + b
}

// Expiry says when something expires or expired, seen from now.
func Expiry(exp, now time.Time) string {
	switch d := exp.Sub(now); {
	case d > 0:
		return "expires in " + Span(d)
	case d == 0:
		return "expires at this very second"
	default:
		return "expired " + Span(-d) + " ago"
	}
}

// Span is a duration in its two largest units: "2 days 3 h", "59 min", "5 s".
func Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	d = d.Round(time.Second)
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for n, u := range units {
		if d < u.of && n < len(units)-1 {
			continue
		}
		whole := d / u.of
		text := fmt.Sprintf("%d %s", whole, u.name)
		if u.name == "day" && whole != 1 {
			text += "s"
		}
		if n+1 < len(units) {
			if rest := (d - whole*u.of) / units[n+1].of; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[n+1].name)
			}
		}
		return text
	}
	return ""
}

// list reads a claim that is a list of texts.
func list(claim any) []string {
	items, ok := claim.([]any)
	if !ok {
		if texts, ok := claim.([]string); ok {
			return texts
		}
		return nil
	}
	var texts []string
	for _, item := range items {
		if s, ok := item.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// seconds reads a claim that is a time.
func seconds(claim any) (time.Time, bool) {
	switch n := claim.(type) {
	case float64:
		return time.Unix(int64(n), 0).UTC(), true
	case int64:
		return time.Unix(n, 0).UTC(), true
	}
	return time.Time{}, false
}

// in says which line of which file something comes from, if that is known.
func in(place string) string {
	if place == "" {
		return ""
	}
	return " [" + place + "]"
}
