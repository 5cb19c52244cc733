package catalog

import (
	_ "embed" // for the catalog
	"slices"
)

// Default is what stands for the catalog that ccmock comes with in place of a path.
const Default = "default"

//go:embed default/library.yml
var defaultLibrary []byte

// DefaultSource is the catalog that ccmock comes with: the unit primitives and bundles
// that are public.
func DefaultSource() Source {
	return Source{path: Default, files: []sourceFile{{name: Default, data: defaultLibrary}}}
}

// Overlay is base with services over it, as features are laid over the catalog that ccmock
// comes with. A service takes the place of the one of its name, and its scopes are taken
// out of all others, which go when they have none left. The services must not have scopes
// or names in common, as with Merge.
func Overlay(base *Catalog, services ...Service) (*Catalog, error) {
	if _, err := Merge(nil, services...); err != nil {
		return nil, err
	}
	taken, named := map[string]bool{}, map[string]bool{}
	for _, s := range services {
		named[s.Name] = true
		for _, scope := range s.Scopes() {
			taken[scope] = true
		}
	}
	gone := func(scope string) bool { return taken[scope] }
	if base.Library != nil {
		below := base.Library.without(gone, named)
		return &Catalog{Services: append(below.entries(), services...), Library: below}, nil
	}
	out := &Catalog{}
	for _, s := range base.Services {
		if named[s.Name] {
			continue
		}
		var bundles []Bundle
		for _, b := range s.Bundles {
			b.UnitPrimitives = slices.DeleteFunc(slices.Clone(b.UnitPrimitives), gone)
			if len(b.UnitPrimitives) > 0 {
				bundles = append(bundles, b)
			}
		}
		if s.Bundles = bundles; len(bundles) > 0 {
			out.Services = append(out.Services, s)
		}
	}
	out.Services = append(out.Services, services...)
	return out, nil
}

// without is l less some unit primitives and services.
func (l *Library) without(gone func(scope string) bool, named map[string]bool) *Library {
	out := *l
	out.UnitPrimitives = slices.DeleteFunc(slices.Clone(l.UnitPrimitives), func(p UnitPrimitive) bool { return gone(p.Name) })
	out.Services = []ServiceMap{}
	for _, m := range l.Services {
		if named[m.Name] {
			continue
		}
		m.UnitPrimitives = slices.DeleteFunc(slices.Clone(m.UnitPrimitives), gone)
		if gone(m.BasicUnitPrimitive) {
			m.BasicUnitPrimitive = ""
			m.BasicUnitPrimitive = m.basic()
		}
		if len(m.UnitPrimitives) > 0 {
			out.Services = append(out.Services, m)
		}
	}
	return &out
}
