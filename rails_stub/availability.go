package railsstub

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// offer is what a catalog says of one service (17.1 to 18.2) or one unit primitive (later)
// about who may use it.
type offer struct {
	cutOff *time.Time // end of free access; nil: free for ever
	addOns []string   // any of them opens it
	place  string     // the line of the catalog's file that sells it, if there is a file
}

func (o offer) free(now time.Time) bool { return o.cutOff == nil || now.Before(*o.cutOff) }

// grant is the right of a user to a feature.
type grant struct {
	enablement string // what gives the right, as X-Gitlab-Feature-Enablement-Type has it
	namespaces string // ids of the groups that give it; none on self-managed
}

// mayUse decides whether a user may use a feature. The instance's own policy comes first;
// what follows depends on the version.
func (i *Instance) mayUse(p *person, f *endpoint, r *release, now time.Time) (grant, error) {
	if slices.Contains(p.Denied, f.Name) {
		return grant{}, f.deny(UserNotAllowed, fmt.Sprintf("the policy of %s keeps %s from %q", i.name, f.Name, p.Name))
	}
	if r.entry == AccessService {
		return grant{}, nil // whoever calls AccessService has decided already
	}
	i.mu.RLock()
	defer i.mu.RUnlock()
	if i.given.Realm == world.SelfManaged && r.entry == AvailableServices && (i.license == nil || !i.license.online()) {
		return grant{}, f.deny(LicenseInsufficient, i.name+" has no online cloud licence")
	}
	held := i.offers(r)
	o, known := held[f.catalogName(r)]
	if !known {
		detail := fmt.Sprintf("the catalog that %s holds does not have %s", i.name, f.catalogName(r))
		near := strictyaml.Suggest(f.catalogName(r), slices.Sorted(maps.Keys(held)))
		if near != "" {
			detail += ", but " + near
		}
		return grant{}, placed(held[near].place, f.deny(FeatureUnknown, detail))
	}
	if addOn := i.seat(p, o, now); addOn != "" {
		return i.grant(addOn), nil
	}
	if r.entry == Tokens && slices.Contains(o.addOns, duoCore) && !p.Bot && i.owns(duoCore, now) {
		return i.grant(duoCore), nil
	}
	if !o.free(now) {
		reason, detail := i.notCovered(p, o, now)
		return grant{}, placed(o.place, f.deny(reason, detail))
	}
	if i.given.Realm == world.SaaS {
		return i.grant("tier"), nil
	}
	if i.license == nil || !i.license.includesFeatures(now) {
		return grant{}, f.deny(LicenseInsufficient, i.name+" has no licence that includes the feature")
	}
	return grant{}, nil
}

const duoCore = "duo_core"

// offers are the instance's catalog, by what its version lists there. The caller holds i.mu.
func (i *Instance) offers(r *release) map[string]offer {
	switch {
	case r.entry == AvailableServices && i.given.Realm == world.SaaS:
		return i.static.services
	case r.entry == AvailableServices:
		return i.synced.services
	case i.given.Realm == world.SaaS || i.license == nil || i.license.Kind == catalog.OfflineCloud:
		return i.static.primitives // the catalog that comes with GitLab
	}
	return i.synced.primitives
}

// seat returns the add-on through which the user has a seat, the last one if several.
func (i *Instance) seat(p *person, o offer, now time.Time) string {
	found := ""
	for _, purchase := range i.purchases {
		if slices.Contains(o.addOns, purchase.AddOn) && purchase.Active(now) && p.hasSeat(purchase.AddOn) {
			found = purchase.AddOn
		}
	}
	return found
}

func (i *Instance) owns(addOn string, now time.Time) bool {
	return slices.ContainsFunc(i.purchases, func(p catalog.Purchase) bool { return p.AddOn == addOn && p.Active(now) })
}

func (i *Instance) grant(enablement string) grant {
	if i.given.Realm == world.SaaS {
		return grant{enablement, groupID}
	}
	return grant{enablement, ""}
}

// groupID is the id of the group that all users of GitLab.com are members of.
const groupID = "1"

// notCovered says why a feature that is no longer free is not open to the user.
func (i *Instance) notCovered(p *person, o offer, now time.Time) (token.Reason, string) {
	passed := "free access ended on " + o.cutOff.UTC().Format("2006-01-02 15:04 UTC")
	for _, addOn := range o.addOns {
		if i.owns(addOn, now) {
			return SeatMissing, fmt.Sprintf("%s, and %q has no seat of %s", passed, p.Name, addOn)
		}
	}
	if len(o.addOns) == 0 {
		return AddOnMissing, passed + ", and no add-on has the feature"
	}
	return AddOnMissing, fmt.Sprintf("%s, and %s holds no active purchase of %s", passed, i.name, strings.Join(o.addOns, " or "))
}

// catalogName is the name under which a catalog of that version lists the feature.
func (f *endpoint) catalogName(r *release) string {
	if r.entry == Tokens {
		return f.Backend.Scope
	}
	return f.CloudConnector.Name
}

// deny is the answer to a user who may not use the feature.
func (f *endpoint) deny(reason token.Reason, detail string) *stub.Error {
	if f.kind == chat {
		return &stub.Error{Status: http.StatusNotFound, Message: "404 Not Found", Reason: string(reason), Detail: detail}
	}
	return unauthorized(reason, detail)
}

// placed notes on a refusal which line of the catalog it goes back to.
func placed(place string, refusal *stub.Error) error {
	refusal.Place = place
	return refusal
}
