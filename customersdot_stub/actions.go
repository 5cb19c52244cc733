package customersdotstub

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// Actions are what happens at CustomersDot behind its API.
func (s *Stub) Actions() map[string]control.Action {
	return map[string]control.Action{
		control.ActionPurchase:      control.Do(s.purchase),
		control.ActionCancelAddOn:   control.Do(s.cancelAddOn),
		control.ActionRevokeLicense: control.Do(s.revokeLicense),
		control.ActionRenewLicense:  control.Do(s.renewLicense),
		control.ActionCatalog:       control.Do(s.replaceCatalog),
		control.ActionCredits:       control.Do(s.setCredits),
		control.ActionMisissue:      control.Do(s.misissue),
		control.ActionSign:          control.Do(s.sign),
		control.ActionRotateKeys:    control.Do(s.rotateKeys),
	}
}

// change does something to a subscription. GitLab.com has none here.
func (s *Stub) change(instance string, f func(sub *subscription, now time.Time) error) (control.Done, error) {
	st := s.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	if sub, err := st.known(instance); err == nil && sub.instance.Realm == world.SaaS {
		return control.Done{}, control.ErrNotHere
	}
	sub, err := st.licensed(instance)
	if err != nil {
		return control.Done{}, err
	}
	return control.Done{}, f(sub, s.service.Clock().Now())
}

// purchase sells an add-on. It counts for tokens at once; the instance learns of it from
// the licence that its next seat link brings.
func (s *Stub) purchase(_ context.Context, r control.PurchaseRequest) (control.Done, error) {
	return s.change(r.Instance, func(sub *subscription, now time.Time) error {
		bought := r.Purchase
		if bought.Seats == 0 {
			bought.Seats = world.DefaultSeats
		}
		if err := bought.Validate(); err != nil {
			return err
		}
		sub.purchases = append(sub.purchases, bought)
		sub.resell(now)
		return nil
	})
}

// cancelAddOn ends every purchase of an add-on today, which makes today the first day
// without it.
func (s *Stub) cancelAddOn(_ context.Context, r control.CancelRequest) (control.Done, error) {
	return s.change(r.Instance, func(sub *subscription, now time.Time) error {
		today := now.UTC().Truncate(24 * time.Hour)
		var kept []catalog.Purchase
		found := false
		for _, p := range sub.purchases {
			over := !p.ExpiresOn.IsZero() && !p.ExpiresOn.After(now)
			if catalog.NormalizeAddOn(p.AddOn) == catalog.NormalizeAddOn(r.AddOn) && !over {
				found = true
				if !p.StartsOn.IsZero() && !p.StartsOn.Before(today) {
					continue // it has had no day
				}
				p.ExpiresOn = today
			}
			kept = append(kept, p)
		}
		if !found {
			return fmt.Errorf("%q has no %q to cancel", r.Instance, r.AddOn)
		}
		sub.purchases = kept
		sub.resell(now)
		return nil
	})
}

// revokeLicense takes the right to tokens away, until a renewal.
func (s *Stub) revokeLicense(_ context.Context, r control.InstanceRequest) (control.Done, error) {
	return s.change(r.Instance, func(sub *subscription, _ time.Time) error {
		sub.revoked = true
		return nil
	})
}

// renewLicense adds a period to the subscription. What the request leaves out is as it was
// last, from now on and for a year.
func (s *Stub) renewLicense(_ context.Context, r control.RenewRequest) (control.Done, error) {
	return s.change(r.Instance, func(sub *subscription, now time.Time) error {
		next, last := r.License, sub.terms[len(sub.terms)-1]
		if next.Kind == "" {
			next.Kind = last.Kind
		}
		if next.Plan == "" {
			next.Plan = last.Plan
		}
		if next.StartsAt.IsZero() {
			next.StartsAt = now
		}
		if next.ExpiresAt.IsZero() && !next.NoExpiry {
			next.ExpiresAt = next.StartsAt.AddDate(1, 0, 0)
		}
		if err := next.Validate(); err != nil {
			return err
		}
		sub.terms = append(sub.terms, next)
		sub.sell(len(sub.terms) - 1)
		sub.revoked = false
		return nil
	})
}

// replaceCatalog puts a cloud_connector.yml in force until the world is set anew, in place
// of the deployed one.
func (s *Stub) replaceCatalog(_ context.Context, r control.CatalogRequest) (control.Done, error) {
	next, err := s.parse("catalog", []byte(r.YAML))
	if err != nil {
		return control.Done{}, err
	}
	st := s.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.override = next
	return control.Done{}, nil
}

// instanceToForge is the instance whose token a forgery starts from: the named one, or the
// first that has a licence. The caller holds st.mu.
func (st *state) instanceToForge(name string) (*subscription, error) {
	if name != "" {
		return st.known(name)
	}
	names := sortedKeys(st.subscriptions)
	n := slices.IndexFunc(names, func(name string) bool { return len(st.subscriptions[name].terms) > 0 })
	if n < 0 {
		return nil, fmt.Errorf("no instance has a licence, so say whose token to start from")
	}
	return st.subscriptions[names[n]], nil
}
