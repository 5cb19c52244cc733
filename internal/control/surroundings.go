package control

import "time"

// The actions on what surrounds an instance.
const (
	ActionSettings = "settings" // SettingsRequest -> Done
	ActionNetwork  = "network"  // NetworkRequest -> Done
	ActionRestore  = "restore"  // RestoreRequest -> Done
)

// SettingsRequest changes application settings of an instance; nil fields stay.
type SettingsRequest struct {
	Instance string `json:"instance"`
	// SilentMode keeps Rails from sending requests that could change anything elsewhere.
	SilentMode *bool `json:"silent_mode,omitempty"`
	// DNSRebindingProtection has Rails look up each host that it calls. It is on by default.
	DNSRebindingProtection *bool `json:"dns_rebinding_protection,omitempty"`
}

// RestoreRequest restores the database of one instance on another: with it come the
// instance id, the licence, the add-ons and what was synced. Users and signing keys stay.
type RestoreRequest struct {
	Instance string `json:"instance"`
	From     string `json:"from"`
	// OwnUUID keeps the instance id, as an administrator does who knows that a copy must not
	// have the id of the original.
	OwnUUID bool `json:"own_uuid,omitempty"`
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
