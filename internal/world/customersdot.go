package world

import (
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// CustomersDot is how CustomersDot does what is not established of the real one. The zero
// value is what was chosen; each field makes the other choice.
type CustomersDot struct {
	// IssuerSlash ends the issuer in a slash, in tokens and in the discovery document.
	IssuerSlash bool `yaml:"issuer_slash" json:"issuer_slash,omitempty"`
	// ExpiresAt is the form of a service token's expiresAt.
	ExpiresAt ExpiresAtForm `yaml:"expires_at" json:"expires_at,omitempty"`
	// BundledWith is the form of an available service's bundledWith.
	BundledWith BundledWithForm `yaml:"bundled_with" json:"bundled_with,omitempty"`
	// CreditsMaxAge is for how long clients may remember an answer about credits; 0 means
	// DefaultCreditsMaxAge.
	CreditsMaxAge time.Duration `yaml:"credits_max_age" json:"credits_max_age,omitempty"`
}

// DefaultCreditsMaxAge is how long GitLab and the AI gateway remember an answer about
// credits by themselves.
const DefaultCreditsMaxAge = time.Hour

// ExpiresAtForm is a form of expiresAt; GitLab reads both.
type ExpiresAtForm string

// The forms of expiresAt. An empty one is ExpiresAtText.
const (
	ExpiresAtText   ExpiresAtForm = "text"   // ISO 8601
	ExpiresAtNumber ExpiresAtForm = "number" // seconds since 1970
)

// ExpiresAtForms are all of them.
func ExpiresAtForms() []ExpiresAtForm { return []ExpiresAtForm{ExpiresAtText, ExpiresAtNumber} }

// UnmarshalText refuses a form that does not exist.
func (f *ExpiresAtForm) UnmarshalText(text []byte) error {
	return oneOf("form of expires_at", f, text, ExpiresAtForms())
}

// BundledWithForm is a form of bundledWith; GitLab reads both.
type BundledWithForm string

// The forms of bundledWith. An empty one is BundledWithList.
const (
	BundledWithList BundledWithForm = "list" // names of add-ons
	BundledWithMap  BundledWithForm = "map"  // unit primitives by add-on
)

// BundledWithForms are all of them.
func BundledWithForms() []BundledWithForm { return []BundledWithForm{BundledWithList, BundledWithMap} }

// UnmarshalText refuses a form that does not exist.
func (f *BundledWithForm) UnmarshalText(text []byte) error {
	return oneOf("form of bundled_with", f, text, BundledWithForms())
}

// Credits say what CustomersDot answers when it is asked whether a consumer may use a
// feature that costs credits (GitLab 18.7 and later).
type Credits string

// The states of a consumer's credits. An empty one is CreditsLeft.
const (
	CreditsLeft      Credits = "left"         // there are some, or none are needed
	CreditsExhausted Credits = "exhausted"    // there are none left
	CreditsNone      Credits = "not_entitled" // the subscription includes none
)

// CreditStates are all of them.
func CreditStates() []Credits { return []Credits{CreditsLeft, CreditsExhausted, CreditsNone} }

// UnmarshalText refuses a state that does not exist.
func (c *Credits) UnmarshalText(text []byte) error {
	return oneOf("state of credits", c, text, CreditStates())
}

// oneOf puts text into v if it is empty or one of the known words.
func oneOf[T ~string](what string, v *T, text []byte, known []T) error {
	if len(text) > 0 && !slices.Contains(known, T(text)) {
		names := make([]string, len(known))
		for n, name := range known {
			names[n] = string(name)
		}
		return strictyaml.Unknown(what, string(text), names)
	}
	*v = T(text)
	return nil
}
