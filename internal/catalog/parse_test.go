package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// tutorialYAML is the tutorial's file.
const tutorialYAML = `defaults: &defaults
  services:
    new_feature_scope:
      service_start_time: 2024-02-15 00:00:00 UTC
      min_gitlab_version: '16.8'
      bundled_with: 'duo_pro'
`

// mixedYAML has services of all forms, and environments.
const mixedYAML = `defaults: &defaults
  services:
    new_feature_scope: # G0
      service_start_time: 2024-02-15 00:00:00 UTC
      min_gitlab_version: '16.8'
      min_gitlab_version_for_beta: '16.7'
      bundled_with: duo_pro
    observability: # G1
      backend: gitlab-observability-backend
      min_gitlab_version: '16.11'
    duo_chat: # G2
      backend: gitlab-ai-gateway
      cut_off_date: 2024-10-17T00:00:00+00:00
      min_gitlab_version: '16.10'
      min_gitlab_version_for_free_access: '16.8'
      license_types: [premium, ultimate]
      bundled_with:
        duo_pro:
          unit_primitives:
            - duo_chat
            - documentation_search
        duo_enterprise:
          unit_primitives: [duo_chat, documentation_search, ask_build]
    duo_workflow:
      backend: gitlab-duo-workflow-service
      cut_off_date:
      bundled_with:
        _irrelevant_: # not looked at without a cut-off date
          unit_primitives: [duo_workflow_execute_workflow]
development:
  <<: *defaults
test:
  <<: *defaults
  services:
    only_in_tests: {min_gitlab_version: '17.0'}
staging: *defaults
production:
  <<: *defaults
`

func mixed(t testing.TB) []catalog.Service {
	chatCutOff := time.Date(2024, 10, 17, 0, 0, 0, 0, time.UTC)
	return []catalog.Service{
		{
			Name: "new_feature_scope", CutOff: &cutOff, MinVersion: version(t, "16.8"), MinVersionForFreeAccess: version(t, "16.7"),
			Bundles: []catalog.Bundle{{AddOn: "duo_pro", UnitPrimitives: []string{"new_feature_scope"}}},
		},
		{
			Name: "observability", Generation: catalog.G1, Backend: "gitlab-observability-backend", MinVersion: version(t, "16.11"),
			Bundles: []catalog.Bundle{{UnitPrimitives: []string{"observability"}}},
		},
		{
			Name: "duo_chat", Generation: catalog.G2, Backend: "gitlab-ai-gateway", CutOff: &chatCutOff,
			MinVersion: version(t, "16.10"), MinVersionForFreeAccess: version(t, "16.8"), LicenseTypes: []string{"premium", "ultimate"},
			Bundles: []catalog.Bundle{
				{AddOn: "duo_pro", UnitPrimitives: []string{"duo_chat", "documentation_search"}},
				{AddOn: "duo_enterprise", UnitPrimitives: []string{"duo_chat", "documentation_search", "ask_build"}},
			},
		},
		{
			Name: "duo_workflow", Generation: catalog.G2, Backend: "gitlab-duo-workflow-service",
			Bundles: []catalog.Bundle{{AddOn: "_irrelevant_", UnitPrimitives: []string{"duo_workflow_execute_workflow"}}},
		},
	}
}

func TestParseTutorial(t *testing.T) {
	for _, env := range []string{"", "development", "production", "anything"} {
		c, err := catalog.Parse("cloud_connector.yml", []byte(tutorialYAML), env)
		require.NoError(t, err)
		require.Equal(t, []catalog.Service{tutorial(t)}, c.Unplaced().Services)
	}
}

func TestParseMixed(t *testing.T) {
	for _, env := range []string{"", "development", "staging", "production", "stg-ref"} {
		c, err := catalog.Parse("cloud_connector.yml", []byte(mixedYAML), env)
		require.NoError(t, err, env)
		require.Equal(t, mixed(t), c.Unplaced().Services, env)
	}
	c, err := catalog.Parse("cloud_connector.yml", []byte(mixedYAML), "test")
	require.NoError(t, err)
	require.Equal(t, []string{"only_in_tests"}, c.Scopes(), "a merge is shallow: the block's own services replace the others")
}

func TestParseForms(t *testing.T) {
	for _, c := range []struct {
		name, block string
		generation  catalog.Generation
		free        string // minimum for free access
		addOn       string
	}{
		{"bare G0", "min_gitlab_version: '16.8'", catalog.G0, "16.8", ""},
		{"both minima", "{min_gitlab_version: '16.8', min_gitlab_version_for_beta: '16.6'}", catalog.G0, "16.6", ""},
		{"G1", "{backend: b, min_gitlab_version: '16.8', bundled_with: a}", catalog.G1, "16.8", "a"},
		{"new name of the cut-off", "{cut_off_date: 2024-02-15, min_gitlab_version: '16.8', bundled_with: a}", catalog.G2, "", "a"},
		{"map of add-ons, old names", "{service_start_time: 2024-02-15, min_gitlab_version_for_beta: '16.6', bundled_with: {a: {unit_primitives: [s]}}}", catalog.G2, "16.6", "a"},
		{"no cut-off", "{cut_off_date: null, backend: b}", catalog.G2, "", ""},
	} {
		file := "defaults:\n  services:\n    s: " + c.block + "\n"
		if !strings.HasPrefix(c.block, "{") {
			file = "defaults:\n  services:\n    s:\n      " + c.block + "\n"
		}
		got, err := catalog.Parse("c.yml", []byte(file), "")
		require.NoError(t, err, c.name)
		s := got.Services[0]
		require.Equal(t, c.generation, s.Generation, c.name)
		require.Equal(t, c.free, s.FreeAccessMinimum().String(), c.name)
		require.Equal(t, []catalog.Bundle{{AddOn: c.addOn, UnitPrimitives: []string{"s"}}}, s.Bundles, c.name)
		require.Equal(t, c.addOn != "", s.Bundles[0].Sold(), c.name)
	}
}

// problems drops the excerpts of an error.
func problems(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "> ") {
			out = append(out, line)
		}
	}
	return out
}

func TestParseRefuses(t *testing.T) {
	// in puts the keys of a service where they belong: on line 4, at column 7.
	in := func(keys ...string) string {
		return "defaults: &defaults\n  services:\n    foo:\n      " + strings.Join(keys, "\n      ") + "\n"
	}
	const at = "defaults.services.foo"
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"empty", "", []string{"c.yml:1:1: the file is empty"}},
		{"a list", "- a\n", []string{"c.yml:1:1: expected a block of keys, got a list"}},
		{
			"published example, keys deeper than the first",
			"defaults: &defaults\n  services:\n    new_feature_scope:\n     service_start_time: 2024-02-15 00:00:00 UTC\n      min_gitlab_version: '16.8'\n      bundled_with: 'duo_pro'\n",
			[]string{`c.yml:5:7: "min_gitlab_version" is indented deeper than the key before it, which has a value already (check the indentation: line 4 has 5 spaces before its key, line 5 has 6 spaces)`},
		},
		{
			"first key not deeper than the service",
			"defaults: &defaults\n  services:\n    new_feature_scope:\n    service_start_time: 2024-02-15 00:00:00 UTC\n      min_gitlab_version: '16.8'\n",
			[]string{`c.yml:5:7: "min_gitlab_version" is indented deeper than the key before it, which has a value already (check the indentation: line 4 has 4 spaces before its key, line 5 has 6 spaces)`},
		},
		{
			"keys beside the service",
			"defaults:\n  services:\n    foo:\n    service_start_time: 2024-02-15\n    min_gitlab_version: '16.8'\n",
			[]string{
				"c.yml:3:5: " + at + ": expected a block of keys, got nothing (what belongs to it must be indented deeper than it)",
				`c.yml:4:5: defaults.services.service_start_time: "service_start_time" stands where the name of a service is expected (indent it deeper than "foo", to which it belongs)`,
				`c.yml:5:5: defaults.services.min_gitlab_version: "min_gitlab_version" stands where the name of a service is expected (indent it deeper than "foo", to which it belongs)`,
			},
		},
		{
			"services at the top", "services:\n  foo: {backend: b}\ndefaults:\n  services: {}\n",
			[]string{`c.yml:1:1: services: services at the top level belong to no environment (put them below "defaults: &defaults", indented deeper)`},
		},
		{"no services", "defaults:\n  servces: {}\n", []string{
			`c.yml:1:1: defaults: key "services" is missing`,
			`c.yml:2:3: defaults: unknown key "servces" (did you mean "services"?)`,
		}},
		{"environment misspelt", tutorialYAML + "developmnt:\n  <<: *defaults\n", []string{`c.yml:7:1: developmnt: unknown environment "developmnt" (did you mean "development"?)`}},
		{"no block for the environment", "production:\n  services: {}\n", []string{`c.yml:1:1: there is no block for the environment "development" (add one, or "defaults")`}},
		{"key misspelt", in("min_gitlb_version: '16.8'"), []string{`c.yml:4:7: ` + at + `: unknown key "min_gitlb_version" (did you mean "min_gitlab_version"?)`}},
		{"version without quotes", in("min_gitlab_version: 16.10"), []string{"c.yml:4:27: " + at + ".min_gitlab_version: expected a string, got the number 16.10 (quote it: '16.10'; without quotes 16.10 is read as the number 16.1)"}},
		{"no version", in("min_gitlab_version: latest"), []string{"c.yml:4:27: " + at + `.min_gitlab_version: expected a GitLab version such as 16.8 or 16.9.2-ee, got "latest"`}},
		{"bad date", in("service_start_time: 2024-02-30 00:00:00 UTC"), []string{"c.yml:4:27: " + at + `.service_start_time: no such date or time: "2024-02-30 00:00:00 UTC"`}},
		{"other zone", in("cut_off_date: 2024-02-15 00:00:00 PST"), []string{"c.yml:4:21: " + at + `.cut_off_date: expected a time such as 2024-02-15 00:00:00 UTC, 2024-02-15T00:00:00Z or 2024-02-15, got "2024-02-15 00:00:00 PST"`}},
		{"both names of the cut-off", in("service_start_time: 2024-02-15", "cut_off_date: 2024-02-15"), []string{"c.yml:5:7: " + at + ".cut_off_date: cut_off_date and service_start_time mean the same (keep one of them)"}},
		{"both names of the free minimum", in("min_gitlab_version_for_beta: '16.8'", "min_gitlab_version_for_free_access: '16.8'"), []string{
			"c.yml:4:7: " + at + ".min_gitlab_version_for_beta: min_gitlab_version_for_beta is the old name of min_gitlab_version_for_free_access (keep one of them)",
		}},
		{"service twice", tutorialYAML + "    new_feature_scope:\n      backend: b\n", []string{`c.yml:7:5: defaults.services: key "new_feature_scope" is given twice, first at line 3`}},
		{"scope twice in a bundle", in("bundled_with: {duo_pro: {unit_primitives: [a, b, a]}}"), []string{"c.yml:4:56: " + at + `.bundled_with.duo_pro.unit_primitives[2]: scope "a" is listed twice`}},
		{"add-on twice", in("bundled_with:", "  duo_pro: {unit_primitives: [a]}", "  duo_pro: {unit_primitives: [b]}"), []string{"c.yml:6:9: " + at + `.bundled_with: key "duo_pro" is given twice, first at line 5`}},
		{"bundle without primitives", in("bundled_with: {duo_pro: {unit_primitives: []}}"), []string{"c.yml:4:32: " + at + ".bundled_with.duo_pro.unit_primitives: expected at least one unit primitive, got none"}},
		{"bundle misspelt", in("bundled_with: {duo_pro: {unit_primitive: [a]}}"), []string{
			"c.yml:4:22: " + at + `.bundled_with.duo_pro: key "unit_primitives" is missing`,
			"c.yml:4:32: " + at + `.bundled_with.duo_pro: unknown key "unit_primitive" (did you mean "unit_primitives"?)`,
		}},
		{"no bundle", in("bundled_with: {}"), []string{"c.yml:4:7: " + at + ".bundled_with: expected at least one add-on, got none (write _irrelevant_ if there is none to buy)"}},
		{"list of add-ons", in("bundled_with: [duo_pro]"), []string{"c.yml:4:7: " + at + ".bundled_with: expected a string, got a list"}},
		{"unfinished add-on", in("bundled_with:"), []string{"c.yml:4:7: " + at + ".bundled_with: expected a string, got nothing (write '' for an empty text, or remove the key)"}},
		{"empty add-on", in("bundled_with: ''"), []string{"c.yml:4:21: " + at + `.bundled_with: expected the name of an add-on, got "" (remove the key if the service is not sold)`}},
		{"scope of two words", in("bundled_with: {a: {unit_primitives: [x y]}}"), []string{"c.yml:4:44: " + at + `.bundled_with.a.unit_primitives[0]: expected one word as the name of a scope, got "x y"`}},
		{"service of two words", "defaults:\n  services:\n    a b: {backend: c}\n", []string{`c.yml:3:5: defaults.services.a b: expected one word as the name of a service, got "a b"`}},
		{"license type", in("license_types: [ultimat]"), []string{"c.yml:4:23: " + at + `.license_types[0]: unknown license type "ultimat" (did you mean "ultimate"?)`}},
		{
			"several at once, also in blocks that are not taken",
			"defaults:\n  services:\n    a: {min_gitlab_version: 16.8}\n    b: {bakend: c}\nproduction:\n  services:\n    a: {cut_off_date: soon}\n",
			[]string{
				"c.yml:3:29: defaults.services.a.min_gitlab_version: expected a string, got the number 16.8 (quote it: '16.8')",
				`c.yml:4:9: defaults.services.b: unknown key "bakend" (did you mean "backend"?)`,
				`c.yml:7:23: production.services.a.cut_off_date: expected a time such as 2024-02-15 00:00:00 UTC, 2024-02-15T00:00:00Z or 2024-02-15, got "soon"`,
			},
		},
		{
			"once for all environments that merge it", in("bakend: c") + "development:\n  <<: *defaults\nproduction: *defaults\n",
			[]string{`c.yml:4:7: ` + at + `: unknown key "bakend" (did you mean "backend"?)`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := catalog.Parse("c.yml", []byte(c.file), "")
			require.Nil(t, got)
			require.ErrorAs(t, err, new(strictyaml.Problems))
			require.Equal(t, c.want, problems(err))
		})
	}
}

func TestParseServiceOfAFeature(t *testing.T) {
	const feature = "feature: new_feature_scope\ncloud_connector:\n  service_start_time: 2024-02-15 00:00:00 UTC\n  min_gitlab_version: '16.8'\n  bundled_with: 'duo_pro'\n"
	doc, err := strictyaml.Parse("f.yaml", []byte(feature))
	require.NoError(t, err)
	s, err := catalog.ParseService(doc, "cloud_connector", "new_feature_scope")
	require.NoError(t, err)
	require.Equal(t, tutorial(t), s.Unplaced())

	doc, err = strictyaml.Parse("f.yaml", []byte(strings.Replace(feature, "'16.8'", "16.8", 1)))
	require.NoError(t, err)
	_, err = catalog.ParseService(doc, "cloud_connector", "new_feature_scope")
	require.Equal(t, []string{"f.yaml:4:23: cloud_connector.min_gitlab_version: expected a string, got the number 16.8 (quote it: '16.8')"}, problems(err))

	_, err = catalog.ParseService(doc, "nothing", "new_feature_scope")
	require.Equal(t, []string{"f.yaml:1:1: nothing: a block of keys is missing"}, problems(err))
}

func TestMerge(t *testing.T) {
	base := &catalog.Catalog{Services: []catalog.Service{tutorial(t)}}
	got, err := catalog.Merge(base, chat(t))
	require.NoError(t, err)
	require.Equal(t, []string{"new_feature_scope", "duo_chat", "write_tests", "ask_build"}, got.Scopes())
	require.Len(t, base.Services, 1, "the base stays as it is")

	got, err = catalog.Merge(nil, tutorial(t))
	require.NoError(t, err)
	require.Equal(t, base, got)

	other := chat(t)
	other.Name = "chat_again"
	got, err = catalog.Merge(base, chat(t), tutorial(t), other)
	require.Nil(t, got)
	require.Equal(t, []string{
		`service "new_feature_scope" is declared twice`,
		`scope "duo_chat" is declared twice, by the services "duo_chat" and "chat_again"`,
		`scope "write_tests" is declared twice, by the services "duo_chat" and "chat_again"`,
		`scope "ask_build" is declared twice, by the services "duo_chat" and "chat_again"`,
	}, problems(err))
}
