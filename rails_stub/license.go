package railsstub

import (
	"fmt"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/world"
)

// license is the licence that the instance holds.
type license struct {
	catalog.License
	key  string
	file world.LicenseFile
}

func newLicense(key string) (*license, error) {
	file, err := world.ParseLicenseKey(key)
	if err != nil {
		return nil, err
	}
	return &license{file.License(), key, file}, nil
}

// online reports whether the licence is one that CustomersDot is asked about.
func (l *license) online() bool { return l.Kind == catalog.OnlineCloud }

// includesFeatures reports whether the licence still opens paid features. One that has
// expired does, unless it was a trial.
func (l *license) includesFeatures(now time.Time) bool {
	return !l.Trial || l.NoExpiry || l.ExpiresAt.IsZero() || now.Before(l.ExpiresAt)
}

// complaints are what keeps the instance from asking CustomersDot for a token, in the
// words of the real job.
func (l *license) complaints(now time.Time, trialsSync bool) []string {
	if l == nil {
		return []string{"License not found"}
	}
	var found []string
	if !l.online() {
		found = append(found, "License is not an online cloud license")
	}
	noExpiry := l.NoExpiry || l.ExpiresAt.IsZero()
	if !noExpiry && now.After(l.ExpiresAt.Add(catalog.GracePeriod)) {
		found = append(found, "License grace period has been expired")
	}
	if l.Trial && !trialsSync {
		found = append(found, "License can't be on trial")
	}
	if noExpiry {
		found = append(found, "License has no expiration date")
	}
	return found
}

// reportsSeats reports whether the instance sends seat links.
func (l *license) reportsSeats() bool {
	return l != nil && l.online() && !l.Trial && !l.NoExpiry && !l.ExpiresAt.IsZero()
}

// exclusive are the add-ons of which GitLab keeps one only, the first that was bought.
var exclusive = []string{"duo_amazon_q", "duo_enterprise", "duo_pro"}

// provision makes of a licence's add-on products the purchases that the instance keeps.
func provision(file world.LicenseFile, now time.Time) ([]catalog.Purchase, error) {
	bought, err := file.Purchases()
	if err != nil {
		return nil, fmt.Errorf("licence %d: %w", file.ID, err)
	}
	for n := range bought {
		bought[n].AddOn = catalog.NormalizeAddOn(bought[n].AddOn)
	}
	kept := ""
	for _, name := range exclusive {
		active := slices.ContainsFunc(bought, func(p catalog.Purchase) bool { return p.AddOn == name && p.Active(now) })
		if active {
			kept = name
			break
		}
	}
	return slices.DeleteFunc(bought, func(p catalog.Purchase) bool {
		return kept != "" && p.AddOn != kept && slices.Contains(exclusive, p.AddOn)
	}), nil
}

// hold makes l the instance's licence and provisions the add-ons that it carries. The
// caller holds i.mu, or is alone.
func (i *Instance) hold(l *license, now time.Time) error {
	purchases, err := provision(l.file, now)
	if err != nil {
		return err
	}
	i.license, i.purchases = l, purchases
	return nil
}
