package customersdotstub

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
)

// wire is the catalogue as GitLab 17.9 and later store it: unit primitives with the
// add-ons, backends and licences that each depends on.
type wire struct {
	BackendServices []wireBackend   `json:"backend_services"`
	UnitPrimitives  []*wireScope    `json:"unit_primitives"`
	AddOns          []wireName      `json:"add_ons"`
	LicenseTypes    []wireName      `json:"license_types"`
	Services        []wireBundleSet `json:"services"`
}

type wireName struct {
	Name string `json:"name"`
}

type wireBackend struct {
	Name       string `json:"name"`
	ProjectURL string `json:"project_url"`
	Group      string `json:"group"`
	JWTAud     string `json:"jwt_aud"`
}

type wireScope struct {
	Name                string   `json:"name"`
	Description         string   `json:"description"`
	Group               string   `json:"group"`
	FeatureCategory     string   `json:"feature_category"`
	DocumentationURL    string   `json:"documentation_url"`
	CutOffDate          string   `json:"cut_off_date,omitempty"`
	MinVersion          string   `json:"min_gitlab_version,omitempty"`
	MinVersionForAccess string   `json:"min_gitlab_version_for_free_access,omitempty"`
	BackendServices     []string `json:"backend_services"`
	AddOns              []string `json:"add_ons"`
	LicenseTypes        []string `json:"license_types"`

	cutOff *time.Time
}

type wireBundleSet struct {
	Name               string   `json:"name"`
	BasicUnitPrimitive string   `json:"basic_unit_primitive"`
	GitLabRealm        []string `json:"gitlab_realm"`
	UnitPrimitives     []string `json:"unit_primitives"`
}

// What every entry says of its maintainers: nothing here depends on it.
const (
	wireGroup    = "group::cloud connector"
	wireCategory = "cloud_connector"
	wireDocs     = "https://docs.gitlab.com/development/cloud_connector/"
)

// wireCatalog renders a catalogue. The older forms know services only, so a scope of
// several services takes what is best for the customer of each, as its decision does: the
// add-ons of all, no cut-off if one has none, the lowest versions.
func wireCatalog(c *catalog.Catalog, describe func(service string) string) (json.RawMessage, error) {
	w := wire{
		BackendServices: []wireBackend{}, UnitPrimitives: []*wireScope{}, AddOns: []wireName{},
		LicenseTypes: []wireName{{catalog.PlanPremium}, {catalog.PlanUltimate}},
		Services:     []wireBundleSet{},
	}
	scopes := map[string]*wireScope{}
	for _, s := range c.Services {
		backend := backendName(s.Audience())
		if !slices.ContainsFunc(w.BackendServices, func(b wireBackend) bool { return b.Name == backend }) {
			w.BackendServices = append(w.BackendServices, wireBackend{
				Name: backend, ProjectURL: wireDocs, Group: wireGroup, JWTAud: s.Audience(),
			})
		}
		alone := &catalog.Catalog{Services: []catalog.Service{s}}
		names := alone.Scopes()
		if len(names) == 0 {
			continue
		}
		for _, name := range names {
			scope := scopes[name]
			if scope == nil {
				scope = newWireScope(name, s, describe(s.Name))
				scopes[name] = scope
				w.UnitPrimitives = append(w.UnitPrimitives, scope)
			} else {
				scope.widen(s)
			}
			scope.BackendServices = with(scope.BackendServices, backend)
			for _, b := range s.Bundles {
				if addOn := catalog.NormalizeAddOn(b.AddOn); slices.Contains(b.UnitPrimitives, name) && slices.Contains(alone.AddOns(), addOn) {
					scope.AddOns = with(scope.AddOns, addOn)
				}
			}
		}
		w.Services = append(w.Services, wireBundleSet{
			Name: s.Name, BasicUnitPrimitive: names[0],
			GitLabRealm: []string{"gitlab-com", "self-managed"}, UnitPrimitives: names,
		})
	}
	for _, name := range c.AddOns() {
		w.AddOns = append(w.AddOns, wireName{name})
	}
	for _, scope := range w.UnitPrimitives {
		if scope.cutOff != nil {
			scope.CutOffDate = scope.cutOff.UTC().Format(time.RFC3339)
		}
	}
	return json.Marshal(w)
}

func newWireScope(name string, s catalog.Service, description string) *wireScope {
	scope := &wireScope{
		Name: name, Description: description, Group: wireGroup, FeatureCategory: wireCategory, DocumentationURL: wireDocs,
		MinVersion: s.MinVersion.String(), MinVersionForAccess: s.MinVersionForFreeAccess.String(),
		BackendServices: []string{}, AddOns: []string{}, LicenseTypes: plans(s), cutOff: s.CutOff,
	}
	if description == "" {
		scope.Description = name
	}
	return scope
}

// widen adds a further service of the scope.
func (w *wireScope) widen(s catalog.Service) {
	if s.CutOff == nil || w.cutOff != nil && s.CutOff.After(*w.cutOff) {
		w.cutOff = s.CutOff
	}
	w.MinVersion = lower(w.MinVersion, s.MinVersion)
	w.MinVersionForAccess = lower(w.MinVersionForAccess, s.MinVersionForFreeAccess)
	for _, plan := range plans(s) {
		w.LicenseTypes = with(w.LicenseTypes, plan)
	}
}

func plans(s catalog.Service) []string {
	if len(s.LicenseTypes) > 0 {
		return slices.Clone(s.LicenseTypes)
	}
	return []string{catalog.PlanPremium, catalog.PlanUltimate}
}

// lower is the lower of two minimum versions; one that is not given is the lowest.
func lower(text string, other catalog.Version) string {
	v, err := catalog.ParseVersion(text)
	if err != nil || other.IsZero() {
		return ""
	}
	if v.AtLeast(other) {
		return other.String()
	}
	return text
}

// with adds a word to a list that does not have it.
func with(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

// backendName is how the catalogue names the backend with an audience: ai_gateway is the
// one with gitlab-ai-gateway.
func backendName(audience string) string {
	return strings.ReplaceAll(strings.TrimPrefix(audience, "gitlab-"), "-", "_")
}
