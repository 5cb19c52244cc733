// Package control is the plane on which ecosystems are steered and looked into: clock,
// faults, journal, the given world, and what happens behind the imitated APIs, such as a
// purchase or a sync on demand. None of it exists in the real services, so none of it is
// served by the imitated ones.
//
// One process serves one control plane, for the services that it holds. A Client may
// speak to several at once, so that an ecosystem spread over containers is steered like
// one in a single process.
package control

import (
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

// Info says what a process holds.
type Info struct {
	Version  string    `json:"version"`
	Seed     uint64    `json:"seed"`
	Services []Service `json:"services"`
	Actions  []string  `json:"actions"` // the names that Do takes here
}

// Service is a service and where it is reached.
type Service struct {
	// Name is "customersdot", "gateway", the name of an instance ("acme") or of a backend
	// ("foo").
	Name string       `json:"name"`
	Kind journal.Kind `json:"kind"`
	URL  string       `json:"url"` // as the other services know it
	// Routes are the names that the journal gives to what the service answers.
	Routes []string `json:"routes,omitempty"`
}

// Clock is the state of the clock.
type Clock struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"`
	// NextJob is when the next job of this process is due; zero when there is none.
	NextJob time.Time                `json:"next_job,omitzero"`
	Skews   map[string]time.Duration `json:"skews,omitempty"` // by service, those that are not 0
}

// SetClock moves the clock. The fields that are nil leave things as they are.
type SetClock struct {
	Now    *time.Time `json:"now,omitempty"`
	Frozen *bool      `json:"frozen,omitempty"`
	// Run runs the jobs that are due by the new time before the call returns.
	Run bool `json:"run,omitempty"`
}

// SetSkew makes one service's clock run ahead of the others (behind, if negative).
type SetSkew struct {
	Service string        `json:"service"`
	By      time.Duration `json:"by"`
}

// Faults lists the fault rules in force.
type Faults struct {
	Faults []fault.State `json:"faults"`
}

// Entries is a piece of the journal.
type Entries struct {
	Entries []journal.Entry `json:"entries"`
	Last    uint64          `json:"last"` // the number of the newest entry of all
}

// Explained is what became of a call, by the journal of one process.
type Explained struct {
	RequestID string    `json:"request_id"`
	At        time.Time `json:"at"` // when its first entry was made
	explain.Explanation
}

// Refused lists calls that went wrong, the latest first.
type Refused struct {
	Calls []Explained `json:"calls"`
}

// Failure is the body of every answer that is an error.
type Failure struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// The actions, by the service that takes them.
const (
	// GitLab instances.
	ActionSync        = "sync"           // SyncRequest -> SyncResult
	ActionSeatLink    = "seat_link"      // InstanceRequest -> SyncResult
	ActionActivate    = "activate"       // ActivateRequest -> SyncResult
	ActionAccessToken = "access_token"   // AccessTokenRequest -> TokenResult
	ActionAssignSeat  = "assign_seat"    // SeatRequest -> Done
	ActionSetUser     = "set_user"       // SetUserRequest -> Done
	ActionUpgrade     = "upgrade"        // UpgradeRequest -> Done
	ActionStored      = "stored"         // InstanceRequest -> StoredResult
	ActionJobs        = "jobs"           // JobsRequest -> Done
	ActionUpload      = "upload_license" // UploadRequest -> Done

	// CustomersDot.
	ActionPurchase      = "purchase"       // PurchaseRequest -> Done
	ActionCancelAddOn   = "cancel_add_on"  // CancelRequest -> Done
	ActionRevokeLicense = "revoke_license" // InstanceRequest -> Done
	ActionRenewLicense  = "renew_license"  // RenewRequest -> Done
	ActionCatalog       = "catalog"        // CatalogRequest -> Done
	ActionCredits       = "credits"        // CreditsRequest -> Done
	ActionMisissue      = "misissue"       // MisissueRequest -> Done

	// Both issuers, and the AI gateway: the request names the service.
	ActionSign       = "sign"        // SignRequest -> TokenResult
	ActionRotateKeys = "rotate_keys" // KeysRequest -> KeysResult

	// The gateway.
	ActionLimits = "limits" // Limits -> Done: these rate limits hold from now on, with no count carried over

	// Backends, the gateway and GitLab instances.
	ActionRestart = "restart" // RestartRequest -> Done: caches are empty, as after a restart
)

// Done is the answer of an action that has nothing to tell.
type Done struct{}

// InstanceRequest names an instance.
type InstanceRequest struct {
	Instance string `json:"instance"`
}

// SyncRequest runs the token sync job of an instance now.
type SyncRequest struct {
	Instance string `json:"instance"`
	// Force syncs even if the instance's version would skip it, as after a manual sync.
	Force bool `json:"force,omitempty"`
}

// Outcome is how a job ended.
type Outcome string

// The outcomes of a job.
const (
	Succeeded Outcome = "succeeded"
	Skipped   Outcome = "skipped"
	Failed    Outcome = "failed"
)

// SyncResult is what became of a sync, a seat link or an activation.
type SyncResult struct {
	Outcome Outcome `json:"outcome"`
	// Message is what the real job logs.
	Message string `json:"message,omitempty"`
	// Token is the token that the instance would use after the job; nil when it has none.
	Token *journal.Token `json:"token,omitempty"`
}

// AccessTokenRequest asks an instance for a token, as the tutorial's
// CloudConnector::AccessService#access_token(scopes:, extra_claims:) does.
type AccessTokenRequest struct {
	Instance    string         `json:"instance"`
	User        string         `json:"user,omitempty"` // counts from 17.1 on, GitLab.com only
	Scopes      []string       `json:"scopes"`
	ExtraClaims map[string]any `json:"extra_claims,omitempty"`
}

// TokenResult is a token. Raw is empty when there is none.
type TokenResult struct {
	Raw   string         `json:"raw,omitempty"`
	Token *journal.Token `json:"token,omitempty"`
}

// StoredResult is what an instance has stored of CustomersDot's answers.
type StoredResult struct {
	Tokens    []StoredToken      `json:"tokens"` // oldest first, expired ones too
	License   *StoredLicense     `json:"license,omitempty"`
	Purchases []catalog.Purchase `json:"purchases"`
}

// StoredToken is a row of service_access_tokens.
type StoredToken struct {
	Token     journal.Token `json:"token"`
	ExpiresAt time.Time     `json:"expires_at"`
}

// StoredLicense is the instance's current licence.
type StoredLicense struct {
	ID        int       `json:"id"`
	Kind      string    `json:"kind"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// JobsRequest changes how an instance's jobs are run; nil fields stay.
type JobsRequest struct {
	Instance string `json:"instance"`
	// Run says whether jobs are run when they fall due. Those that fell due while they were
	// not are lost, as cron entries of a scheduler that was down are.
	Run *bool `json:"run,omitempty"`
	// StaleLicense has the token sync go on with the licence that the instance holds now,
	// whatever it is given later, as a process does that has it in its cache.
	StaleLicense *bool `json:"stale_license,omitempty"`
}

// UploadRequest installs a licence key at an instance, as an administrator does with a
// licence file.
type UploadRequest struct {
	Instance string `json:"instance"`
	Key      string `json:"key"`
}

// ActivateRequest types an activation code in at an instance. An empty code means the
// right one.
type ActivateRequest struct {
	Instance string `json:"instance"`
	Code     string `json:"code,omitempty"`
}

// SeatRequest gives a user a seat of an add-on, or takes it away.
type SeatRequest struct {
	User   string `json:"user"`
	AddOn  string `json:"add_on"`
	Remove bool   `json:"remove,omitempty"`
}

// SetUserRequest changes a user; nil fields stay.
type SetUserRequest struct {
	User    string   `json:"user"`
	Blocked *bool    `json:"blocked,omitempty"`
	Denied  []string `json:"denied"` // empty takes every denial back
}

// UpgradeRequest installs another GitLab version on an instance.
type UpgradeRequest struct {
	Instance      string `json:"instance"`
	GitLabVersion string `json:"gitlab_version"`
}

// PurchaseRequest buys an add-on for an instance.
type PurchaseRequest struct {
	Instance string           `json:"instance"`
	Purchase catalog.Purchase `json:"purchase"`
}

// CancelRequest ends every purchase of an add-on at once.
type CancelRequest struct {
	Instance string `json:"instance"`
	AddOn    string `json:"add_on"`
}

// RenewRequest gives a subscription a new licence.
type RenewRequest struct {
	Instance string          `json:"instance"`
	License  catalog.License `json:"license"`
}

// CatalogRequest puts another cloud_connector.yml in force, as a deployment would. A text
// that cannot be read leaves the one in force and is an error.
type CatalogRequest struct {
	YAML string `json:"yaml"`
}

// SignRequest has an issuer sign what it never would, for forged tokens.
type SignRequest struct {
	Service string `json:"service"` // an instance, "customersdot" or the AI gateway
	// Claims are laid over those of a good token for Instance; null removes a claim.
	Instance string         `json:"instance,omitempty"`
	Claims   map[string]any `json:"claims,omitempty"`
	Header   map[string]any `json:"header,omitempty"` // likewise
	// Stranger signs with a key that no issuer publishes.
	Stranger bool `json:"stranger,omitempty"`
	// Algorithm, HMACKey and Spoil are those of token.Forgery.
	Algorithm string `json:"alg,omitempty"`
	HMACKey   string `json:"hmac_key,omitempty"`
	Spoil     string `json:"spoil,omitempty"`
}

// Forgery is what the request asks for beside claims and header.
func (r SignRequest) Forgery() token.Forgery {
	return token.Forgery{Algorithm: r.Algorithm, HMACKey: r.HMACKey, Spoil: r.Spoil}
}

// CreditsRequest says what is left of the credits of an instance's subscription, or of
// GitLab.com's group.
type CreditsRequest struct {
	Instance string `json:"instance"`
	State    string `json:"state"` // left, exhausted or not_entitled; empty means left
}

// MisissueRequest makes CustomersDot issue wrong tokens to an instance from now on. A
// request that says nothing but the instance puts it right.
type MisissueRequest struct {
	Instance string `json:"instance"`
	// Claims and Header are laid over those of each token; null removes one.
	Claims map[string]any `json:"claims,omitempty"`
	Header map[string]any `json:"header,omitempty"`
	// Stranger signs with a key that no issuer publishes.
	Stranger bool `json:"stranger,omitempty"`
}

// KeysRequest changes an issuer's signing keys.
type KeysRequest struct {
	Service string `json:"service"`
	// Step is create (publish a second key), rotate (sign with it), trim (drop the one that
	// does not sign) or list.
	Step string `json:"step"`
	// NoRestart leaves the processes of an instance running after a rotate, so that they go
	// on signing with the key that they have loaded. The other issuers load keys anew.
	NoRestart bool `json:"no_restart,omitempty"`
}

// KeysResult lists an issuer's keys.
type KeysResult struct {
	Published []string `json:"published"` // key ids, in the order of the JWKS
	Signing   string   `json:"signing"`
}

// RestartRequest restarts one service, or all backends with an empty name.
type RestartRequest struct {
	Service string `json:"service,omitempty"`
}

// Limits are the gateway's rate limits, for each of its routes. A number that is 0
// limits nothing.
type Limits struct {
	// Window is the time in which requests are counted, by the clock; 0 means a minute.
	Window time.Duration `json:"window,omitempty"`
	// PerUser is how many requests of one X-Gitlab-Global-User-Id pass.
	PerUser int `json:"per_user,omitempty"`
	// PerInstance is how many requests of one X-Gitlab-Instance-Id pass, self-managed only.
	PerInstance int `json:"per_instance,omitempty"`
	// PerUnauthorized is how many times a caller may be answered 401 before it is refused.
	PerUnauthorized int `json:"per_unauthorized,omitempty"`
}
