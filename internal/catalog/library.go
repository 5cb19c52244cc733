package catalog

import (
	"slices"
	"strings"
	"time"
)

// Library is a catalog in the form of GitLab's library gitlab-cloud-connector (G3 and,
// with operators, G4). Its JSON is what CustomersDot serves as catalog.
type Library struct {
	BackendServices []BackendService `json:"backend_services"`
	UnitPrimitives  []UnitPrimitive  `json:"unit_primitives"`
	AddOns          []Named          `json:"add_ons"`
	LicenseTypes    []Named          `json:"license_types"`
	Operators       []Operator       `json:"operators,omitempty"`
	Services        []ServiceMap     `json:"services"`
}

// UnitPrimitive is the least that can be granted: a scope.
type UnitPrimitive struct {
	Name                    string     `yaml:"name,required" json:"name"`
	Description             string     `yaml:"description,required" json:"description"`
	Group                   string     `yaml:"group,required" json:"group"`
	FeatureCategory         string     `yaml:"feature_category,required" json:"feature_category"`
	DocumentationURL        string     `yaml:"documentation_url,required" json:"documentation_url"`
	Milestone               string     `yaml:"milestone" json:"milestone,omitempty"`
	IntroducedByURL         string     `yaml:"introduced_by_url" json:"introduced_by_url,omitempty"`
	UnitPrimitiveIssueURL   string     `yaml:"unit_primitive_issue_url" json:"unit_primitive_issue_url,omitempty"`
	DeprecatedByURL         string     `yaml:"deprecated_by_url" json:"deprecated_by_url,omitempty"`
	DeprecationMessage      string     `yaml:"deprecation_message" json:"deprecation_message,omitempty"`
	AliasNames              []string   `yaml:"alias_names" json:"alias_names,omitempty"`
	CutOff                  *time.Time `yaml:"cut_off_date,nullable" json:"cut_off_date,omitempty"`
	MinVersion              Version    `yaml:"min_gitlab_version" json:"min_gitlab_version,omitzero"`
	MinVersionForFreeAccess Version    `yaml:"min_gitlab_version_for_free_access" json:"min_gitlab_version_for_free_access,omitzero"`
	BackendServices         []string   `yaml:"backend_services" json:"backend_services"`
	AddOns                  []string   `yaml:"add_ons" json:"add_ons"`
	LicenseTypes            []string   `yaml:"license_types" json:"license_types"`
	Operators               []string   `yaml:"operators" json:"operators,omitempty"`

	places map[string]Place // of its keys, and of itself under ""
}

// decidingKeys are the keys of a unit primitive that a decision may come from.
func decidingKeys() []string {
	return []string{
		"cut_off_date", "min_gitlab_version", "min_gitlab_version_for_free_access",
		kindBackends, kindAddOns, kindLicenses, kindOperators,
	}
}

// BackendService is a backend, with the audience that tokens for it have.
type BackendService struct {
	Name        string `yaml:"name,required" json:"name"`
	Description string `yaml:"description" json:"description,omitempty"`
	ProjectURL  string `yaml:"project_url,required" json:"project_url"`
	Group       string `yaml:"group,required" json:"group"`
	JWTAud      string `yaml:"jwt_aud,required" json:"jwt_aud"`
}

// Named is an add-on or a licence type, of which there is nothing to say but its name.
type Named struct {
	Name        string `yaml:"name,required" json:"name"`
	Description string `yaml:"description" json:"description,omitempty"`
}

// Operator is who runs a unit primitive: GitLab, the customer or somebody else. It may
// ask for add-ons and licence types of its own, any of each.
type Operator struct {
	Name         string   `yaml:"name,required" json:"name"`
	Description  string   `yaml:"description" json:"description,omitempty"`
	AddOns       []string `yaml:"add_ons" json:"add_ons"`
	LicenseTypes []string `yaml:"license_types" json:"license_types"`
}

// ServiceMap groups unit primitives to the service that GitLab up to 18.8 knows.
type ServiceMap struct {
	Name               string   `yaml:"name,required" json:"name"`
	Description        string   `yaml:"description" json:"description,omitempty"`
	BasicUnitPrimitive string   `yaml:"basic_unit_primitive" json:"basic_unit_primitive"` // the first if empty
	Realms             []Realm  `yaml:"gitlab_realm" json:"gitlab_realm"`                 // all if empty
	UnitPrimitives     []string `yaml:"unit_primitives,required" json:"unit_primitives"`
}

// Realm is a deployment as the library names it.
type Realm string

// The realms.
const (
	GitLabCom   Realm = "gitlab-com"
	SelfManaged Realm = "self-managed"
)

// Realms are both of them.
func Realms() []Realm { return []Realm{GitLabCom, SelfManaged} }

// entries are what Decide looks at: a service for each unit primitive.
func (l *Library) entries() []Service {
	audiences, operators := map[string]string{}, map[string]Operator{}
	for _, b := range l.BackendServices {
		audiences[b.Name] = b.JWTAud
	}
	for _, o := range l.Operators {
		operators[o.Name] = o
	}
	services := make([]Service, len(l.UnitPrimitives))
	for n, p := range l.UnitPrimitives {
		s := Service{
			Name: p.Name, Generation: G3, CutOff: p.CutOff,
			MinVersion: p.MinVersion, MinVersionForFreeAccess: p.MinVersionForFreeAccess, places: p.places,
			Bundles: []Bundle{}, LicenseTypes: p.LicenseTypes,
		}
		var backends []string
		for _, name := range p.BackendServices {
			backends = append(backends, audiences[name])
		}
		if backends = unique(backends); len(backends) > 0 {
			s.Backend, s.AlsoFor = backends[0], backends[1:]
		}
		for _, addOn := range p.AddOns {
			s.Bundles = append(s.Bundles, Bundle{AddOn: addOn, UnitPrimitives: []string{p.Name}})
		}
		if len(s.Bundles) == 0 {
			s.Bundles = append(s.Bundles, Bundle{UnitPrimitives: []string{p.Name}})
		}
		for _, name := range p.Operators {
			s.Generation = G4
			s.Operators = append(s.Operators, operators[name])
		}
		services[n] = s
	}
	return services
}

// legacy is the view of l that GitLab's AvailableServicesGenerator makes for a realm:
// the services, and each unit primitive that is none as one of its own, sorted.
func (l *Library) legacy(realm Realm) []Service {
	byName := map[string]Service{}
	for _, s := range l.entries() {
		byName[s.Name] = s
	}
	maps := slices.Clone(l.Services)
	for _, p := range l.UnitPrimitives {
		if !slices.ContainsFunc(l.Services, func(m ServiceMap) bool { return m.Name == p.Name }) {
			maps = append(maps, ServiceMap{Name: p.Name, UnitPrimitives: []string{p.Name}})
		}
	}
	slices.SortFunc(maps, func(a, b ServiceMap) int { return strings.Compare(a.Name, b.Name) })
	var services []Service
	for _, m := range maps {
		if len(m.Realms) > 0 && !slices.Contains(m.Realms, realm) {
			continue
		}
		sample := byName[m.basic()] // it stands for all of them
		s := Service{
			Name: m.Name, Generation: sample.Generation, Backend: sample.Backend, CutOff: sample.CutOff,
			MinVersion: sample.MinVersion, MinVersionForFreeAccess: sample.MinVersionForFreeAccess,
			LicenseTypes: sample.LicenseTypes,
		}
		for _, name := range m.UnitPrimitives {
			for _, b := range byName[name].Bundles {
				if !b.Sold() {
					b.AddOn = irrelevantAddOn
				}
				s.bundle(b.AddOn, name)
			}
		}
		if m.Name == selfHostedModels {
			s.Bundles = slices.DeleteFunc(s.Bundles, func(b Bundle) bool { return b.AddOn != "duo_enterprise" })
		}
		services = append(services, s)
	}
	return services
}

// selfHostedModels is a service that the generator sells with Duo Enterprise alone.
const selfHostedModels = "self_hosted_models"

func (m ServiceMap) basic() string {
	if m.BasicUnitPrimitive == "" && len(m.UnitPrimitives) > 0 {
		return m.UnitPrimitives[0]
	}
	return m.BasicUnitPrimitive
}

// bundle adds a scope to the bundle of an add-on.
func (s *Service) bundle(addOn, scope string) {
	for n := range s.Bundles {
		if s.Bundles[n].AddOn == addOn {
			s.Bundles[n].UnitPrimitives = append(s.Bundles[n].UnitPrimitives, scope)
			return
		}
	}
	s.Bundles = append(s.Bundles, Bundle{AddOn: addOn, UnitPrimitives: []string{scope}})
}

// LegacyServices are the services that GitLab up to 18.8 knows in a realm. Those of a
// cloud_connector.yml are the same for both.
func (c *Catalog) LegacyServices(realm Realm) []Service {
	if c.Library == nil {
		return c.Services
	}
	return append(c.Library.legacy(realm), c.Services[len(c.Library.UnitPrimitives):]...)
}
