package control

import "time"

// The actions on what surrounds a service, and on what it lives off.
const (
	// GitLab instances.
	ActionSettings = "settings" // SettingsRequest -> Done
	ActionNetwork  = "network"  // NetworkRequest -> Done

	// CustomersDot.
	ActionCredits = "credits" // CreditsRequest -> Done
)

// SettingsRequest changes application settings of an instance; nil fields stay.
type SettingsRequest struct {
	Instance string `json:"instance"`
	// SilentMode keeps Rails from sending requests that could change anything elsewhere.
	SilentMode *bool `json:"silent_mode,omitempty"`
	// DNSRebindingProtection has Rails look up each host that it calls. It is on by default.
	DNSRebindingProtection *bool `json:"dns_rebinding_protection,omitempty"`
}

// NetworkRequest says what stands between an instance and everybody else; nil fields stay.
type NetworkRequest struct {
	Instance string `json:"instance"`
	// Unreachable are the services that a firewall keeps the instance from: customersdot,
	// gateway. An empty list opens it.
	Unreachable *[]string `json:"unreachable,omitempty"`
	// DNSTimeout is how long the instance's resolver takes to give up on hosts outside,
	// which are reached through a proxy. It is time of the ecosystem's clock: one that stands
	// still is moved on. 0 has it answer at once.
	DNSTimeout *time.Duration `json:"dns_timeout,omitempty"`
	// Buffering puts a proxy in front of the instance that holds each answer back until it is
	// complete, but for those with X-Accel-Buffering: no.
	Buffering *bool `json:"buffering,omitempty"`
}

// CreditsRequest says whether an instance has GitLab Credits left.
type CreditsRequest struct {
	Instance  string `json:"instance"`
	Exhausted bool   `json:"exhausted"`
}
