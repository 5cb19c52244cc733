package scenarios

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/schema"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

type rules = schema.Rules

func words[T ~string](words ...T) rules { return rules{"type": "string", "enum": words} }

const (
	versionPattern  = `^\d+(\.\d+){0,2}([-+].+)?$`
	endpointPattern = `^(GET|POST|PUT|PATCH|DELETE|HEAD) /[^ ?#]*$`
	scopePattern    = `^[a-z0-9_]+$`
	prefixPattern   = `^[a-z0-9_-]+$`
	urlPattern      = `^(https?://.+|.*\$\{.*)$`
)

// What the types do not say; the readers of the files check the same.
func schemaOptions(t *testing.T, form string) schema.Options {
	t.Helper()
	docs := map[string]string{}
	for _, dir := range []string{".", "../internal/feature", "../internal/catalog", "../internal/world", "../internal/fault"} {
		more, err := schema.Docs(dir)
		require.NoError(t, err)
		maps.Copy(docs, more)
	}
	count := rules{"minimum": 0}
	something := rules{"minProperties": 1}
	status := rules{"minimum": 200, "maximum": 599}
	format := rules{"const": 1, "description": "The version of the format."}
	fields := map[string]map[string]rules{
		"feature": {
			"feature.file.Format":         format,
			"feature.file.Feature":        {"pattern": scopePattern, "description": "The scope, or the service that bundles several."},
			"feature.file.Description":    {"description": "What the feature does, for people."},
			"feature.file.CloudConnector": service(t, docs),
			"feature.Backend.Name":        {"pattern": prefixPattern},
			"feature.Backend.Profile":     words(feature.Strict, feature.AIGateway),
			"feature.Backend.URL":         {"pattern": `^https?://.+`},
			"feature.Backend.Status":      status,
			"feature.Backend":             {"not": rules{"required": []string{"reply", "stream"}}},
		},
		"flow": {
			"scenarios.file.Format":            format,
			"scenarios.file.Scenario":          {"pattern": `\S`, "description": "The story in one line."},
			"scenarios.file.Description":       {"description": "What else is to be said."},
			"scenarios.file.Features":          {"minItems": 1, "uniqueItems": true, "description": "The features that it is about. Its ecosystem has no others."},
			"scenarios.file.Given":             {"description": "The world as the story begins."},
			"scenarios.file.Steps":             {"minItems": 1, "description": "What happens, one action each."},
			"scenarios.given.Now":              {"description": "The stub time."},
			"scenarios.given.Instances":        {"description": "GitLab instances by name. GitLab.com is always there, as gitlab."},
			"scenarios.given.Users":            {"description": "Users by name."},
			"scenarios.given":                  {"not": rules{"required": []string{"catalog", "catalog_file"}}},
			"scenarios.Step":                   oneAction(),
			"scenarios.Save.Name":              {"pattern": `^[a-z][a-z0-9_]*$`, "not": rules{"enum": []string{none, "now"}}},
			"scenarios.Save.Value":             {"pattern": `^(body|headers)\.`},
			"scenarios.Expect":                 something,
			"scenarios.Expect.Status":          {"minimum": 100, "maximum": 599},
			"scenarios.Expect.Headers":         something,
			"scenarios.Expect.Calls":           {"minProperties": 1, "additionalProperties": rules{"type": "integer", "minimum": 0}},
			"scenarios.Expect.Message":         {"minLength": 1},
			"scenarios.Expect.Error":           {"minLength": 1},
			"scenarios.Expect.Body":            {"not": rules{"anyOf": []any{rules{"type": "null"}, rules{"type": "object", "maxProperties": 0}}}},
			"scenarios.TokenExpect":            something,
			"scenarios.TokenExpect.Absent":     {"const": true},
			"scenarios.TokenExpect.Audience":   {"anyOf": []any{rules{"type": "string"}, rules{"type": "array", "items": rules{"type": "string"}}}},
			"scenarios.TokenExpect.Realm":      words(world.SaaS, world.SelfManaged),
			"scenarios.TokenExpect.Claims":     something,
			"scenarios.TokenExpect.Header":     something,
			"scenarios.KeysExpect":             something,
			"scenarios.KeysExpect.Published":   {"minimum": 1},
			"scenarios.KeysExpect.Signing":     words(same, changed),
			"scenarios.RotateKeys.Step":        words("create", "rotate", "trim", "list"),
			"scenarios.Request.Method":         words(methods...),
			"scenarios.Request.Path":           {"pattern": `^(/|\$\{)`},
			"scenarios.SetUser":                {"anyOf": []any{has("blocked"), has("denied")}},
			"scenarios.StoredExpect":           something,
			"scenarios.Sign.Alg":               words(token.Algorithms()...),
			"scenarios.Sign.HMACKey":           words(token.HMACKeys()...),
			"scenarios.Sign.Spoil":             words(token.Spoils()...),
			"scenarios.Purchase":               {"required": []string{"add_on"}},
			"scenarios.Catalog":                {"oneOf": []any{has("yaml"), has("file")}},
			"scenarios.Limits.PerUser":         count,
			"scenarios.Limits.PerInstance":     count,
			"scenarios.Limits.PerUnauthorized": count,
			"fault.Rule.Skip":                  count,
			"fault.Rule.Times":                 count,
			"fault.Action":                     oneFault(),
			"fault.Action.Status":              status,
			"fault.Action.CutAfter":            count,
			"fault.Action.Truncate":            count,
			"fault.Action.Keys":                words(fault.KeySets()...),
			"fault.Action.CorruptSignature":    words(fault.Signatures()...),
			"world.Instance.GitLabVersion":     {"pattern": versionPattern, "description": "Such as 16.9.2; 16.11.0 if absent."},
			"catalog.License.Plan":             words(catalog.Plans()...),
			"catalog.Purchase":                 {"required": []string{"add_on"}},
			"catalog.Purchase.Seats":           count,
		},
		"target": {
			"scenarios.targetFile.Format":       format,
			"scenarios.targetFile.Control":      {"items": rules{"type": "string", "pattern": urlPattern}, "description": "The control planes, as URLs."},
			"scenarios.targetFile.ControlToken": {"description": "What the control planes ask for."},
			"scenarios.targetFile.Services":     {"additionalProperties": rules{"type": "string", "pattern": urlPattern}, "description": "Base URLs of services, by name."},
			"scenarios.targetFile.ConnectTo":    {"additionalProperties": rules{"type": "string", "pattern": `:|\$\{`}, "description": "Where to connect to in place of a host and port, such as *.test:*."},
			"scenarios.targetFile":              {"anyOf": []any{has("control"), has("services")}},
		},
	}
	return schema.Options{
		ID:    "https://github.com/ccmock/ccmock/scenarios/schemas/" + form + ".schema.json",
		Title: map[string]string{"feature": "a feature file of ccmock", "flow": "a flow of ccmock", "target": "a target of ccmock"}[form],
		Docs:  docs, Fields: fields[form], Types: schemaTypes(),
	}
}

func schemaTypes() map[reflect.Type]rules {
	return map[reflect.Type]rules{
		reflect.TypeFor[catalog.Version]():       {"type": "string", "pattern": versionPattern},
		reflect.TypeFor[catalog.LicenseKind]():   words(catalog.LicenseKinds()...),
		reflect.TypeFor[feature.Endpoint]():      {"type": "string", "pattern": endpointPattern},
		reflect.TypeFor[world.Credits]():         words(world.CreditStates()...),
		reflect.TypeFor[world.ExpiresAtForm]():   words(world.ExpiresAtForms()...),
		reflect.TypeFor[world.BundledWithForm](): words(world.BundledWithForms()...),
		reflect.TypeFor[world.Realm]():           words(world.SaaS, world.SelfManaged),
		reflect.TypeFor[token.Reason]():          words(explain.Reasons()...),
		reflect.TypeFor[control.Outcome]():       words(control.Succeeded, control.Skipped, control.Failed),
		reflect.TypeFor[strictyaml.Document]():   bundledWith(),
	}
}

// bundledWith is the one key that is kept to be read later.
func bundledWith() rules {
	primitives := rules{"type": "array", "items": rules{"type": "string"}, "minItems": 1, "uniqueItems": true}
	bundle := rules{
		"type": "object", "properties": rules{"unit_primitives": primitives},
		"required": []string{"unit_primitives"}, "additionalProperties": false,
	}
	return rules{
		"description": "The add-on that has the scope since the cut-off, or the scopes of each add-on.",
		"oneOf": []any{
			rules{"type": "string", "minLength": 1},
			rules{"type": "object", "minProperties": 1, "additionalProperties": bundle},
		},
	}
}

// service is the cloud_connector of a feature file.
func service(t *testing.T, docs map[string]string) rules {
	t.Helper()
	text, err := schema.Of(catalog.ServiceShape(), schema.Options{Docs: docs, Types: schemaTypes(), Fields: map[string]rules{
		"catalog.serviceYAML.Backend":          {"description": "The audience of tokens."},
		"catalog.serviceYAML.ServiceStartTime": {"description": "The cut-off: free before, to be paid for since. The older name of cut_off_date."},
		"catalog.serviceYAML.CutOffDate":       {"description": "The cut-off: free before, to be paid for since."},
		"catalog.serviceYAML.MinVersion":       {"description": "The first GitLab version that gets the scopes."},
		"catalog.serviceYAML.ForBeta":          {"description": "The older name of min_gitlab_version_for_free_access."},
		"catalog.serviceYAML.ForFreeAccess":    {"description": "The first GitLab version that gets the scopes before the cut-off."},
		"catalog.serviceYAML.LicenseTypes":     {"items": words(catalog.Plans()...), "description": "The plans that may use it; all if absent."},
		"catalog.serviceYAML": {"allOf": []any{
			rules{"not": rules{"required": []string{"service_start_time", "cut_off_date"}}},
			rules{"not": rules{"required": []string{"min_gitlab_version_for_beta", "min_gitlab_version_for_free_access"}}},
		}},
	}})
	require.NoError(t, err)
	read, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	found := rules(read.(map[string]any))
	for _, key := range []string{"$schema", "$id", "title"} {
		delete(found, key)
	}
	found["description"] = "The entry under services: in cloud_connector.yml, word for word."
	return found
}

func has(key string) rules { return rules{"required": []string{key}} }

// oneAction is what a step has beside its keys.
func oneAction() rules {
	_, actions := keys()
	var one []any
	for _, action := range actions {
		one = append(one, has(action))
	}
	return rules{"oneOf": one, "dependentRequired": map[string][]string{"as": {"use"}}}
}

// oneFault is what an action of a fault has beside its keys.
func oneFault() rules {
	return rules{
		"anyOf":             []any{has("status"), has("reset"), has("cut_after"), has("truncate"), has("malformed"), has("keys"), has("corrupt_signature"), has("delay")},
		"dependentRequired": map[string][]string{"headers": {"status"}, "body": {"status"}},
	}
}

func TestSchemasAreThoseOfTheStructs(t *testing.T) {
	shapes := map[string]reflect.Type{
		"feature": feature.Shape(), "flow": reflect.TypeFor[file](), "target": reflect.TypeFor[targetFile](),
	}
	for _, form := range Schemas() {
		want, err := schema.Of(shapes[form], schemaOptions(t, form))
		require.NoError(t, err)
		name := "schemas/" + form + ".schema.json"
		if updating() {
			require.NoError(t, os.WriteFile(name, want, 0o600))
		}
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s is out of date: go generate ./scenarios", name)
	}
}

// updating reports whether the files are to be rewritten, as go generate does.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func compile(t *testing.T, form string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("schemas/" + form + ".schema.json")
	require.NoError(t, err)
	read, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("schema.json", read))
	compiled, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	return compiled
}

// shipped are the YAML files of this folder, without those that are wrong on purpose.
func shipped(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isYAML(name) {
			return err
		}
		switch dir, _, _ := strings.Cut(filepath.ToSlash(name), "/"); dir {
		case "testdata":
		case "features":
			found[name] = "feature"
		case "targets":
			found[name] = "target"
		default:
			found[name] = "flow"
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

// content is a file as a schema sees it.
func content(t *testing.T, name string) any {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return nil // no YAML, or none of ours
	}
	var v any
	if err := doc.Decode(&v); err != nil {
		return nil
	}
	return v
}

func TestEveryShippedFileFitsItsSchema(t *testing.T) {
	compiled := map[string]*jsonschema.Schema{}
	for _, form := range Schemas() {
		compiled[form] = compile(t, form)
	}
	files := shipped(t)
	require.Greater(t, len(files), 30)
	for name, form := range files {
		require.NoError(t, compiled[form].Validate(content(t, name)), name)
		for _, other := range Schemas() {
			if other != form {
				require.Error(t, compiled[other].Validate(content(t, name)), "%s is no %s", name, other)
			}
		}
	}
}

// modeline is what the first line of a file begins with.
const modeline = "# yaml-language-server: $schema="

// TestEveryShippedFileNamesItsSchema looks for the line by which editors find it.
func TestEveryShippedFileNamesItsSchema(t *testing.T) {
	for name, form := range shipped(t) {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		if updating() && !bytes.HasPrefix(data, []byte(modeline)) {
			up := strings.Repeat("../", strings.Count(filepath.ToSlash(name), "/"))
			data = append([]byte(modeline+up+"schemas/"+form+".schema.json\n"), data...)
			require.NoError(t, os.WriteFile(name, data, 0o600))
		}
		_, to, ok := strings.Cut(strings.SplitN(string(data), "\n", 2)[0], modeline)
		require.True(t, ok, "%s does not begin with %s: go generate ./scenarios", name, modeline)
		require.Equal(t, "schemas/"+form+".schema.json", filepath.ToSlash(filepath.Join(filepath.Dir(name), to)), name)
	}
}

// TestSchemasRefuseWhatBreaksTheShape holds the schemas against the flows that must not be
// read. What is wrong with these alone is that names are not known, or that steps do not
// agree, which no schema can tell.
func TestSchemasRefuseWhatBreaksTheShape(t *testing.T) {
	names := map[string]bool{"references": true, "unlooked": true}
	flow := compile(t, "flow")
	files, err := filepath.Glob("testdata/invalid/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 15)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		err := flow.Validate(content(t, file))
		require.Equal(t, names[name], err == nil, "%s: %v", file, err)
	}
}

// TestSchemasRefuseOneThing spoils a good file in one place each.
func TestSchemasRefuseOneThing(t *testing.T) {
	for _, c := range []struct{ form, file, old, new string }{
		{"flow", "flows/cut_off.yaml", "realm: self-managed, gitlab", "realm: dedicated, gitlab"},
		{"flow", "flows/cut_off.yaml", "kind: online_cloud", "kind: online"},
		{"flow", "flows/cut_off.yaml", "reason: missing_scope", "reason: no_scope"},
		{"flow", "flows/cut_off.yaml", "advance: 2h #", "advance: 2 #"},
		{"flow", "flows/cut_off.yaml", "advance: 2h #", "advance: soon #"},
		{"flow", "flows/cut_off.yaml", "- sync: acme", "- snyc: acme"},
		{"flow", "flows/cut_off.yaml", "- sync: acme", "- sync: {force: true}"},
		{"flow", "flows/cut_off.yaml", "add_on: duo_pro, ", ""},
		{"flow", "flows/cut_off.yaml", "gitlab_version: 16.9.2", "gitlab_version: 16.9"},
		{"flow", "flows/cut_off.yaml", "now: 2024-02-14T23:00:00Z", "now: 14.2.2024"},
		{"flow", "flows/cut_off.yaml", "scopes: []", "scope: []"},
		{"flow", "flows/cut_off.yaml", "format: 1", "format: 2"},
		{"flow", "flows/key_rotation.yaml", "step: create", "step: make"},
		{"flow", "flows/key_rotation.yaml", "signing: same", "signing: other"},
		{"feature", "features/new_feature_scope.yaml", "'16.8'", "16.8"},
		{"feature", "features/new_feature_scope.yaml", "POST /new", "POST new"},
		{"feature", "features/new_feature_scope.yaml", "name: foo", "name: Foo"},
		{"feature", "features/new_feature_scope.yaml", "service_start_time", "service_start"},
		{"feature", "features/new_feature_scope.yaml", "service_start_time", "cut_off_date: 2024-02-15\n  service_start_time"},
		{"feature", "features/new_feature_scope.yaml", "'duo_pro'", "{duo_pro: [a]}"},
		{"feature", "features/new_feature_scope.yaml", "cloud_connector:", "cloud_connecter:"},
		{"feature", "features/code_suggestions.yaml", "profile: ai-gateway", "profile: lenient"},
		{"target", "targets/compose.yaml", "http://127.0.0.1:7071", "127.0.0.1:7071"},
		{"target", "targets/compose.yaml", "connect_to", "conect_to"},
		{"target", "targets/compose.yaml", "control:", "controls:"},
	} {
		data, err := os.ReadFile(c.file)
		require.NoError(t, err)
		require.Contains(t, string(data), c.old)
		spoilt := filepath.Join(t.TempDir(), "spoilt.yaml")
		require.NoError(t, os.WriteFile(spoilt, []byte(strings.Replace(string(data), c.old, c.new, 1)), 0o600))
		v := content(t, spoilt)
		require.NotNil(t, v, c.new)
		require.Error(t, compile(t, c.form).Validate(v), "%q in place of %q", c.new, c.old)
	}
}
