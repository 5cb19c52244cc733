package catalog

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// The kinds of things in a library, as its folders and the keys of one document call them.
const (
	kindPrimitives = "unit_primitives"
	kindBackends   = "backend_services"
	kindAddOns     = "add_ons"
	kindLicenses   = "license_types"
	kindOperators  = "operators"
	kindServices   = "services"
)

// libraryKinds are all of them.
func libraryKinds() []string {
	return []string{kindPrimitives, kindBackends, kindAddOns, kindLicenses, kindOperators, kindServices}
}

// place is where something of a library stands.
type place struct {
	doc  *strictyaml.Document
	file string // its file's name without the ending; empty in a document of many
}

// placed are the things of one kind with their places.
type placed[T any] struct {
	things []T
	at     []place
}

// libraryReader collects a library and what is wrong with it.
type libraryReader struct {
	problems   strictyaml.Problems
	primitives placed[UnitPrimitive]
	backends   placed[BackendService]
	addOns     placed[Named]
	licenses   placed[Named]
	operators  placed[Operator]
	services   placed[ServiceMap]
}

// add reads one thing.
func (r *libraryReader) add(kind string, at place) {
	switch kind {
	case kindPrimitives:
		decodeInto(r, &r.primitives, at)
	case kindBackends:
		decodeInto(r, &r.backends, at)
	case kindAddOns:
		decodeInto(r, &r.addOns, at)
	case kindLicenses:
		decodeInto(r, &r.licenses, at)
	case kindOperators:
		decodeInto(r, &r.operators, at)
	case kindServices:
		decodeInto(r, &r.services, at)
	}
}

func decodeInto[T any](r *libraryReader, to *placed[T], at place) {
	var thing T
	if err := at.doc.Decode(&thing); err != nil {
		r.problems.Add(err)
	}
	to.things, to.at = append(to.things, thing), append(to.at, at)
}

// catalog is what was read, once all of it was.
func (r *libraryReader) catalog() (*Catalog, error) {
	l := &Library{
		BackendServices: r.backends.things, UnitPrimitives: r.primitives.things, AddOns: r.addOns.things,
		LicenseTypes: r.licenses.things, Operators: r.operators.things, Services: r.services.things,
	}
	l.fill()
	backends := named(r, "backend service", r.backends, func(b BackendService) string { return b.Name })
	addOns := named(r, "add-on", r.addOns, func(n Named) string { return n.Name })
	licenses := named(r, "license type", r.licenses, func(n Named) string { return n.Name })
	operators := named(r, "operator", r.operators, func(o Operator) string { return o.Name })
	primitives := named(r, "unit primitive", r.primitives, func(p UnitPrimitive) string { return p.Name })
	named(r, "service", r.services, func(m ServiceMap) string { return m.Name })
	for n, p := range l.UnitPrimitives {
		doc := r.primitives.at[n].doc
		r.known(doc, kindBackends, "backend service", p.BackendServices, backends)
		r.known(doc, kindAddOns, "add-on", p.AddOns, addOns)
		r.known(doc, kindLicenses, "license type", p.LicenseTypes, licenses)
		r.known(doc, kindOperators, "operator", p.Operators, operators)
		l.UnitPrimitives[n].places = placesOf(doc, p.Name, decidingKeys())
	}
	for n, o := range l.Operators {
		doc := r.operators.at[n].doc
		r.known(doc, kindAddOns, "add-on", o.AddOns, addOns)
		r.known(doc, kindLicenses, "license type", o.LicenseTypes, licenses)
		if o.Name != "" && !strings.HasSuffix(o.Name, "_operator") {
			r.problems = append(r.problems, doc.Problem("name", fmt.Sprintf("expected a name that ends in _operator, got %q", o.Name), ""))
		}
	}
	for n, m := range l.Services {
		doc := r.services.at[n].doc
		r.known(doc, kindPrimitives, "unit primitive", m.UnitPrimitives, primitives)
		if m.BasicUnitPrimitive != "" && doc.Has("basic_unit_primitive") {
			r.known(doc, "basic_unit_primitive", "unit primitive", []string{m.BasicUnitPrimitive}, primitives)
		}
		if len(m.UnitPrimitives) == 0 && doc.Has(kindPrimitives) {
			r.problems = append(r.problems, doc.KeyProblem(kindPrimitives, "expected at least one unit primitive, got none", ""))
		}
		r.known(doc, "gitlab_realm", "realm", texts(m.Realms), texts(Realms()))
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return &Catalog{Services: l.entries(), Library: l}, nil
}

// fill makes lists that were left out empty, as they are on the wire.
func (l *Library) fill() {
	for n := range l.UnitPrimitives {
		p := &l.UnitPrimitives[n]
		p.BackendServices, p.AddOns, p.LicenseTypes = list0(p.BackendServices), list0(p.AddOns), list0(p.LicenseTypes)
		if p.CutOff != nil {
			utc := p.CutOff.UTC()
			p.CutOff = &utc
		}
	}
	for n := range l.Operators {
		o := &l.Operators[n]
		o.AddOns, o.LicenseTypes = list0(o.AddOns), list0(o.LicenseTypes)
	}
	for n := range l.Services {
		m := &l.Services[n]
		m.BasicUnitPrimitive = m.basic()
		if len(m.Realms) == 0 {
			m.Realms = Realms()
		}
	}
	l.BackendServices, l.UnitPrimitives, l.AddOns = list0(l.BackendServices), list0(l.UnitPrimitives), list0(l.AddOns)
	l.LicenseTypes, l.Services = list0(l.LicenseTypes), list0(l.Services)
}

// list0 is a list that is not nil.
func list0[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// snakeCase is what the library calls things by.
var snakeCase = regexp.MustCompile(`^[a-z0-9_]+$`)

// named checks the names of all things of a kind, and returns them.
func named[T any](r *libraryReader, what string, of placed[T], nameOf func(T) string) []string {
	var names []string
	for n, thing := range of.things {
		name, at := nameOf(thing), of.at[n]
		switch {
		case name == "":
			if at.doc.Has("name") {
				r.problems = append(r.problems, at.doc.Problem("name", `expected a name, got ""`, ""))
			}
			continue
		case !snakeCase.MatchString(name):
			r.problems = append(r.problems, at.doc.Problem("name",
				fmt.Sprintf("expected the name of the %s in lower-case letters, digits and underscores, got %q", what, name), ""))
		case slices.Contains(names, name):
			r.problems = append(r.problems, at.doc.Problem("name", fmt.Sprintf("%s %q is declared twice", what, name), ""))
		case at.file != "" && at.file != name:
			r.problems = append(r.problems, at.doc.Problem("name",
				fmt.Sprintf("expected %q, as the file is called, got %q", at.file, name), "rename one of them"))
		}
		names = append(names, name)
	}
	return names
}

// known reports the words of a list that name nothing, or the same twice.
func (r *libraryReader) known(doc *strictyaml.Document, key, what string, words, known []string) {
	for n, word := range words {
		at := strictyaml.Join(key, n)
		if !doc.Has(at) {
			at = key
		}
		switch {
		case slices.Contains(words[:n], word):
			r.problems = append(r.problems, doc.Problem(at, fmt.Sprintf("%s %q is listed twice", what, word), ""))
		case !slices.Contains(known, word):
			unknown := strictyaml.Unknown(what, word, known)
			r.problems = append(r.problems, doc.Problem(at, unknown.Message, unknown.Hint))
		}
	}
}

func texts[T ~string](words []T) []string {
	out := make([]string, len(words))
	for n, word := range words {
		out[n] = string(word)
	}
	return out
}

// parseLibrary reads a library that is one document, with a list for each kind: what
// CustomersDot serves as catalog.
func parseLibrary(doc *strictyaml.Document) (*Catalog, error) {
	var lists struct {
		BackendServices []*strictyaml.Document `yaml:"backend_services"`
		UnitPrimitives  []*strictyaml.Document `yaml:"unit_primitives,required"`
		AddOns          []*strictyaml.Document `yaml:"add_ons"`
		LicenseTypes    []*strictyaml.Document `yaml:"license_types"`
		Operators       []*strictyaml.Document `yaml:"operators"`
		Services        []*strictyaml.Document `yaml:"services"`
	}
	r := &libraryReader{}
	r.problems.Add(doc.Decode(&lists))
	for kind, list := range map[string][]*strictyaml.Document{
		kindPrimitives: lists.UnitPrimitives, kindBackends: lists.BackendServices, kindAddOns: lists.AddOns,
		kindLicenses: lists.LicenseTypes, kindOperators: lists.Operators, kindServices: lists.Services,
	} {
		for _, of := range list {
			if of != nil {
				r.add(kind, place{doc: of})
			}
		}
	}
	return r.catalog()
}

// parseFolder reads a library of a file for each thing, by their paths in its folder.
func parseFolder(files []sourceFile) (*Catalog, error) {
	r := &libraryReader{}
	for _, f := range files {
		doc, err := strictyaml.Parse(f.name, f.data)
		if err != nil {
			r.problems.Add(err)
			continue
		}
		base := path.Base(f.inside)
		r.add(path.Dir(f.inside), place{doc, strings.TrimSuffix(base, path.Ext(base))})
	}
	return r.catalog()
}
