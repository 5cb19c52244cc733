package probe

import (
	"net/http"
	"slices"

	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// Outcome is what a service made of a call.
type Outcome string

// The outcomes. Of refusals and crashes there are many words; the class of the status counts.
const (
	Accepted   Outcome = "accepted"   // 2xx
	Redirected Outcome = "redirected" // 3xx
	Refused    Outcome = "refused"    // 4xx
	Limited    Outcome = "limited"    // 429, which says nothing of the token
	Crashed    Outcome = "crashed"    // 5xx, also the gateway's for a connection that broke off
	NoAnswer   Outcome = "no answer"
)

// Verdict is what became of a call.
type Verdict struct {
	Case    string  `json:"case"`
	OK      bool    `json:"ok"`
	Outcome Outcome `json:"outcome"`
	Status  int     `json:"status"` // 0 if there was no answer
	// Expected is accepted or refused, and Reason why it is to be refused.
	Expected Outcome      `json:"expected"`
	Reason   token.Reason `json:"reason,omitempty"`
	// Open says that either will do: an issuer signed the token, and RFC 7519 leaves it open.
	Open bool `json:"open,omitempty"`
	// Gap says that the call gets in at the real AI gateway, so that it may get in here, too.
	Gap bool `json:"known_gap,omitempty"`
	// Strict says that a variant of the good call was refused, which harms nobody.
	Strict bool `json:"stricter_than_needed,omitempty"`
	// Fetched says that the service fetched what the sender of the token told it to fetch.
	Fetched bool `json:"fetched,omitempty"`

	answer *scenarios.Received
}

func outcome(answer *scenarios.Received) Outcome {
	if answer == nil {
		return NoAnswer
	}
	switch class := answer.Status / 100; {
	case answer.Status == http.StatusTooManyRequests:
		return Limited
	case class == 2:
		return Accepted
	case class == 3:
		return Redirected
	case class == 4:
		return Refused
	}
	return Crashed
}

func judge(c derive.Case, answer *scenarios.Received) Verdict {
	v := Verdict{Case: c.Name, Outcome: outcome(answer), Expected: Accepted, Reason: c.Reason, Open: c.Open, Gap: c.Gap, answer: answer}
	if answer != nil {
		v.Status = answer.Status
	}
	if c.Reason != "" || c.Gap {
		v.Expected = Refused
	}
	switch v.Outcome {
	case v.Expected:
		v.OK = true
	case Accepted:
		v.OK = c.Gap || c.Open
	case Refused:
		v.OK = !isGood(c)
		v.Strict = v.OK
	}
	return v
}

// Result is what became of all calls.
type Result struct {
	URL      string    `json:"url"`
	OK       bool      `json:"ok"`
	Verdicts []Verdict `json:"verdicts"`
	// Findings are the verdicts that are not OK, put together by what is wrong.
	Findings []Finding `json:"findings"`
	// NotTried is how many calls were not sent, as the good one was refused.
	NotTried int `json:"not_tried,omitempty"`
	// Left are the cases that need a service that ccmock steers.
	Left   []string          `json:"left_out,omitempty"`
	Report *scenarios.Report `json:"-"` // the same for JUnit
}

// Failed are the cases that did not go as they must.
func (r *Result) Failed() []string {
	names := []string{}
	for _, v := range r.Verdicts {
		if !v.OK {
			names = append(names, v.Case)
		}
	}
	return names
}

// Crashed reports whether a call crashed the service, of which its log says more.
func (r *Result) Crashed() bool {
	return slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Outcome == Crashed || v.Outcome == NoAnswer })
}

// conclude brings the report in line with the verdicts.
func (r *Result) conclude() {
	r.OK = len(r.Failed()) == 0
	of := map[string]Finding{}
	for _, f := range r.Findings {
		for _, name := range f.Cases {
			of[name] = f
		}
	}
	for n, v := range r.Verdicts {
		flow := r.Report.Flows[n]
		call := flow.Steps[0]
		call.Problems, call.Status, flow.Status, flow.Problems = nil, scenarios.Passed, scenarios.Passed, nil
		if f, failed := of[v.Case]; failed {
			call.Status, flow.Status = scenarios.Failed, scenarios.Failed
			call.Problems = []scenarios.Problem{{File: call.File, Line: call.Line, Message: f.What + ": " + f.Why}}
		}
	}
}
