package scenarios

import (
	"context"
	"fmt"
)

// heal takes a fault out of force and remembers whether it was ever met.
func (p *player) heal(ctx context.Context, name string) error {
	states, err := p.client.Faults(ctx)
	if err != nil {
		return err
	}
	for _, state := range states {
		if state.Rule.Name == name {
			p.healed = append(p.healed, state)
		}
	}
	return p.client.RemoveFault(ctx, name)
}

// unusedFaults complains about faults that no request met: the story is another one than
// its author thought. That the lot fell on no request is only noted.
func (p *player) unusedFaults(ctx context.Context) error {
	if p.client == nil {
		return nil
	}
	left, err := p.client.Faults(ctx)
	if err != nil {
		return err
	}
	for _, state := range append(p.healed, left...) {
		rule := state.Rule
		switch {
		case rule.Probability == nil && state.Applied > 0 && state.Applied >= rule.Times,
			rule.Probability != nil && state.Applied > 0:
			continue
		case rule.Probability != nil && state.Seen > rule.Skip: // another seed may have it otherwise
			p.result.Notes = append(p.result.Notes, fmt.Sprintf("the fault %q was never applied: it matched %s, and no lot of seed %d fell on one",
				rule.Name, quantity(state.Seen, "request"), p.result.Seed))
			continue
		}
		text := fmt.Sprintf("the fault %q was never applied", rule.Name)
		if rule.Times > 1 && rule.Probability == nil {
			text = fmt.Sprintf("the fault %q was applied %d of %d times", rule.Name, state.Applied, rule.Times)
		}
		text += fmt.Sprintf(": it matched %s", quantity(state.Seen, "request"))
		if rule.Skip > 0 {
			text += fmt.Sprintf(", and lets %d through first", rule.Skip)
		}
		p.result.Problems = append(p.result.Problems, p.problem(p.faultPath(rule.Name), "%s", text))
	}
	return nil
}

func (p *player) faultPath(name string) string {
	for n, s := range p.flow.Steps {
		if s.Fault != nil && s.Fault.Name == name {
			return fmt.Sprintf("steps[%d]", n)
		}
	}
	return ""
}
