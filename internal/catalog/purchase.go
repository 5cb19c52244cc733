package catalog

import (
	"fmt"
	"time"
)

// Purchase is an add-on that was bought for an instance.
type Purchase struct {
	AddOn     string    `yaml:"add_on" json:"add_on"`
	Seats     int       `yaml:"seats" json:"seats"`
	StartsOn  time.Time `yaml:"starts_on" json:"starts_on,omitzero"`   // a date, UTC; zero: always started
	ExpiresOn time.Time `yaml:"expires_on" json:"expires_on,omitzero"` // a date, UTC, the first day without; zero: never
	Trial     bool      `yaml:"trial" json:"trial,omitempty"`
}

// Active reports whether p counts on the UTC day of now: it has started, and
// its expiry day has not come. On the expiry day itself it no longer counts.
func (p Purchase) Active(now time.Time) bool { return !p.notStarted(now) && !p.expired(now) }

func (p Purchase) notStarted(now time.Time) bool {
	return !p.StartsOn.IsZero() && day(p.StartsOn).After(day(now))
}

func (p Purchase) expired(now time.Time) bool {
	return !p.ExpiresOn.IsZero() && !day(now).Before(day(p.ExpiresOn))
}

// Validate reports a missing add-on, negative seats, or dates in the wrong order.
func (p Purchase) Validate() error {
	switch {
	case p.AddOn == "":
		return fmt.Errorf("a purchase needs an add_on")
	case p.Seats < 0:
		return fmt.Errorf("expected seats to be 0 or more, got %d", p.Seats)
	case !p.StartsOn.IsZero() && !p.ExpiresOn.IsZero() && !day(p.StartsOn).Before(day(p.ExpiresOn)):
		return fmt.Errorf("the purchase of %q expires (%s) before it starts (%s)",
			p.AddOn, p.ExpiresOn.UTC().Format(time.DateOnly), p.StartsOn.UTC().Format(time.DateOnly))
	}
	return nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func normalized(addOns []string) []string {
	out := make([]string, len(addOns))
	for n, name := range addOns {
		out[n] = NormalizeAddOn(name)
	}
	return out
}

// NormalizeAddOn is the name by which the catalogue knows an add-on. Rails
// stores Duo Pro under its first name, code_suggestions.
func NormalizeAddOn(name string) string {
	if name == "code_suggestions" {
		return "duo_pro"
	}
	return name
}
