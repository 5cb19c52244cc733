package scenarios

import (
	"time"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
)

// Expect is what a step must come to. What it does not mention must go well: an HTTP
// status of 2xx, a job that succeeded, an action without an error.
type Expect struct {
	Status int `yaml:"status"`
	// Body is compared as JSON: an object may have more members than are named here and a
	// null member must be null or absent; lists and everything else must be the same. A
	// text is compared with a body that is not JSON as it stands, without white space at
	// its ends.
	Body any `yaml:"body"`
	// Headers must have these values; null means absent.
	Headers map[string]*string `yaml:"headers"`
	Refused *Refused           `yaml:"refused"`
	Token   *TokenExpect       `yaml:"token"`
	Outcome control.Outcome    `yaml:"outcome"` // of a job
	Message string             `yaml:"message"` // the job's message contains it
	Error   string             `yaml:"error"`   // the action fails with an error that contains it
	// Calls is how many requests each service answered during the step, fetches of keys
	// among them.
	Calls map[string]int `yaml:"calls"`
	Keys  *KeysExpect    `yaml:"keys"`
	// Stored is about what an instance has stored.
	Stored *StoredExpect `yaml:"stored"`
}

// ofJournal reports whether the journal has a say in it, and not the answer alone.
func (e *Expect) ofJournal() bool {
	return e != nil && (e.Refused != nil || e.Token != nil || len(e.Calls) > 0)
}

// Refused says which service refuses, and why. It is looked up in the journal, as the
// answer often hides the cause; nobody else may have refused.
type Refused struct {
	By     string       `yaml:"by,required"`
	Reason token.Reason `yaml:"reason,required"`
	Detail string       `yaml:"detail"` // the journal's detail contains it
}

// TokenExpect is about the token that the step got or, where a feature was called, about
// the one that the innermost service saw.
type TokenExpect struct {
	Absent bool `yaml:"absent"`
	// Scopes are exactly these, in any order.
	Scopes *[]string `yaml:"scopes"`
	// Audience is exactly this one, or a list in any order.
	Audience any           `yaml:"audience"`
	TTL      time.Duration `yaml:"ttl"`     // from iat to exp
	Issuer   string        `yaml:"issuer"`  // a service's name or the claim itself
	Subject  string        `yaml:"subject"` // an instance's or a user's name, or the claim itself
	Realm    string        `yaml:"realm"`
	// Claims and Header are compared like a body: others may be there, null means absent.
	Claims map[string]any `yaml:"claims"`
	Header map[string]any `yaml:"header"`
}

// KeysExpect is about an issuer's keys after a step of a rotation.
type KeysExpect struct {
	Published int `yaml:"published"` // how many
	// Signing is same or changed, compared with the key that signed before the step.
	Signing string `yaml:"signing"`
}

// StoredExpect is about the tables of an instance; what is absent is not looked at.
type StoredExpect struct {
	Tokens      *int           `yaml:"tokens"`  // rows, expired ones too
	Expired     *int           `yaml:"expired"` // of them
	License     *int           `yaml:"license"` // the number of the current licence, 0 for none
	LicenseKind string         `yaml:"license_kind"`
	Seats       map[string]int `yaml:"seats"` // that the instance holds, by add-on
}
