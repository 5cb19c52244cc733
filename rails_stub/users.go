package railsstub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// person is a user of the instance. It is replaced, never changed.
type person struct {
	world.User
	globalID string
}

func newPerson(given world.Instance, u world.User) *person {
	u.Seats = slices.Clone(u.Seats)
	for n, addOn := range u.Seats {
		u.Seats[n] = catalog.NormalizeAddOn(addOn)
	}
	return &person{User: u, globalID: given.GlobalUserID(u)}
}

// sees reports whether the user can see a project.
func (p *person) sees(project world.Project) bool {
	return len(project.Members) == 0 || slices.Contains(project.Members, p.Name)
}

func (p *person) hasSeat(addOn string) bool {
	return slices.Contains(p.Seats, catalog.NormalizeAddOn(addOn))
}

// personalToken is the personal access token that a request carries, in PRIVATE-TOKEN or as a
// bearer token; the former wins.
func personalToken(r *http.Request) string {
	if raw := r.Header.Get("Private-Token"); raw != "" {
		return raw
	}
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(credentials)
	}
	return ""
}

// owner finds the user whose personal access token the request carries.
func (i *Instance) owner(r *http.Request) (*person, error) {
	raw := personalToken(r)
	if raw == "" {
		return nil, unauthenticated(UserUnauthenticated, "the request carries no personal access token")
	}
	i.mu.RLock()
	p := i.byToken[raw]
	i.mu.RUnlock()
	if p == nil {
		return nil, unauthenticated(UserUnauthenticated, "no user of "+i.name+" has this personal access token")
	}
	if on := p.TokenExpiresOn; !on.IsZero() && !i.service.Clock().Now().Before(on) {
		return nil, unauthenticated(UserTokenExpired,
			fmt.Sprintf("the personal access token of %q expired on %s", p.Name, on.UTC().Format("2006-01-02")))
	}
	return p, nil
}

// hasScope reports whether the user's token has one of the scopes.
func (p *person) hasScope(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(p.TokenScopes, s) })
}

// authenticate finds the user of an endpoint of the REST API.
func (i *Instance) authenticate(r *http.Request) (*person, error) {
	p, err := i.owner(r)
	if err != nil {
		return nil, err
	}
	if !p.hasScope("api", "ai_features") {
		return nil, &stub.Error{
			Status: http.StatusForbidden, Reason: string(UserTokenScope),
			Detail: fmt.Sprintf("the personal access token of %q has the scopes %q, expected api or ai_features", p.Name, p.TokenScopes),
			Body: map[string]string{
				"error":             "insufficient_scope",
				"error_description": "The request requires higher privileges than provided by the access token.",
				"scope":             "api ai_features",
			},
		}
	}
	if p.Blocked {
		return nil, &stub.Error{
			Status: http.StatusForbidden, Message: "403 Forbidden - Your account has been blocked.",
			Reason: string(UserBlocked), Detail: fmt.Sprintf("the account of %q is blocked", p.Name),
		}
	}
	return p, nil
}

// replace puts another version of a person in place. The caller holds i.mu.
func (i *Instance) replace(p *person) {
	i.people[p.Name] = p
	i.byToken[p.Token] = p
}

// setUser is the action control.ActionSetUser.
func (i *Instance) setUser(set control.SetUserRequest) {
	i.mu.Lock()
	defer i.mu.Unlock()
	changed := *i.people[set.User]
	if set.Blocked != nil {
		changed.Blocked = *set.Blocked
	}
	if set.Denied != nil {
		changed.Denied = slices.Clone(set.Denied)
	}
	i.replace(&changed)
}

// assignSeat is the action control.ActionAssignSeat. As in GitLab, a seat is one of a
// purchase that the instance knows of and that is active.
func (i *Instance) assignSeat(ask control.SeatRequest) error {
	addOn := catalog.NormalizeAddOn(ask.AddOn)
	i.mu.Lock()
	defer i.mu.Unlock()
	changed := *i.people[ask.User]
	had := changed.hasSeat(addOn)
	changed.Seats = slices.DeleteFunc(slices.Clone(changed.Seats), func(seat string) bool { return seat == addOn })
	if ask.Remove {
		i.replace(&changed)
		return nil
	}
	seats := 0
	for _, p := range i.purchases {
		if p.AddOn == addOn && p.Active(i.service.Clock().Now()) {
			seats += p.Seats
		}
	}
	switch {
	case seats == 0:
		return fmt.Errorf("%s holds no active purchase of %q (a purchase reaches it by seat link or activation)", i.name, addOn)
	case !had && i.assigned(addOn) >= seats:
		return fmt.Errorf("all %d seats of %q at %s are taken", seats, addOn, i.name)
	}
	changed.Seats = append(changed.Seats, addOn)
	i.replace(&changed)
	return nil
}

// assigned counts the seats of an add-on that users have. The caller holds i.mu.
func (i *Instance) assigned(addOn string) int {
	n := 0
	for _, p := range i.people {
		if p.hasSeat(addOn) {
			n++
		}
	}
	return n
}
