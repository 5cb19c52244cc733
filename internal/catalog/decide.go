package catalog

import "time"

// Facts are what a decision depends on.
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
	RuleLicenseMissing             Rule = "license_missing"
	RuleLicenseNotCloud            Rule = "license_not_cloud"
	RuleLicenseNotStarted          Rule = "license_not_started"
	RuleLicenseExpired             Rule = "license_expired"           // past GracePeriod
	RuleLicensePlan                Rule = "license_plan_not_included" // license_types does not list the plan
)

// Decision says of every scope of a catalog whether an instance gets it.
type Decision struct {
	Scopes []ScopeDecision // catalog order, each scope once
}

// ScopeDecision is the decision about one scope, and its reason.
type ScopeDecision struct {
	Scope    string     `json:"scope"`
	Service  string     `json:"service"`
	Audience string     `json:"audience"`
	AlsoFor  []string   `json:"also_for,omitempty"` // audiences of further services that grant it
	Granted  bool       `json:"granted"`
	Rule     Rule       `json:"rule"`
	Why      string     `json:"why"`                    // one clause
	CutOff   *time.Time `json:"cut_off,omitempty"`      // end of free access, if there is one
	Needs    Version    `json:"needs_version,omitzero"` // the minimum that applies at this time
	AddOns   []string   `json:"add_ons,omitempty"`      // any of them opens the scope after the cut-off
}

// Decide says which scopes an instance gets. It is pure.
func Decide(c *Catalog, f Facts) Decision { return Decision{} }

// Granted lists the granted scopes in catalog order; never nil.
func (d Decision) Granted() []string { return []string{} }

// Audiences lists the audiences of the granted scopes, each once; never nil.
func (d Decision) Audiences() []string { return []string{} }

// Of is the decision about scope; false if the catalog has no such scope.
func (d Decision) Of(scope string) (ScopeDecision, bool) { return ScopeDecision{}, false }
