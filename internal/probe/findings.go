package probe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// Finding is what is wrong with a service, and the cases that show it.
type Finding struct {
	What  string   `json:"what"`
	Cases []string `json:"cases"`
	Why   string   `json:"why"` // a paragraph: what must hold, and what is often the cause
}

// findings puts the verdicts that are not OK together by what to do about them, in their
// order.
func (p *Probe) findings(verdicts []Verdict) []Finding {
	found := []Finding{}
	for _, v := range verdicts {
		if v.OK {
			continue
		}
		what, why := p.explain(v, verdicts)
		n := slices.IndexFunc(found, func(f Finding) bool { return f.Why == why })
		if n < 0 {
			found = append(found, Finding{What: what, Why: why})
			n = len(found) - 1
		}
		if f, more := &found[n], strings.TrimPrefix(what, gotIn); !strings.Contains(f.What, more) {
			f.What += ", " + more
		}
		found[n].Cases = append(found[n].Cases, v.Case)
	}
	return found
}

func (p *Probe) explain(v Verdict, all []Verdict) (what, why string) {
	switch {
	case v.Fetched:
		return fmt.Sprintf("the attacker's URL was fetched, and the call %s", v.answered()), fetching
	case v.Outcome == Crashed || v.Outcome == NoAnswer:
		return v.answered(), "Whatever is in a token, it is refused with 401 or 403. An answer of 5xx, or none, means that something went unforeseen that anybody can send, and it looks like an outage. The service's log says what it was."
	case v.Outcome == Limited:
		return v.answered(), "It limits the rate, so that nobody knows what it makes of the token. Raise the limit for the probe."
	case v.Expected == Accepted:
		return "a good call was " + v.answered(), p.goodRefused(v)
	case v.Outcome == Redirected:
		return v.answered(), "A client of Cloud Connector follows no redirect; it is refused with 401 or 403."
	}
	why = musts[v.Reason]
	if farOff, ok := farOff[v.Reason]; ok && !slices.ContainsFunc(all, func(v Verdict) bool { return v.Case == farOff && v.Outcome == Accepted }) {
		why += " A service that allows for clocks that differ, as many libraries do, is probed with --leeway 60s, or whatever it allows."
	}
	return gotIn + string(v.Reason), why
}

const gotIn = "got in, to be refused for "

// farOff are the cases that get in where the time is not looked at at all.
var farOff = map[token.Reason]string{token.Expired: derive.LongExpired, token.NotYetValid: derive.LongToCome}

func (v Verdict) answered() string {
	switch v.Outcome {
	case NoAnswer:
		return "not answered"
	case Accepted:
		return "accepted"
	}
	return fmt.Sprintf("%s with %d", v.Outcome, v.Status)
}

// goodRefused says what keeps a good call out most of the time.
func (p *Probe) goodRefused(v Verdict) string {
	var why string
	switch {
	case v.Outcome == Redirected:
		why = "--url must be where the answer is" + field(v.answer, "Location", ", and it redirects to %s") + "."
	case v.Status == http.StatusUnauthorized || v.Status == http.StatusForbidden:
		issuer, variable := "CustomersDot", p.customersDot()
		if v.Case == derive.GoodOfGitLab {
			issuer, variable = "GitLab.com", p.gitlab()
		}
		why = fmt.Sprintf("The service must trust %s (%s, whose keys are found by its OpenID configuration), take the audience %s and require no scope but %s.",
			issuer, variable, p.options.Audience, p.options.Scope)
	case v.Status == http.StatusNotFound || v.Status == http.StatusMethodNotAllowed:
		why = fmt.Sprintf("It does not know %s %s: --url and --method say what is called.", p.options.Method, p.options.URL)
	default:
		why = "It takes the token, perhaps, but not the rest: --body and --header say what is sent."
	}
	if v.answer != nil && v.answer.Body != "" {
		why += fmt.Sprintf(" It answered %q.", excerpt(v.answer.Body))
	}
	return why
}

// field words a header of an answer, if it has it.
func field(answer *scenarios.Received, name, words string) string {
	for _, f := range answer.Headers {
		if f.Name == name {
			return fmt.Sprintf(words, f.Value)
		}
	}
	return ""
}

// excerpt is the beginning of a text, on one line.
func excerpt(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
