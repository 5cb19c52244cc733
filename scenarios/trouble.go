package scenarios

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ccmock/ccmock/internal/control"
)

func (p *player) activate(ctx context.Context, a *Activate, r *StepResult) *outcome {
	code, err := p.resolve.text(a.Code)
	if err != nil {
		return &outcome{err: err}
	}
	return p.job(ctx, control.ActionActivate, control.ActivateRequest{Instance: a.Instance, Code: code}, r)
}

func (p *player) upload(ctx context.Context, u *UploadLicense) error {
	key, err := p.resolve.text(u.Key)
	if err != nil {
		return err
	}
	return p.tell(ctx, control.ActionUpload, control.UploadRequest{Instance: u.Instance, Key: key})
}

func (p *player) misissue(ctx context.Context, m *Misissue) error {
	claims, err := expand(anyMap(m.Claims), p.resolve)
	if err != nil {
		return err
	}
	header, err := expand(anyMap(m.Header), p.resolve)
	if err != nil {
		return err
	}
	ask := control.MisissueRequest{Instance: m.Instance, Stranger: m.Stranger}
	ask.Claims, _ = claims.(map[string]any)
	ask.Header, _ = header.(map[string]any)
	return p.tell(ctx, control.ActionMisissue, ask)
}

func (p *player) let(l *Let) error {
	value, err := expandText(l.Value, p.resolve)
	if err == nil {
		p.saved[l.Name] = value
	}
	return err
}

// stored looks at the tables of an instance. The token is the row that was added last.
func (p *player) stored(ctx context.Context, s *OnInstance, r *StepResult) *outcome {
	found, err := control.Call[control.StoredResult](ctx, p.client, control.ActionStored, control.InstanceRequest{Instance: s.Instance})
	if err != nil {
		return &outcome{err: err}
	}
	out := &outcome{stored: &found}
	r.Answer = quantity(len(found.Tokens), "token")
	if n := len(found.Tokens); n > 0 {
		out.token = &found.Tokens[n-1].Token
	}
	if l := found.License; l != nil {
		r.Answer += fmt.Sprintf(", licence %d (%s)", l.ID, l.Kind)
	}
	return out
}

// stored compares what an instance has stored.
func (j *judging) stored() {
	want, got := j.want.Stored, j.out.stored
	if want.Tokens != nil && len(got.Tokens) != *want.Tokens {
		j.complain("stored.tokens", "expected %s to be stored, got %d", quantity(*want.Tokens, "token"), len(got.Tokens))
	}
	if want.Expired != nil {
		expired := 0
		for _, t := range got.Tokens {
			if !t.ExpiresAt.After(j.now) {
				expired++
			}
		}
		if expired != *want.Expired {
			j.complain("stored.expired", "expected %s to have expired, got %d", quantity(*want.Expired, "token"), expired)
		}
	}
	id, kind := 0, ""
	if got.License != nil {
		id, kind = got.License.ID, got.License.Kind
	}
	if want.License != nil && id != *want.License {
		j.complain("stored.license", "expected licence %d, got %d", *want.License, id)
	}
	if want.LicenseKind != "" && kind != want.LicenseKind {
		j.complain("stored.license_kind", "expected a licence of the kind %s, got %q", want.LicenseKind, kind)
	}
	for _, addOn := range slices.Sorted(maps.Keys(want.Seats)) {
		seats := want.Seats[addOn]
		most := 0
		for _, bought := range got.Purchases {
			if bought.AddOn == addOn && bought.Active(j.now) {
				most = max(most, bought.Seats)
			}
		}
		if most != seats {
			j.complain("stored.seats."+addOn, "expected %s of %s, got %d", quantity(seats, "seat"), addOn, most)
		}
	}
}

// trouble checks the actions that make things go wrong, or look for what did.
func (c *checker) trouble(at string, s *Step) {
	instance := func(name string) {
		c.required(at+".instance", name)
		c.word(at+".instance", "instance", name, c.flow.instances())
	}
	switch {
	case s.Stored != nil:
		instance(s.Stored.Instance)
	case s.Jobs != nil:
		instance(s.Jobs.Instance)
		if s.Jobs.Run == nil && s.Jobs.StaleLicense == nil && s.Jobs.LostArguments == nil {
			c.complain(at, "set run, stale_license or lost_arguments", "this changes nothing of the jobs")
		}
	case s.UploadLicense != nil:
		instance(s.UploadLicense.Instance)
		c.required(at+".key", s.UploadLicense.Key)
		c.refs(at+".key", s.UploadLicense.Key)
	case s.Misissue != nil:
		instance(s.Misissue.Instance)
		c.refs(at+".claims", s.Misissue.Claims)
		c.refs(at+".header", s.Misissue.Header)
	case s.Let != nil:
		c.required(at+".name", s.Let.Name)
		c.required(at+".value", s.Let.Value)
		c.refs(at+".value", s.Let.Value)
		if s.Let.Name != "" && c.named(at+".name", s.Let.Name) {
			c.remember(at+".name", s.Let.Name)
		}
	}
}

// expectStored checks what is expected to be stored.
func (c *checker) expectStored(at string, e *StoredExpect) {
	c.notEmpty(at, len(c.doc.Keys(at)))
	c.notEmpty(at+".seats", len(e.Seats))
	for _, n := range []*int{e.Tokens, e.Expired, e.License} {
		if n != nil && *n < 0 {
			c.complain(at, "", "%d of anything cannot be stored", *n)
		}
	}
	for _, addOn := range slices.Sorted(maps.Keys(e.Seats)) {
		c.word(at+".seats", "add-on", addOn, c.addOns)
	}
}
