package probe

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/scenarios"
)

// Verdict is what became of a call.
type Verdict struct {
	Case     string `json:"case"`
	Outcome  string `json:"outcome"`
	Status   int    `json:"status"` // 0 if there was no answer
	Expected string `json:"expected"`
	OK       bool   `json:"ok"`
	Note     string `json:"note,omitempty"`
}

// Result is what became of all calls.
type Result struct {
	Verdicts []Verdict         `json:"verdicts"`
	Left     []string          `json:"left_out,omitempty"`
	Report   *scenarios.Report `json:"-"` // the same for JUnit
}

// Run sends the calls, one after the other.
func (p *Probe) Run(ctx context.Context) (*Result, error) {
	r := &Result{Left: p.Left, Report: &scenarios.Report{Target: p.options.URL}}
	target := scenarios.Target{Name: p.options.URL, Control: []string{p.eco.ControlURL()}}
	for _, c := range p.cases {
		flow, err := p.flow(c, clock.Real{}.Now())
		if err != nil {
			return nil, err
		}
		played := scenarios.Console{Out: io.Discard, Quiet: true}.Run(ctx, []scenarios.Flow{flow}, scenarios.Options{Target: target}).Flows[0]
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if played.NotStarted || len(played.Steps) == 0 {
			return nil, fmt.Errorf("the case %s could not be played: %v", c.Name, played.Problems)
		}
		last := played.Steps[len(played.Steps)-1]
		if last.Request == nil {
			return nil, fmt.Errorf("the case %s was not sent: %v", c.Name, played.Steps)
		}
		want := flow.Steps[len(flow.Steps)-1].Expect.Status
		v := judge(c.Name, last, want < 300, c.Gap)
		r.Verdicts = append(r.Verdicts, v)
		last.Problems, last.Status, played.Status, played.Problems = nil, scenarios.Passed, scenarios.Passed, nil
		if !v.OK {
			last.Status, played.Status = scenarios.Failed, scenarios.Failed
			last.Problems = []scenarios.Problem{{File: last.File, Line: last.Line, Message: v.Outcome + ", expected " + v.Expected}}
		}
		r.Report.Flows = append(r.Report.Flows, played)
	}
	return r, nil
}

// judge says whether the answer will do. A variant of the good call may be refused by a
// service that is stricter than it needs to be; the good calls may not.
func judge(name string, s *scenarios.StepResult, good, gap bool) Verdict {
	v := Verdict{Case: name, Expected: "refused"}
	if s.Response != nil {
		v.Status = s.Response.Status
	}
	class, plain := v.Status/100, strings.HasPrefix(name, "good")
	switch {
	case class == 2:
		v.Outcome = "accepted"
		v.OK = good
		if !good {
			v.Outcome = "got in"
		}
	case v.Status == 401 || v.Status == 403:
		v.Outcome, v.OK = "refused", !plain
	case class == 4:
		v.Outcome, v.OK = fmt.Sprintf("refused, but with %d", v.Status), !plain
	default:
		v.Outcome = "crashed"
	}
	switch {
	case gap:
		v.Expected = "known gap"
		if v.OK && class == 2 {
			v.Outcome, v.Note = "got in", "known gap of the real library"
		}
	case good:
		v.Expected = "accepted"
		if v.OK && class != 2 {
			v.Note = "stricter than it needs to be"
		}
	}
	for _, problem := range s.Problems {
		if strings.Contains(problem.Path, ".calls") {
			v.Outcome, v.OK, v.Note = "fetched keys of the attacker", false, problem.Message
		}
	}
	return v
}

// Failed are the cases that did not go as they must.
func (r *Result) Failed() []string {
	var names []string
	for _, v := range r.Verdicts {
		if !v.OK {
			names = append(names, v.Case)
		}
	}
	return names
}

// Write writes the table.
func (r *Result) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "CASE\tOUTCOME\tSTATUS\tEXPECTED\tVERDICT")
	for _, v := range r.Verdicts {
		mark := "ok"
		if !v.OK {
			mark = "FAIL"
		}
		if v.Note != "" {
			mark += " (" + v.Note + ")"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", v.Case, v.Outcome, v.Status, v.Expected, mark)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.Left) > 0 {
		_, _ = fmt.Fprintf(w, "left out, as they need a service that ccmock steers or a finer clock: %s\n", strings.Join(r.Left, ", "))
	}
	_, err := fmt.Fprintf(w, "%d calls, %d failed\n", len(r.Verdicts), len(r.Failed()))
	return err
}
