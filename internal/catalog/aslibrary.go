package catalog

import (
	"slices"
	"strings"
)

// What the entries of a cloud_connector.yml, which does not say, have for their
// maintainers: nothing here depends on it.
const (
	unknownGroup    = "group::cloud connector"
	unknownCategory = "cloud_connector"
	unknownDocs     = "https://docs.gitlab.com/development/cloud_connector/"
)

// AsLibrary is c in the form of a library, as GitLab 17.9 and later store it. Older forms
// know services only, so a scope of several services takes what is best for the customer
// of each, as its decision does: the add-ons of all, no cut-off if one has none, the
// lowest versions. Describe gives a service's description; empty means the name.
func (c *Catalog) AsLibrary(describe func(service string) string) *Library {
	l, services := &Library{LicenseTypes: []Named{{Name: PlanPremium}, {Name: PlanUltimate}}}, c.Services
	if c.Library != nil {
		known := *c.Library
		known.UnitPrimitives = slices.Clone(known.UnitPrimitives)
		known.Services = slices.Clip(known.Services)
		known.BackendServices, known.AddOns = slices.Clip(known.BackendServices), slices.Clip(known.AddOns)
		l, services = &known, services[len(known.UnitPrimitives):]
	}
	at := map[string]int{}
	for n, p := range l.UnitPrimitives {
		at[p.Name] = n
	}
	for _, s := range services {
		backend := l.backend(s.Audience())
		scopes := s.Scopes()
		for _, name := range scopes {
			n, there := at[name]
			if !there {
				n = len(l.UnitPrimitives)
				at[name] = n
				l.UnitPrimitives = append(l.UnitPrimitives, newUnitPrimitive(name, s, describe(s.Name)))
			}
			p := &l.UnitPrimitives[n]
			if there {
				p.widen(s)
			}
			p.BackendServices = with(p.BackendServices, backend)
			for _, addOn := range s.addOns(name) {
				p.AddOns = with(p.AddOns, addOn)
				if !slices.ContainsFunc(l.AddOns, func(n Named) bool { return n.Name == addOn }) {
					l.AddOns = append(l.AddOns, Named{Name: addOn})
				}
			}
		}
		if len(scopes) > 0 {
			l.Services = append(l.Services, ServiceMap{
				Name: s.Name, BasicUnitPrimitive: scopes[0], Realms: Realms(), UnitPrimitives: scopes,
			})
		}
	}
	l.fill()
	return l
}

// backend is the name of the backend with an audience, which is added if it is new:
// ai_gateway is the one with gitlab-ai-gateway.
func (l *Library) backend(audience string) string {
	for _, b := range l.BackendServices {
		if b.JWTAud == audience {
			return b.Name
		}
	}
	name := strings.ReplaceAll(strings.TrimPrefix(audience, "gitlab-"), "-", "_")
	l.BackendServices = append(l.BackendServices, BackendService{
		Name: name, ProjectURL: unknownDocs, Group: unknownGroup, JWTAud: audience,
	})
	return name
}

func newUnitPrimitive(name string, s Service, description string) UnitPrimitive {
	p := UnitPrimitive{
		Name: name, Description: description, Group: unknownGroup, FeatureCategory: unknownCategory, DocumentationURL: unknownDocs,
		CutOff: s.CutOff, MinVersion: s.MinVersion, MinVersionForFreeAccess: s.FreeAccessMinimum(),
		LicenseTypes: s.plans(),
	}
	if description == "" {
		p.Description = name
	}
	return p
}

// widen adds a further service of the unit primitive.
func (p *UnitPrimitive) widen(s Service) {
	if s.CutOff == nil || p.CutOff != nil && s.CutOff.After(*p.CutOff) {
		p.CutOff = s.CutOff
	}
	p.MinVersion = lower(p.MinVersion, s.MinVersion)
	p.MinVersionForFreeAccess = lower(p.MinVersionForFreeAccess, s.FreeAccessMinimum())
	p.BackendServices, p.AddOns = slices.Clip(p.BackendServices), slices.Clip(p.AddOns)
	p.LicenseTypes = slices.Clip(p.LicenseTypes)
	for _, plan := range s.plans() {
		p.LicenseTypes = with(p.LicenseTypes, plan)
	}
}

// plans are those that may use s.
func (s Service) plans() []string {
	if len(s.LicenseTypes) > 0 {
		return slices.Clone(s.LicenseTypes)
	}
	return Plans()
}

// lower is the lower of two minimum versions; one that is not given is the lowest.
func lower(a, b Version) Version {
	if a.IsZero() || b.IsZero() {
		return Version{}
	}
	if a.AtLeast(b) {
		return b
	}
	return a
}

// with adds a word to a list that does not have it.
func with(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}
