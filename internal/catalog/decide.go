package catalog

import (
	"slices"
	"time"
)

// Facts are what a decision depends on besides the catalog.
type Facts struct {
	Now       time.Time
	Version   Version
	License   *License
	Purchases []Purchase
	// SelfIssued is set where the instance decides for itself, as GitLab.com
	// does: Rails looks at cut-offs and add-ons alone, never at versions,
	// licences or plans.
	SelfIssued bool
}

// Rule names what decided about a scope.
type Rule string

// The rules. The first three grant, the others drop.
const (
	RuleNoCutOff                   Rule = "no_cut_off"                      // free for ever
	RuleFreeAccess                 Rule = "free_access"                     // the cut-off is still to come
	RuleAddOn                      Rule = "add_on"                          // bought
	RuleVersionTooLowForFreeAccess Rule = "version_too_low_for_free_access" // free, but not for this GitLab version
	RuleVersionTooLow              Rule = "version_too_low"                 // past the cut-off, GitLab version too old
	RuleAddOnMissing               Rule = "add_on_missing"                  // past the cut-off, none of its add-ons bought
	RuleAddOnExpired               Rule = "add_on_expired"                  // bought once, over now
	RuleAddOnNotStarted            Rule = "add_on_not_started"              // bought for later
	RuleNotSold                    Rule = "not_sold"                        // past the cut-off, and no add-on has it
	RuleLicenseMissing             Rule = "license_missing"                 // the instance has no licence
	RuleLicenseNotCloud            Rule = "license_not_cloud"               // a legacy licence
	RuleLicenseNotStarted          Rule = "license_not_started"             // the licence starts later
	RuleLicenseExpired             Rule = "license_expired"                 // expired, and past GracePeriod
	RuleLicensePlan                Rule = "license_plan_not_included"       // license_types does not list the plan
	RuleOperator                   Rule = "operator_not_entitled"           // no operator of it gets what it asks for
)

// Rules are all of them.
func Rules() []Rule {
	return []Rule{
		RuleNoCutOff, RuleFreeAccess, RuleAddOn, RuleVersionTooLowForFreeAccess, RuleVersionTooLow, RuleAddOnMissing,
		RuleAddOnExpired, RuleAddOnNotStarted, RuleNotSold, RuleLicenseMissing, RuleLicenseNotCloud, RuleLicenseNotStarted,
		RuleLicenseExpired, RuleLicensePlan, RuleOperator,
	}
}

// Decision says of every scope of a catalog whether an instance gets it.
type Decision struct {
	Scopes []ScopeDecision `json:"scopes"` // catalog order, each scope once
}

// ScopeDecision is the decision about one scope, and its reason.
type ScopeDecision struct {
	Scope    string     `json:"scope"`
	Service  string     `json:"service"`
	Audience string     `json:"audience"`
	AlsoFor  []string   `json:"also_for,omitempty"` // further audiences, of its backends or of services that grant it
	Granted  bool       `json:"granted"`
	Rule     Rule       `json:"rule"`
	Why      string     `json:"why"`                    // one clause
	CutOff   *time.Time `json:"cut_off,omitempty"`      // end of free access, if there is one
	Needs    Version    `json:"needs_version,omitzero"` // the minimum that applies at this time
	AddOns   []string   `json:"add_ons,omitempty"`      // any of them opens the scope after the cut-off

	Place         Place `json:"place,omitzero"`          // of what decided
	AudiencePlace Place `json:"audience_place,omitzero"` // of what makes the audience
}

// Decide says which scopes an instance gets. It is pure: no clock, no state.
func Decide(c *Catalog, f Facts) Decision {
	var d Decision
	if c == nil {
		return d
	}
	at := make(map[string]int) // scope to its index in d.Scopes
	add := func(sd ScopeDecision) {
		i, seen := at[sd.Scope]
		if !seen {
			at[sd.Scope] = len(d.Scopes)
			d.Scopes = append(d.Scopes, sd)
			return
		}
		switch first := &d.Scopes[i]; {
		case !sd.Granted:
		case !first.Granted:
			*first = sd
		default:
			first.alsoFor(sd.Audience)
			first.alsoFor(sd.AlsoFor...)
		}
	}
	for _, s := range c.Services {
		if scope, only := s.onlyScope(); only {
			add(decide(s, scope, f))
			continue
		}
		decided := make(map[string]ScopeDecision, len(s.Bundles))
		for _, scope := range s.Scopes() {
			// Scopes of the same bundles share all but their name.
			key := s.bundlesOf(scope)
			sd, done := decided[key]
			if !done {
				sd = decide(s, scope, f)
				decided[key] = sd
			}
			sd.Scope = scope
			add(sd)
		}
	}
	return d
}

// onlyScope is the scope of a service that has one, as all of a library have.
func (s Service) onlyScope() (string, bool) {
	scope := ""
	for _, b := range s.Bundles {
		if len(b.UnitPrimitives) != 1 || scope != "" && scope != b.UnitPrimitives[0] {
			return "", false
		}
		scope = b.UnitPrimitives[0]
	}
	return scope, scope != ""
}

// alsoFor adds audiences that d does not have.
func (d *ScopeDecision) alsoFor(audiences ...string) {
	for _, a := range audiences {
		if a != d.Audience && !slices.Contains(d.AlsoFor, a) {
			d.AlsoFor = append(d.AlsoFor, a)
		}
	}
}

// decide decides on one scope, and says where the catalog has the reason.
func decide(s Service, scope string, f Facts) ScopeDecision {
	d := decideOn(s, scope, f)
	d.Place, d.AudiencePlace = s.placeOf(d.Rule), s.place("backend", kindBackends)
	return d
}

func decideOn(s Service, scope string, f Facts) ScopeDecision {
	d := ScopeDecision{Scope: scope, Service: s.Name, Audience: s.Audience(), CutOff: s.CutOff, AlsoFor: slices.Clip(s.AlsoFor)}
	free := s.CutOff == nil || f.Now.Before(*s.CutOff)
	if s.CutOff != nil {
		d.AddOns = s.addOns(scope)
	}
	if !f.SelfIssued {
		d.Needs = s.MinVersion
		if free {
			d.Needs = s.FreeAccessMinimum()
		}
		if rule, why := licenseRule(s, f); rule != "" {
			return d.drop(rule, why)
		}
		if rule, why := operatorRule(s, f); rule != "" {
			return d.drop(rule, why)
		}
	}
	tooLow := !f.SelfIssued && !f.Version.AtLeast(d.Needs)
	switch {
	case free && tooLow:
		return d.drop(RuleVersionTooLowForFreeAccess, whyTooLowForFreeAccess(f, d))
	case s.CutOff == nil:
		return d.grant(RuleNoCutOff, "it is free, as it has no cut-off date")
	case free:
		return d.grant(RuleFreeAccess, whyFree(f, d))
	}
	rule, why := addOnRule(f, d)
	switch {
	case tooLow:
		return d.drop(RuleVersionTooLow, whyTooLow(f, d, rule, why))
	case rule == RuleAddOn:
		return d.grant(rule, why+", as is needed since the cut-off "+cutOffAgo(f, d))
	}
	return d.drop(rule, why+" and the cut-off "+cutOffPassed(f, d))
}

func (d ScopeDecision) grant(rule Rule, why string) ScopeDecision {
	d.Granted, d.Rule, d.Why = true, rule, why
	return d
}

func (d ScopeDecision) drop(rule Rule, why string) ScopeDecision {
	d.Rule, d.Why = rule, why
	return d
}

// bundlesOf is a key for the set of bundles that have scope.
func (s Service) bundlesOf(scope string) string {
	key := make([]byte, len(s.Bundles))
	for i, b := range s.Bundles {
		if slices.Contains(b.UnitPrimitives, scope) {
			key[i] = 1
		}
	}
	return string(key)
}

// addOns lists the add-ons that open scope, normalized.
func (s Service) addOns(scope string) []string {
	var names []string
	for _, b := range s.Bundles {
		if b.Sold() && slices.Contains(b.UnitPrimitives, scope) {
			names = append(names, NormalizeAddOn(b.AddOn))
		}
	}
	return unique(names)
}

// licenseRule is the rule by which the licence drops every scope of s, if it does.
func licenseRule(s Service, f Facts) (Rule, string) {
	l := f.License
	if l == nil {
		return RuleLicenseMissing, "the instance has no license"
	}
	if l.Kind == Legacy {
		return RuleLicenseNotCloud, "a legacy license is no cloud license, which Cloud Connector asks for"
	}
	switch l.State(f.Now) {
	case NotStarted:
		return RuleLicenseNotStarted, "the license starts on " + moment(l.StartsAt) + ", " + relative(l.StartsAt, f.Now)
	case Expired:
		return RuleLicenseExpired, "the license expired on " + moment(l.ExpiresAt) + ", " + relative(l.ExpiresAt, f.Now) +
			", and its grace period of 14 days is over"
	case Active, InGrace:
	}
	if len(s.LicenseTypes) > 0 && !slices.Contains(s.LicenseTypes, l.PlanName()) {
		return RuleLicensePlan, "the license is for " + l.PlanName() + " and only " + list(s.LicenseTypes, "and") + " includes it"
	}
	return "", ""
}

// addOnRule looks for an active purchase of one of the add-ons that open the
// scope, and among the others for the one that comes nearest.
func addOnRule(f Facts, d ScopeDecision) (Rule, string) {
	if len(d.AddOns) == 0 {
		return RuleNotSold, "no add-on includes it"
	}
	var active []string
	var expired, later *Purchase
	for _, p := range f.Purchases {
		name := NormalizeAddOn(p.AddOn)
		if !slices.Contains(d.AddOns, name) {
			continue
		}
		p.AddOn = name
		switch {
		case p.Active(f.Now):
			active = append(active, name)
		case p.expired(f.Now):
			if expired == nil || p.ExpiresOn.After(expired.ExpiresOn) {
				expired = &p
			}
		case later == nil || p.StartsOn.Before(later.StartsOn):
			later = &p
		}
	}
	switch {
	case len(active) > 0:
		return RuleAddOn, bought(unique(active))
	case later != nil:
		return RuleAddOnNotStarted, later.AddOn + " starts on " + later.StartsOn.UTC().Format(time.DateOnly) + ", " + days(later.StartsOn, f.Now) + ","
	case expired != nil:
		return RuleAddOnExpired, expired.AddOn + " expired on " + expired.ExpiresOn.UTC().Format(time.DateOnly) + ", " + days(expired.ExpiresOn, f.Now) + ","
	}
	return RuleAddOnMissing, notBought(d.AddOns)
}

// Granted lists the granted scopes in catalog order; never nil.
func (d Decision) Granted() []string {
	scopes := []string{}
	for _, s := range d.Scopes {
		if s.Granted {
			scopes = append(scopes, s.Scope)
		}
	}
	return scopes
}

// Audiences lists the audiences of the granted scopes, each once; never nil.
func (d Decision) Audiences() []string {
	audiences := []string{}
	for _, s := range d.Scopes {
		if s.Granted && s.Audience != "" {
			audiences = append(append(audiences, s.Audience), s.AlsoFor...)
		}
	}
	return unique(audiences)
}

// Of is the decision about scope; false if the catalog has no such scope.
func (d Decision) Of(scope string) (ScopeDecision, bool) {
	for _, s := range d.Scopes {
		if s.Scope == scope {
			return s, true
		}
	}
	return ScopeDecision{}, false
}
