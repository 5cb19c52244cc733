package probe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// attacker is the instance whose keys no service has a reason to fetch: it issues no tokens
// for Cloud Connector, and its URL stands in forged headers alone.
const attacker = "mallory"

// Run sends the calls, one after the other. When the good one is refused it sends no more, as
// that others are refused would prove nothing.
func (p *Probe) Run(ctx context.Context) (*Result, error) {
	r, err := p.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return r, err
}

func (p *Probe) run(ctx context.Context) (*Result, error) {
	plane, err := control.Connect(ctx, "", p.eco.ControlURL())
	if err != nil {
		return nil, err
	}
	defer plane.Close()
	mark, err := plane.Mark(ctx)
	if err != nil {
		return nil, err
	}
	r := &Result{URL: p.options.URL, Verdicts: []Verdict{}, Left: p.left, Report: &scenarios.Report{Target: p.options.URL}}
	var began []time.Time
	for n, c := range p.cases {
		began = append(began, clock.Real{}.Now())
		played, err := p.play(ctx, p.flows[n])
		if err != nil {
			return nil, err
		}
		v := judge(c, played.Steps[0].Response)
		r.Verdicts, r.Report.Flows = append(r.Verdicts, v), append(r.Report.Flows, played)
		if n == 0 && !v.OK {
			r.NotTried = len(p.cases) - 1
			break
		}
	}
	// A service may fetch when it has answered already, so that this is looked up at the end.
	entries, err := plane.Journal(ctx, mark, "")
	if err != nil {
		return nil, err
	}
	r.fetches(entries, began)
	r.Findings = p.findings(r.Verdicts)
	r.conclude()
	return r, nil
}

// fetches holds requests to the attacker against the calls that had begun last by then.
func (r *Result) fetches(entries []journal.Entry, began []time.Time) {
	for _, e := range entries {
		if e.Service != attacker || e.Method == "" {
			continue
		}
		n := len(began) - 1
		for n > 0 && began[n].After(e.At) {
			n--
		}
		r.Verdicts[n].Fetched, r.Verdicts[n].OK = true, false
	}
}

// play plays a flow and keeps its last step, the call, under the name of the case.
func (p *Probe) play(ctx context.Context, flow scenarios.Flow) (*scenarios.Result, error) {
	// The issuers are in the world of all cases already.
	start := func(context.Context, world.World, []feature.Feature) (scenarios.Target, func(), error) {
		return scenarios.Target{Name: p.options.URL, Control: []string{p.eco.ControlURL()}}, func() {}, nil
	}
	console := scenarios.Console{Out: io.Discard, Quiet: true, Workers: 1}
	played := console.Run(ctx, []scenarios.Flow{flow}, scenarios.Options{Start: start}).Flows[0]
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(played.Steps) == 0 {
		return nil, fmt.Errorf("the case %s could not be played: %v", flow.Name(), played.Problems)
	}
	last := played.Steps[len(played.Steps)-1]
	if last.Request == nil {
		return nil, fmt.Errorf("the case %s was not sent:\n%s", flow.Name(), scenarios.Story(played, false))
	}
	for _, earlier := range played.Steps[:len(played.Steps)-1] {
		decode(last.Tokens, earlier.Tokens)
	}
	last.Number, last.Title = 1, flow.Name()
	played.Steps = []*scenarios.StepResult{last}
	return played, nil
}

// decode shows tokens that were sent as they were signed. What the gateway passes on is known
// by its digest alone.
func decode(sent, signed []scenarios.Token) {
	for n := range sent {
		for _, s := range signed {
			if s.Digest == sent[n].Digest {
				sent[n].Header, sent[n].Claims, sent[n].Names = s.Header, s.Claims, s.Names
			}
		}
	}
}
