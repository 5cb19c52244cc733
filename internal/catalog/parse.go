package catalog

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// defaultsBlock is the block that the environments merge.
const defaultsBlock = "defaults"

// environments are the names that a block may have. CustomersDot calls staging
// stg and stg-ref as well.
func environments() []string {
	return []string{
		defaultsBlock, DefaultEnvironment, "test", "staging", "production",
		"dev", "stg", "stg-ref", "prod",
	}
}

// Parse reads a catalog. Of a cloud_connector.yml it takes the block of env
// (DefaultEnvironment if empty), or "defaults" if the file has no such block.
// All blocks must be sound, also those that are not taken. A document that has
// nothing but services is Rails' access_data.yml, and one with unit_primitives
// a library; neither has environments. The error is strictyaml.Problems.
func Parse(file string, data []byte, env string) (*Catalog, error) {
	if env == "" {
		env = DefaultEnvironment
	}
	doc, err := strictyaml.Parse(file, data)
	if err != nil {
		return nil, err
	}
	switch formOf(doc, env) {
	case library:
		return parseLibrary(doc)
	case accessData:
		c, err := parseBlock(doc, "")
		if err != nil {
			return nil, err
		}
		return c, nil
	case piece:
		return nil, strictyaml.Problems{doc.Problem("", "this is one file of a library, which is no catalog alone",
			"give the folder that "+kindPrimitives+" is in")}
	case unknownForm:
		return nil, strictyaml.Problems{doc.Problem("", "nothing tells what form of catalog this is",
			"a cloud_connector.yml has defaults or an environment, Rails' access_data.yml services, and a library "+kindPrimitives)}
	case perEnvironment:
	}
	var problems strictyaml.Problems
	var blocks map[string]*strictyaml.Document
	problems.Add(doc.Decode(&blocks))
	known := unique(append(environments(), env))
	catalogs := make(map[string]*Catalog)
	for _, name := range doc.Keys("") {
		path := strictyaml.Join("", name)
		switch {
		case name == "services":
			problems.Add(doc.KeyProblem(path, "services at the top level belong to no environment",
				"put them below \"defaults: &defaults\", indented deeper"))
			continue
		case !slices.Contains(known, name):
			unknown := strictyaml.Unknown("environment", name, known)
			problems.Add(doc.KeyProblem(path, unknown.Message, unknown.Hint))
			continue
		}
		c, err := parseBlock(doc, path)
		problems.Add(err)
		catalogs[name] = c
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, name := range []string{env, defaultsBlock} {
		if c := catalogs[name]; c != nil {
			return c, nil
		}
	}
	return nil, strictyaml.Problems{doc.Problem("", fmt.Sprintf("there is no block for the environment %q", env),
		"add one, or \"defaults\"")}
}

// parseBlock reads the block of one environment.
func parseBlock(doc *strictyaml.Document, path string) (*Catalog, error) {
	block, ok := doc.Slice(path)
	if !ok {
		return nil, nil
	}
	var shape struct {
		Services map[string]*strictyaml.Document `yaml:"services,required"`
	}
	var problems strictyaml.Problems
	problems.Add(block.Decode(&shape))
	c := &Catalog{}
	above := ""
	for _, name := range block.Keys("services") {
		path := strictyaml.Join("services", name)
		if slices.Contains(serviceKeys(), name) && !block.IsMapping(path) {
			hint := "indent it deeper"
			if above != "" {
				hint = fmt.Sprintf("indent it deeper than %q, to which it belongs", above)
			}
			problems.Add(block.KeyProblem(path, fmt.Sprintf("%q stands where the name of a service is expected", name), hint))
			continue
		}
		above = name
		s, err := ParseService(block, path, name)
		problems.Add(err)
		c.Services = append(c.Services, s)
	}
	return c, problems.Err()
}

// serviceYAML has the keys of a service in all the forms of the file.
type serviceYAML struct {
	Backend          string               `yaml:"backend"`
	ServiceStartTime *time.Time           `yaml:"service_start_time,nullable"`
	CutOffDate       *time.Time           `yaml:"cut_off_date,nullable"`
	MinVersion       Version              `yaml:"min_gitlab_version"`
	ForBeta          Version              `yaml:"min_gitlab_version_for_beta"`
	ForFreeAccess    Version              `yaml:"min_gitlab_version_for_free_access"`
	BundledWith      *strictyaml.Document `yaml:"bundled_with"`
	LicenseTypes     []string             `yaml:"license_types"`
}

// ServiceShape is the type that a service is decoded into, for who describes the format.
func ServiceShape() reflect.Type { return reflect.TypeFor[serviceYAML]() }

func serviceKeys() []string {
	return []string{
		"backend", "service_start_time", "cut_off_date", "min_gitlab_version", "min_gitlab_version_for_beta",
		"min_gitlab_version_for_free_access", "bundled_with", "license_types",
	}
}

// oneWord is what a service or scope may be called: it travels in a list of
// words, and in paths.
var oneWord = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*$`)

// ParseService reads one service: the block found at path in doc, be it part of
// a cloud_connector.yml or the cloud_connector of a feature file, which has the
// same keys. The error is strictyaml.Problems.
func ParseService(doc *strictyaml.Document, path, name string) (Service, error) {
	block, ok := doc.Slice(path)
	if !ok {
		return Service{}, strictyaml.Problems{doc.Problem(path, "a block of keys is missing", "")}
	}
	var problems strictyaml.Problems
	var y serviceYAML
	problems.Add(block.Decode(&y))

	s := Service{Name: name, Backend: y.Backend, CutOff: y.ServiceStartTime, MinVersion: y.MinVersion, LicenseTypes: y.LicenseTypes}
	if !oneWord.MatchString(name) {
		problems.Add(block.KeyProblem("", fmt.Sprintf("expected one word as the name of a service, got %q", name), ""))
	}
	switch {
	case !block.Has("cut_off_date"):
	case block.Has("service_start_time"):
		problems.Add(block.KeyProblem("cut_off_date", "cut_off_date and service_start_time mean the same", "keep one of them"))
	default:
		s.CutOff = y.CutOffDate
	}
	s.MinVersionForFreeAccess = y.ForFreeAccess
	switch {
	case !block.Has("min_gitlab_version_for_beta"):
	case block.Has("min_gitlab_version_for_free_access"):
		problems.Add(block.KeyProblem("min_gitlab_version_for_beta",
			"min_gitlab_version_for_beta is the old name of min_gitlab_version_for_free_access", "keep one of them"))
	default:
		s.MinVersionForFreeAccess = y.ForBeta
	}
	for i, plan := range y.LicenseTypes {
		if !slices.Contains(Plans(), plan) {
			unknown := strictyaml.Unknown("license type", plan, Plans())
			problems.Add(block.Problem(strictyaml.Join("license_types", i), unknown.Message, unknown.Hint))
		}
	}
	bundles, err := parseBundles(block, y.BundledWith, name)
	problems.Add(err)
	s.Bundles = bundles
	s.Generation = generation(block)
	s.places = placesOf(block, name, serviceKeys())
	return s, problems.Err()
}

// generation tells the form of a service by the keys it has.
func generation(block *strictyaml.Document) Generation {
	switch {
	case block.Has("cut_off_date"), block.Has("min_gitlab_version_for_free_access"), block.Has("license_types"),
		block.IsMapping("bundled_with"):
		return G2
	case block.Has("backend"):
		return G1
	}
	return G0
}

// parseBundles reads bundled_with: an add-on, which has the one scope that is
// called like the service, or a block of add-ons with their unit primitives.
func parseBundles(block, bundled *strictyaml.Document, name string) ([]Bundle, error) {
	if bundled == nil {
		return []Bundle{{UnitPrimitives: []string{name}}}, nil
	}
	if !bundled.IsMapping("") {
		var addOn string
		if err := bundled.Decode(&addOn); err != nil {
			return nil, err
		}
		if addOn == "" {
			return nil, strictyaml.Problems{bundled.Problem("", "expected the name of an add-on, got \"\"", "remove the key if the service is not sold")}
		}
		return []Bundle{{AddOn: addOn, UnitPrimitives: []string{name}}}, nil
	}
	var shapes map[string]struct {
		UnitPrimitives []string `yaml:"unit_primitives,required"`
	}
	var problems strictyaml.Problems
	problems.Add(bundled.Decode(&shapes))
	var bundles []Bundle
	for _, addOn := range bundled.Keys("") {
		list := shapes[addOn].UnitPrimitives
		path := strictyaml.Join("", addOn, "unit_primitives")
		if len(list) == 0 && bundled.Has(path) {
			problems.Add(bundled.KeyProblem(path, "expected at least one unit primitive, got none", ""))
		}
		seen := make(map[string]bool, len(list))
		for i, scope := range list {
			at := strictyaml.Join(path, i)
			if seen[scope] {
				problems.Add(bundled.Problem(at, fmt.Sprintf("scope %q is listed twice", scope), ""))
			} else if !oneWord.MatchString(scope) {
				problems.Add(bundled.Problem(at, fmt.Sprintf("expected one word as the name of a scope, got %q", scope), ""))
			}
			seen[scope] = true
		}
		bundles = append(bundles, Bundle{AddOn: addOn, UnitPrimitives: list})
	}
	if len(bundles) == 0 {
		problems.Add(block.KeyProblem("bundled_with", "expected at least one add-on, got none",
			fmt.Sprintf("write %s if there is none to buy", dummyAddOn)))
	}
	return bundles, problems.Err()
}
