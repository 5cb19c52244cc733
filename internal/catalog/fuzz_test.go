package catalog_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// FuzzParse holds that no file makes Parse panic, that a refusal is made of
// problems, and that what is accepted can be decided on, written and read back.
func FuzzParse(f *testing.F) {
	f.Add(tutorialYAML, "")
	f.Add(mixedYAML, "test")
	f.Add("defaults:\n  services: {a: {bundled_with: {b: {unit_primitives: [c, d]}}, cut_off_date: null}}\n", "production")
	f.Add("defaults:\n  services:\n    a:\n    service_start_time: 2024-02-15\n", "")
	f.Add("defaults: &d {services: {a: {backend: b}}}\ndevelopment: {<<: *d, services: {}}\n", "development")
	f.Add("services: {}", "services")
	f.Add("services: {sast: {backend: b, bundled_with: {_irrelevant: {unit_primitives: [security_scans]}}}}", "")
	f.Add("unit_primitives: [{name: a, description: '', group: g, feature_category: c, documentation_url: u, add_ons: [x]}]\nadd_ons: [{name: x}]\n", "")
	f.Add("unit_primitives:\n  - &a {name: a, description: d, group: g, feature_category: c, documentation_url: u, operators: [x_operator]}\n  - {<<: *a, name: b}\noperators: [{name: x_operator, license_types: [l]}]\nlicense_types: [{name: l}]\nservices: [{name: s, unit_primitives: [b, a]}]\n", "")
	f.Add("name: a\nunit_primitives: [b]\n", "")
	f.Fuzz(func(t *testing.T, text, env string) {
		c, err := catalog.Parse("c.yml", []byte(text), env)
		if err != nil {
			if c != nil || !errors.As(err, new(strictyaml.Problems)) || err.Error() == "" {
				t.Fatalf("expected problems and no catalog, got %T: %v", err, err)
			}
			return
		}
		decision := catalog.Decide(c.Unplaced(), catalog.Facts{Now: past, License: &catalog.License{}})
		if len(decision.Scopes) != len(c.Scopes()) {
			t.Fatalf("expected a decision about each of %q, got %+v", c.Scopes(), decision)
		}
		for _, realm := range catalog.Realms() {
			catalog.Decide(&catalog.Catalog{Services: c.LegacyServices(realm)}, catalog.Facts{Now: past})
		}
		back, err := catalog.Parse("c.yml", c.YAML(), "")
		if err != nil {
			t.Fatalf("cannot read back: %v\n%s", err, c.YAML())
		}
		if again := catalog.Decide(back.Unplaced(), catalog.Facts{Now: past, License: &catalog.License{}}); !reflect.DeepEqual(decision, again) {
			t.Fatalf("read back it decides otherwise:\n%+v\n%+v\n%s", decision, again, c.YAML())
		}
	})
}
