package derive

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/scenarios"
)

// Case is a flow that was derived.
type Case struct {
	Feature string
	Kind    Kind
	Name    string // among the cases of the same feature and kind
	YAML    string // the flow as a file
}

// Kind is what a case is about.
type Kind string

// The kinds of cases.
const (
	Entitlement Kind = "entitlement" // who gets the scope
	Token       Kind = "token"       // what a backend takes as a token
	Drill       Kind = "drill"       // what changed or missing keys do to users
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Entitlement, Token, Drill} }

// ID names a case among all: FEATURE/KIND/NAME.
func (c Case) ID() string { return c.Feature + "/" + string(c.Kind) + "/" + c.Name }

// File is the name of the flow, as if it had been read from a file.
func (c Case) File() string { return "derived/" + c.ID() + ".yaml" }

// Options say how much is derived, and what the services are given.
type Options struct {
	// Full derives the whole product of the entitlement matrix in place of all pairs.
	Full bool
	// Catalog is the text of a cloud_connector.yml that the services use in place of the one
	// that the features make up. What is expected still comes from the features; of services
	// that no feature declares, it comes from this.
	Catalog string
	// CatalogName is its file's, for explanations that name a line of it.
	CatalogName string
}

// Cases derives the cases of every feature, in the features' order. The same features give
// the same cases. A feature whose backend is a real service, or is not in the catalog's
// reach, has cases like any other.
func Cases(features []feature.Feature, o Options) ([]Case, error) {
	var others []catalog.Service
	if o.Catalog != "" {
		read, err := catalog.Parse(cmp.Or(o.CatalogName, "catalog"), []byte(o.Catalog), "")
		if err != nil {
			return nil, err
		}
		for _, s := range read.Services {
			declared := slices.ContainsFunc(features, func(f feature.Feature) bool { return f.CloudConnector.Name == s.Name })
			if !declared {
				others = append(others, s)
			}
		}
	}
	var cases []Case
	for _, f := range features {
		services := []catalog.Service{f.CloudConnector}
		if o.Catalog != "" {
			// The services have the whole catalog, and so have tokens.
			services = services[:0]
			for _, known := range features {
				services = append(services, known.CloudConnector)
			}
			services = append(services, others...)
		}
		d := deriver{feature: f, services: services, catalog: source{o.CatalogName, o.Catalog}}
		cases = append(cases, d.entitlement(o.Full)...)
		cases = append(cases, d.tokens()...)
		cases = append(cases, d.drills()...)
	}
	return cases, nil
}

// Flows makes flows of cases, by the parser of flow files.
func Flows(cases []Case, features []feature.Feature) ([]scenarios.Flow, error) {
	flows := make([]scenarios.Flow, 0, len(cases))
	var errs []error
	for _, c := range cases {
		f, err := scenarios.ParseFlow(c.File(), []byte(c.YAML), features, nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("the derived case %s: %w", c.ID(), err))
			continue
		}
		flows = append(flows, f)
	}
	return flows, errors.Join(errs...)
}

// deriver derives the cases of one feature.
type deriver struct {
	feature  feature.Feature
	services []catalog.Service
	catalog  source
}

// entries is what the oracle is told.
func (d deriver) entries() []entry {
	entries := make([]entry, len(d.services))
	for n, s := range d.services {
		e := entry{
			name: s.Name, audience: s.Backend, tutorialForm: s.Generation < catalog.G2, cutOff: s.CutOff,
			minVersion: s.MinVersion.String(), minForFree: s.MinVersionForFreeAccess.String(),
		}
		if e.audience == "" {
			e.audience = catalog.DefaultAudience
		}
		for _, b := range s.Bundles {
			addOn := b.AddOn
			if !b.Sold() {
				addOn = "" // nobody can buy it
			}
			e.bundles = append(e.bundles, bundle{addOn, b.UnitPrimitives})
		}
		entries[n] = e
	}
	return entries
}
