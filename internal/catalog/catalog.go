package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// DefaultAudience is the audience of a service that names no backend: the
// tutorial's files have no such key, and knew the AI gateway alone.
const DefaultAudience = "gitlab-ai-gateway"

// DefaultEnvironment is the block that Parse takes when it is asked for none.
const DefaultEnvironment = "development"

// Generation is a form of cloud_connector.yml.
type Generation int

// The forms, as they followed each other.
const (
	G0 Generation = iota // the tutorial, 16.8: the service is the scope, bundled_with names one add-on
	G1                   // 16.11: a backend, which becomes the audience
	G2                   // 17.0 to 17.6: cut_off_date, bundled_with lists unit primitives per add-on
	G3                   // 17.7 on: a file of the library for each unit primitive, which is a service here
	G4                   // 18: unit primitives name operators, who have add-ons and licence types of their own
)

// Catalog is what a cloud_connector.yml says for one environment, or what a library says.
type Catalog struct {
	Services []Service // in file order
	Library  *Library  // of which the first of Services were made; nil if it was read in another form
}

// Service is an entry under services: a group of scopes that are sold and
// dated together.
type Service struct {
	Name                    string
	Generation              Generation
	Backend                 string     // audience; empty means DefaultAudience, and in a library none
	AlsoFor                 []string   // audiences beside it, in a library
	CutOff                  *time.Time // end of free access; nil: free for ever
	MinVersion              Version
	MinVersionForFreeAccess Version
	Bundles                 []Bundle   // never empty after Parse
	LicenseTypes            []string   // plans that may use it; empty: any
	Operators               []Operator // who may run it, any of them; empty: nothing is asked of who does

	places map[string]Place // of its keys, and of itself under ""
}

// Bundle is what one add-on opens of a service. An AddOn that is empty or a
// dummy (_irrelevant_) cannot be bought.
type Bundle struct {
	AddOn          string
	UnitPrimitives []string
}

// Audience is the backend that the service's scopes are for, and empty where a library
// names none.
func (s Service) Audience() string {
	if s.Backend == "" && s.Generation < G3 {
		return DefaultAudience
	}
	return s.Backend
}

// FreeAccessMinimum is the version from which the service is free before its
// cut-off: see the package's choices for the tutorial's form.
func (s Service) FreeAccessMinimum() Version {
	if s.MinVersionForFreeAccess.IsZero() && s.Generation < G2 {
		return s.MinVersion
	}
	return s.MinVersionForFreeAccess
}

// Scopes lists the unit primitives of the service once each, in file order.
func (s Service) Scopes() []string {
	var scopes []string
	for _, b := range s.Bundles {
		scopes = append(scopes, b.UnitPrimitives...)
	}
	return unique(scopes)
}

// Sold reports whether the bundle's add-on can be bought.
func (b Bundle) Sold() bool {
	return b.AddOn != "" && b.AddOn != dummyAddOn && b.AddOn != irrelevantAddOn
}

// Each stands where a bundle needs a name and nobody reads it.
const (
	dummyAddOn      = "_irrelevant_"
	irrelevantAddOn = "_irrelevant"
)

// Scopes lists every unit primitive of c once, in file order.
func (c *Catalog) Scopes() []string {
	var scopes []string
	for _, s := range c.Services {
		scopes = append(scopes, s.Scopes()...)
	}
	return unique(scopes)
}

// Audiences lists every audience of c once, in file order.
func (c *Catalog) Audiences() []string {
	audiences := []string{}
	for _, s := range c.Services {
		if s.Audience() != "" {
			audiences = append(append(audiences, s.Audience()), s.AlsoFor...)
		}
	}
	return unique(audiences)
}

// AddOns lists every add-on of c that can be bought, normalized, once each, in
// file order.
func (c *Catalog) AddOns() []string {
	var names []string
	for _, s := range c.Services {
		for _, b := range s.Bundles {
			if b.Sold() {
				names = append(names, NormalizeAddOn(b.AddOn))
			}
		}
		for _, o := range s.Operators {
			names = append(names, normalized(o.AddOns)...)
		}
	}
	return unique(names)
}

// Merge is base, which may be nil, with more services behind its own. A service
// whose name is taken, and a scope that another service has already, are
// problems: each feature brings its own scopes. The error is
// strictyaml.Problems, without places.
func Merge(base *Catalog, more ...Service) (*Catalog, error) {
	out := &Catalog{}
	if base != nil {
		out.Services, out.Library = slices.Clone(base.Services), base.Library
	}
	names, owners := make(map[string]bool), make(map[string]string)
	add := func(s Service) {
		names[s.Name] = true
		for _, scope := range s.Scopes() {
			owners[scope] = s.Name
		}
	}
	for _, s := range out.Services {
		add(s)
	}
	var problems strictyaml.Problems
	for _, s := range more {
		if names[s.Name] {
			problems.Add(fmt.Errorf("service %q is declared twice", s.Name))
			continue
		}
		for _, scope := range s.Scopes() {
			if owner, taken := owners[scope]; taken {
				problems.Add(fmt.Errorf("scope %q is declared twice, by the services %q and %q", scope, owner, s.Name))
			}
		}
		add(s)
		out.Services = append(out.Services, s)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// unique drops repetitions and keeps the order.
func unique(words []string) []string {
	seen := make(map[string]bool, len(words))
	return slices.DeleteFunc(words, func(w string) bool {
		again := seen[w]
		seen[w] = true
		return again
	})
}
