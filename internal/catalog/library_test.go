package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// folder is a library by the paths of its files.
type folder map[string]string

// primitive is the file of a unit primitive, with more keys.
func primitive(name string, more ...string) string {
	return "---\nname: " + name + "\ndescription: what it does\ngroup: group::duo chat\nfeature_category: duo_chat\n" +
		"documentation_url: https://docs.gitlab.com/x\n" + strings.Join(append(more, ""), "\n")
}

// gem is a small library of the fourth generation.
func gem() folder {
	return folder{
		"backend_services/ai_gateway.yml":           "name: ai_gateway\nproject_url: https://gitlab.com/a\ngroup: group::ai framework\njwt_aud: gitlab-ai-gateway\n",
		"backend_services/duo_workflow_service.yml": "name: duo_workflow_service\nproject_url: https://gitlab.com/b\ngroup: group::duo workflow\njwt_aud: gitlab-duo-workflow-service\n",
		"add_ons/duo_pro.yml":                       "name: duo_pro\n",
		"add_ons/duo_enterprise.yml":                "name: duo_enterprise\n",
		"add_ons/duo_amazon_q.yml":                  "name: duo_amazon_q\ndescription: by Amazon\n",
		"license_types/premium.yml":                 "name: premium\n",
		"license_types/ultimate.yml":                "name: ultimate\n",
		"operators/gitlab_cloud_operator.yml":       "name: gitlab_cloud_operator\n",
		"operators/self_hosted_operator.yml":        "name: self_hosted_operator\nadd_ons: [duo_enterprise]\nlicense_types: [premium, ultimate]\n",
		"operators/amazon_q_operator.yml":           "name: amazon_q_operator\nadd_ons: [duo_amazon_q]\nlicense_types: [ultimate]\n",
		"unit_primitives/duo_chat.yml": primitive("duo_chat", "cut_off_date: 2024-10-17T00:00:00+00:00", "min_gitlab_version: '16.9'",
			"min_gitlab_version_for_free_access: '16.8'", "backend_services: [ai_gateway, duo_workflow_service]",
			"add_ons: [duo_pro, duo_enterprise]", "license_types: [premium, ultimate]",
			"operators: [gitlab_cloud_operator, self_hosted_operator, amazon_q_operator]"),
		"unit_primitives/ask_issue.yml": primitive("ask_issue", "cut_off_date: 2024-10-17 00:00:00 UTC", "backend_services: [ai_gateway]", "add_ons: [duo_enterprise]"),
		"unit_primitives/own_model.yml": primitive("own_model", "backend_services: [ai_gateway]", "operators: [self_hosted_operator, amazon_q_operator]"),
		"unit_primitives/plain.yml":     primitive("plain", "cut_off_date: null", "alias_names: [simple]"),
		"services/duo_chat.yml":         "name: duo_chat\nbasic_unit_primitive: duo_chat\ngitlab_realm: [gitlab-com, self-managed]\nunit_primitives: [ask_issue, duo_chat, plain]\n",
		"services/only_there.yml":       "name: only_there\ngitlab_realm: [gitlab-com]\nunit_primitives: [plain]\n",
		"schemas/x.json":                "{}",
		"unit_primitives/README.md":     "not read",
	}
}

func (f folder) write(t testing.TB, below ...string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range f {
		file := filepath.Join(append(append([]string{root}, below...), filepath.FromSlash(name))...)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return root
}

func load(t testing.TB, path string) *catalog.Catalog {
	t.Helper()
	s, err := catalog.Open(path)
	require.NoError(t, err)
	c, err := s.Catalog("")
	require.NoError(t, err)
	return c
}

func TestLibraryFolder(t *testing.T) {
	fidelity.Proves(t, "catalog/form/library")
	for _, below := range [][]string{nil, {"config"}} {
		c := load(t, gem().write(t, below...))
		require.Equal(t, []string{"ask_issue", "duo_chat", "own_model", "plain"}, c.Scopes())
		require.Equal(t, []string{"duo_enterprise", "duo_pro", "duo_amazon_q"}, c.AddOns())
		require.Equal(t, []string{"gitlab-ai-gateway", "gitlab-duo-workflow-service"}, c.Audiences())
		require.Equal(t, []catalog.Generation{catalog.G3, catalog.G4, catalog.G4, catalog.G3},
			[]catalog.Generation{c.Services[0].Generation, c.Services[1].Generation, c.Services[2].Generation, c.Services[3].Generation})
		require.Equal(t, time.Date(2024, 10, 17, 0, 0, 0, 0, time.UTC), c.Services[1].CutOff.UTC())
		require.Equal(t, "16.8", c.Services[1].FreeAccessMinimum().String())
		require.Empty(t, c.Services[3].Audience(), "it names no backend")
	}
}

func TestOneDocumentIsTheSameLibrary(t *testing.T) {
	dir := gem().write(t)
	c := load(t, dir)
	back, err := catalog.Parse("catalog", c.YAML(), "")
	require.NoError(t, err, string(c.YAML()))
	require.Equal(t, c.Unplaced(), back.Unplaced())

	s, err := catalog.Open(dir)
	require.NoError(t, err)
	text, err := s.Text("")
	require.NoError(t, err)
	require.Equal(t, string(c.YAML()), text)
}

func TestSourcesAreCompared(t *testing.T) {
	open := func(dir string) catalog.Source {
		s, err := catalog.Open(dir)
		require.NoError(t, err)
		return s
	}
	dir := gem().write(t)
	before := open(dir)
	require.True(t, before.Same(open(dir)))
	file := filepath.Join(dir, "add_ons", "duo_pro.yml")
	require.NoError(t, os.WriteFile(file, []byte("name: duo_pro # still"), 0o600))
	require.False(t, before.Same(open(dir)))
	require.NoError(t, os.Remove(file))
	require.False(t, before.Same(open(dir)))
}

func TestWhatAPathIsIsToldByWhatIsThere(t *testing.T) {
	dir := gem().write(t)
	for _, c := range []struct{ name, path, want string }{
		{"a folder of something else", t.TempDir(), "holds no catalog: expected a folder unit_primitives in it"},
		{"a misspelt folder", folder{"unit_primitive/a.yml": primitive("a")}.write(t), `(is it "unit_primitive"?)`},
		{"nothing", filepath.Join(dir, "gone"), "no such file"},
		{"one file of it", filepath.Join(dir, "unit_primitives", "plain.yml"), "this is one file of a library, which is no catalog alone (give the folder that unit_primitives is in)"},
		{"some other YAML", folder{"a.yml": "instances: {}\n"}.write(t) + "/a.yml", "nothing tells what form of catalog this is"},
		{"no YAML", folder{"a.yml": "a: b: c\n"}.write(t) + "/a.yml", "a.yml:1:"},
		{"a misspelt document", folder{"a.yml": "unit_primitive: []\n"}.write(t) + "/a.yml", `unknown key "unit_primitive" (did you mean "unit_primitives"?)`},
	} {
		s, err := catalog.Open(c.path)
		if err == nil {
			_, err = s.Catalog("")
		}
		require.ErrorContains(t, err, c.want, c.name)
	}
	require.True(t, catalog.IsLibrary(dir))
	require.False(t, catalog.IsLibrary(filepath.Join(dir, "add_ons")))
}

func TestAccessDataOfRails(t *testing.T) {
	fidelity.Proves(t, "catalog/form/access-data")
	c, err := catalog.Parse("access_data.yml", []byte("services:\n  duo_workflow:\n    backend: 'gitlab-duo-workflow-service'\n    bundled_with:\n      _irrelevant:\n        unit_primitives:\n          - duo_workflow_execute_workflow\n"), "production")
	require.NoError(t, err)
	require.Equal(t, []string{"duo_workflow_execute_workflow"}, c.Scopes())
	require.False(t, c.Services[0].Bundles[0].Sold())
	require.Equal(t, []string{"gitlab-duo-workflow-service"}, c.Audiences())
}

func TestLibraryRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit folder
		want []string // what is said, by the paths below the folder
	}{
		{"unknown key", folder{"unit_primitives/plain.yml": primitive("plain", "add_onz: []")}, []string{
			`unit_primitives/plain.yml:7:1: unknown key "add_onz" (did you mean "add_ons"?)`,
		}},
		{"keys of all kinds of files", folder{
			"backend_services/ai_gateway.yml": "name: ai_gateway\nproject: x\ngroup: g\njwt_audience: gitlab-ai-gateway\n",
			"add_ons/duo_pro.yml":             "nam: duo_pro\n", "operators/self_hosted_operator.yml": "name: self_hosted_operator\naddons: []\n",
			"services/duo_chat.yml": "name: duo_chat\nunit_primitive: [a]\n",
		}, []string{
			`add_ons/duo_pro.yml:1:1: unknown key "nam" (did you mean "name"?)`,
			`add_ons/duo_pro.yml:1:1: key "name" is missing`,
			`backend_services/ai_gateway.yml:1:1: key "project_url" is missing`,
			`backend_services/ai_gateway.yml:1:1: key "jwt_aud" is missing`,
			`backend_services/ai_gateway.yml:2:1: unknown key "project" (known: name, description, project_url, group, jwt_aud)`,
			`backend_services/ai_gateway.yml:4:1: unknown key "jwt_audience" (known: name, description, project_url, group, jwt_aud)`,
			`operators/self_hosted_operator.yml:2:1: unknown key "addons" (did you mean "add_ons"?)`,
			`services/duo_chat.yml:1:1: key "unit_primitives" is missing`,
			`services/duo_chat.yml:2:1: unknown key "unit_primitive" (did you mean "unit_primitives"?)`,
			`unit_primitives/duo_chat.yml:11:11: add_ons[0]: unknown add-on "duo_pro" (known: duo_amazon_q, duo_enterprise)`,
		}},
		{"required keys", folder{"unit_primitives/plain.yml": "name: plain\ngroup: g\n"}, []string{
			`unit_primitives/plain.yml:1:1: key "description" is missing`,
			`unit_primitives/plain.yml:1:1: key "feature_category" is missing`,
			`unit_primitives/plain.yml:1:1: key "documentation_url" is missing`,
		}},
		{"references", folder{
			"unit_primitives/plain.yml": primitive("plain", "add_ons: [duo_pr, duo_pro, duo_pro]", "backend_services:", "  - ai_gatway", "license_types: [ultimat]", "operators: [self_hosted_operater]"),
			"services/only_there.yml":   "name: only_there\nbasic_unit_primitive: plai\ngitlab_realm: [saas]\nunit_primitives: [plain, ask_issu]\n",
		}, []string{
			`services/only_there.yml:2:23: basic_unit_primitive: unknown unit primitive "plai" (did you mean "plain"?)`,
			`services/only_there.yml:3:16: gitlab_realm[0]: unknown realm "saas" (known: gitlab-com, self-managed)`,
			`services/only_there.yml:4:26: unit_primitives[1]: unknown unit primitive "ask_issu" (did you mean "ask_issue"?)`,
			`unit_primitives/plain.yml:7:11: add_ons[0]: unknown add-on "duo_pr" (did you mean "duo_pro"?)`,
			`unit_primitives/plain.yml:7:28: add_ons[2]: add-on "duo_pro" is listed twice`,
			`unit_primitives/plain.yml:9:5: backend_services[0]: unknown backend service "ai_gatway" (did you mean "ai_gateway"?)`,
			`unit_primitives/plain.yml:10:17: license_types[0]: unknown license type "ultimat" (did you mean "ultimate"?)`,
			`unit_primitives/plain.yml:11:13: operators[0]: unknown operator "self_hosted_operater" (did you mean "self_hosted_operator"?)`,
		}},
		{"names", folder{
			"unit_primitives/plain.yml":  primitive("plane"),
			"unit_primitives/other.yaml": primitive("Other-one"),
			"operators/robot.yml":        "name: robot\n",
			"add_ons/empty.yml":          "name: ''\n",
			"services/again.yml":         "name: duo_chat\nunit_primitives: []\n",
			"services/duo_chat.yml":      "name: duo_chat\nunit_primitives: [duo_chat]\n",
			"services/only_there.yml":    "name: only_there\nunit_primitives: [duo_chat]\n",
		}, []string{
			`add_ons/empty.yml:1:7: name: expected a name, got ""`,
			`operators/robot.yml:1:7: name: expected a name that ends in _operator, got "robot"`,
			`services/again.yml:1:7: name: expected "again", as the file is called, got "duo_chat" (rename one of them)`,
			`services/again.yml:2:1: unit_primitives: expected at least one unit primitive, got none`,
			`services/duo_chat.yml:1:7: name: service "duo_chat" is declared twice`,
			`unit_primitives/other.yaml:2:7: name: expected the name of the unit primitive in lower-case letters, digits and underscores, got "Other-one"`,
			`unit_primitives/plain.yml:2:7: name: expected "plain", as the file is called, got "plane" (rename one of them)`,
		}},
		{"versions, dates and YAML", folder{
			"unit_primitives/plain.yml":     primitive("plain", "min_gitlab_version: 17.10", "cut_off_date: soon"),
			"unit_primitives/ask_issue.yml": "name: [ask_issue\n", "add_ons/duo_amazon_q.yml": "",
			"services/duo_chat.yml":           "name: duo_chat\nunit_primitives: [duo_chat]\n",
			"operators/amazon_q_operator.yml": "name: amazon_q_operator\n",
		}, []string{
			`add_ons/duo_amazon_q.yml:1:1: the file is empty`,
			`unit_primitives/plain.yml:7:21: min_gitlab_version: expected a string, got the number 17.10 (quote it: '17.10'; without quotes 17.10 is read as the number 17.1)`,
			`unit_primitives/plain.yml:8:15: cut_off_date: expected a time such as 2024-02-15 00:00:00 UTC, 2024-02-15T00:00:00Z or 2024-02-15, got "soon"`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := gem()
			for name, text := range c.edit {
				files[name] = text
			}
			dir := files.write(t)
			s, err := catalog.Open(dir)
			require.NoError(t, err)
			got, err := s.Catalog("")
			require.Nil(t, got)
			require.ErrorAs(t, err, new(strictyaml.Problems))
			var said []string
			for _, text := range problems(err) {
				if text = strings.TrimPrefix(text, dir+"/"); !strings.HasPrefix(text, "unit_primitives/ask_issue.yml") {
					said = append(said, text)
				}
			}
			require.Equal(t, c.want, said)
		})
	}
}

func TestLegacyServices(t *testing.T) {
	fidelity.Proves(t, "catalog/services/legacy-view")
	c := load(t, gem().write(t))
	names := func(services []catalog.Service) []string {
		var names []string
		for _, s := range services {
			names = append(names, s.Name)
		}
		return names
	}
	require.Equal(t, []string{"ask_issue", "duo_chat", "only_there", "own_model", "plain"}, names(c.LegacyServices(catalog.GitLabCom)))
	own := c.LegacyServices(catalog.SelfManaged)
	require.Equal(t, []string{"ask_issue", "duo_chat", "own_model", "plain"}, names(own))

	chat := own[1]
	require.Equal(t, "gitlab-ai-gateway", chat.Audience(), "that of the basic unit primitive's first backend")
	require.Equal(t, "16.9", chat.MinVersion.String())
	require.Equal(t, []catalog.Bundle{
		{AddOn: "duo_enterprise", UnitPrimitives: []string{"ask_issue", "duo_chat"}},
		{AddOn: "duo_pro", UnitPrimitives: []string{"duo_chat"}},
		{AddOn: "_irrelevant", UnitPrimitives: []string{"plain"}},
	}, chat.Bundles)

	files := gem()
	files["services/self_hosted_models.yml"] = "name: self_hosted_models\nunit_primitives: [duo_chat, ask_issue]\n"
	own = load(t, files.write(t)).LegacyServices(catalog.SelfManaged)
	require.Equal(t, []catalog.Bundle{{AddOn: "duo_enterprise", UnitPrimitives: []string{"duo_chat", "ask_issue"}}}, own[4].Bundles)

	old := &catalog.Catalog{Services: mixed(t)}
	require.Equal(t, old.Services, old.LegacyServices(catalog.SelfManaged))
}
