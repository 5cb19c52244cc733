package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// LicenseKind says how a licence reached its instance, and with it whether
// Cloud Connector serves that instance.
type LicenseKind string

// The kinds of licence.
const (
	OnlineCloud  LicenseKind = "online_cloud"  // activation code, daily contact with CustomersDot
	OfflineCloud LicenseKind = "offline_cloud" // cloud licence with an exemption from the contact
	Legacy       LicenseKind = "legacy"        // uploaded file, unknown to Cloud Connector
)

// LicenseKinds are all of them.
func LicenseKinds() []LicenseKind { return []LicenseKind{OnlineCloud, OfflineCloud, Legacy} }

// UnmarshalText refuses a kind that does not exist; an empty one is OnlineCloud.
func (k *LicenseKind) UnmarshalText(text []byte) error {
	var known []string
	for _, kind := range LicenseKinds() {
		known = append(known, string(kind))
	}
	if len(text) > 0 && !slices.Contains(known, string(text)) {
		return strictyaml.Unknown("license kind", string(text), known)
	}
	*k = LicenseKind(text)
	return nil
}

// The plans, or tiers, that a licence pays for.
const (
	PlanPremium  = "premium"
	PlanUltimate = "ultimate"
)

// Plans are all of them.
func Plans() []string { return []string{PlanPremium, PlanUltimate} }

// GracePeriod is how long an expired licence still counts.
const GracePeriod = 14 * 24 * time.Hour

// License is what entitles a self-managed or Dedicated instance.
type License struct {
	Kind      LicenseKind `yaml:"kind" json:"kind"`                      // empty means OnlineCloud
	Plan      string      `yaml:"plan" json:"plan,omitempty"`            // PlanPremium or PlanUltimate; empty means PlanUltimate
	StartsAt  time.Time   `yaml:"starts_at" json:"starts_at,omitzero"`   // zero: always started
	ExpiresAt time.Time   `yaml:"expires_at" json:"expires_at,omitzero"` // zero: does not expire
	NoExpiry  bool        `yaml:"no_expiry" json:"no_expiry,omitempty"`  // no expiration date, whatever ExpiresAt says; Rails does not sync such a licence
	Trial     bool        `yaml:"trial" json:"trial,omitempty"`          // trial licences sync like others
}

// LicenseState is where a licence stands in its life.
type LicenseState string

// The states, in the order a licence passes through them.
const (
	NotStarted LicenseState = "not_started"
	Active     LicenseState = "active"
	InGrace    LicenseState = "in_grace"
	Expired    LicenseState = "expired"
)

// State is where l stands at now. It is in grace from the instant it expires
// until, and with, GracePeriod later.
func (l License) State(now time.Time) LicenseState {
	switch {
	case now.Before(l.StartsAt):
		return NotStarted
	case l.NoExpiry || l.ExpiresAt.IsZero() || now.Before(l.ExpiresAt):
		return Active
	case !now.After(l.ExpiresAt.Add(GracePeriod)):
		return InGrace
	}
	return Expired
}

// PlanName is the plan, PlanUltimate unless another is given.
func (l License) PlanName() string {
	if l.Plan == "" {
		return PlanUltimate
	}
	return l.Plan
}

// Validate reports an unknown kind or plan, or a licence that ends before it starts.
func (l License) Validate() error {
	if l.Kind != "" {
		if err := new(LicenseKind).UnmarshalText([]byte(l.Kind)); err != nil {
			return err
		}
	}
	if plans := Plans(); l.Plan != "" && !slices.Contains(plans, l.Plan) {
		return strictyaml.Unknown("plan", l.Plan, plans)
	}
	if !l.NoExpiry && !l.ExpiresAt.IsZero() && !l.StartsAt.IsZero() && !l.StartsAt.Before(l.ExpiresAt) {
		return fmt.Errorf("the license expires (%s) before it starts (%s)",
			l.ExpiresAt.UTC().Format(time.RFC3339), l.StartsAt.UTC().Format(time.RFC3339))
	}
	return nil
}
