package railsstub

import (
	"context"
	"fmt"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// purchase is a purchase for GitLab.com's group, which CustomersDot provisions there at
// once. What a self-managed instance buys is CustomersDot's to say: it reaches the
// instance by its licence.
func (s *Stub) purchase(_ context.Context, ask control.PurchaseRequest) (control.Done, error) {
	i, err := s.gitLabCom(ask.Instance)
	if err != nil {
		return control.Done{}, err
	}
	p := ask.Purchase
	if p.Seats == 0 {
		p.Seats = world.DefaultSeats
	}
	if err := p.Validate(); err != nil {
		return control.Done{}, fmt.Errorf("purchase: %w", err)
	}
	p.AddOn = catalog.NormalizeAddOn(p.AddOn)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.purchases = append(i.purchases, p)
	return control.Done{}, nil
}

// cancelAddOn ends every purchase of an add-on for GitLab.com's group today.
func (s *Stub) cancelAddOn(_ context.Context, ask control.CancelRequest) (control.Done, error) {
	i, err := s.gitLabCom(ask.Instance)
	if err != nil {
		return control.Done{}, err
	}
	name, now, found := catalog.NormalizeAddOn(ask.AddOn), i.service.Clock().Now(), false
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := range i.purchases {
		if p := &i.purchases[n]; p.AddOn == name && p.Active(now) {
			p.ExpiresOn, found = now, true
		}
	}
	if !found {
		return control.Done{}, fmt.Errorf("%s has no %q that could be cancelled", i.name, ask.AddOn)
	}
	return control.Done{}, nil
}

// gitLabCom returns GitLab.com if that is the name, and else control.ErrNotHere.
func (s *Stub) gitLabCom(name string) (*Instance, error) {
	if name != world.GitLabCom {
		return nil, control.ErrNotHere
	}
	return s.instance(name)
}
