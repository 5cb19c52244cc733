package catalog

import (
	"fmt"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Place is a line of a catalog or feature file, so that whoever wonders at a decision knows
// what to mend.
type Place struct {
	File string
	Line int
	Key  string // that stands there, such as bundled_with
}

// IsZero reports whether the place is unknown, as that of a service which no file holds.
func (p Place) IsZero() bool { return p == Place{} }

// String is the place as "cloud_connector.yml:7 (bundled_with)"; empty if it is unknown.
func (p Place) String() string {
	if p.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s:%d (%s)", p.File, p.Line, p.Key)
}

// MarshalText makes JSON of a place what String makes of it.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// placesOf notes where those of the keys stand that a service or a unit primitive has.
func placesOf(block *strictyaml.Document, name string, keys []string) map[string]Place {
	places := map[string]Place{"": {block.File(), block.Line(""), name}}
	for _, key := range keys {
		if block.Has(key) {
			places[key] = Place{block.File(), block.Line(key), key}
		}
	}
	return places
}

// place is where the first of the keys that the service has stands, or else the service.
func (s Service) place(keys ...string) Place {
	for _, key := range keys {
		if p, ok := s.places[key]; ok {
			return p
		}
	}
	return s.places[""]
}

// SoldAt is where the file says which add-ons sell the service.
func (s Service) SoldAt() Place { return s.place("bundled_with", kindAddOns) }

// placeOf is where the file says what decided. A licence stands in no catalog.
func (s Service) placeOf(r Rule) Place {
	switch r {
	case RuleNoCutOff, RuleFreeAccess:
		return s.place("cut_off_date", "service_start_time")
	case RuleVersionTooLowForFreeAccess:
		return s.place("min_gitlab_version_for_free_access", "min_gitlab_version_for_beta", "min_gitlab_version")
	case RuleVersionTooLow:
		return s.place("min_gitlab_version")
	case RuleAddOn, RuleAddOnMissing, RuleAddOnExpired, RuleAddOnNotStarted, RuleNotSold:
		return s.SoldAt()
	case RuleLicensePlan:
		return s.place(kindLicenses)
	case RuleOperator:
		return s.place(kindOperators)
	case RuleLicenseMissing, RuleLicenseNotCloud, RuleLicenseNotStarted, RuleLicenseExpired:
	}
	return Place{}
}
