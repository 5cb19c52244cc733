package cmd_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewFeatureIsReadyToUse(t *testing.T) {
	for name, args := range map[string][]string{
		"name alone": nil,
		"tutorial":   {"--backend", "foo", "--endpoint", "POST /new_feature_endpoint", "--cut-off", "2024-02-15", "--min-version", "16.8"},
		"not sold":   {"--cut-off", "2024-02-15", "--add-on", ""},
		"today":      {"--cut-off", "2030-01-31", "--min-version", "18.3"},
		"17":         {"--cut-off", "2025-01-31", "--min-version", "17.9", "--add-on", "duo_enterprise"},
		"nothing":    {"--add-on", ""},
		"a read":     {"--endpoint", "GET /things"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			features, flows := filepath.Join(dir, "features"), filepath.Join(dir, "flows")
			args := append([]string{"new", "feature", "new_scope", "--dir", features, "--flow", flows}, args...)
			r := ccmock(t, args...)
			require.Equal(t, 0, r.code, r.err)
			require.Equal(t, "1 flow, 1 feature file: nothing to complain about\n", ok(t, "lint", features, flows))
			require.Contains(t, ok(t, "test", flows, "--features", features), "1 flow passed")
		})
	}
}

func TestNewFeaturePrintsTheCodeOrWritesIt(t *testing.T) {
	dir := t.TempDir()
	args := []string{"new", "feature", "new_feature_scope", "--backend", "foo", "--endpoint", "POST /new_feature_endpoint"}
	printed := ccmock(t, append(args, "--dir", filepath.Join(dir, "a"))...)
	require.Equal(t, 0, printed.code, printed.err)
	require.Equal(t, "wrote "+filepath.Join(dir, "a", "new_feature_scope.yaml")+"\n", printed.err)

	written := ccmock(t, append(args, "--dir", filepath.Join(dir, "b"), "--snippets", filepath.Join(dir, "code"))...)
	require.Equal(t, 0, written.code, written.err)
	require.Empty(t, written.out)
	for _, ending := range []string{"py", "go", "rb"} {
		name := "new_feature_scope." + ending
		text, err := os.ReadFile(filepath.Join(dir, "code", name))
		require.NoError(t, err)
		require.Contains(t, printed.out, "=== "+name+": ")
		require.Contains(t, printed.out, string(text))
		require.Contains(t, written.err, "wrote "+filepath.Join(dir, "code", name)+"\n")
	}
}

func TestNewFeatureOverwritesNothing(t *testing.T) {
	dir := write(t, map[string]string{"features/a_scope.yaml": "mine", "flows/b_scope.yaml": "mine", "code/c_scope.rb": "mine"})
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, args := range map[string][]string{
		"features/a_scope.yaml": {"a_scope", "--dir", at("features")},
		"flows/b_scope.yaml":    {"b_scope", "--dir", at("new"), "--flow", at("flows")},
		"code/c_scope.rb":       {"c_scope", "--dir", at("new"), "--snippets", at("code")},
	} {
		r := ccmock(t, append([]string{"new", "feature"}, args...)...)
		require.Equal(t, 2, r.code)
		require.Empty(t, r.out)
		require.Equal(t, "ccmock: "+at(name)+" is there already, and is not overwritten\nhint: remove it, or choose another name or folder\n", r.err)
		text, err := os.ReadFile(at(name))
		require.NoError(t, err)
		require.Equal(t, "mine", string(text))
	}
	require.NoDirExists(t, at("new"), "all files are written, or none")
}

func TestNewFeatureRefuses(t *testing.T) {
	dir := t.TempDir()
	require.Equal(t, 0, ccmock(t, "new", "feature", "first", "--endpoint", "POST /x", "--backend", "foo", "--dir", dir).code)
	for want, args := range map[string][]string{
		"NAME is missing":                                   {},
		"takes one NAME":                                    {"a", "b"},
		`NAME cannot be "A"`:                                {"A"},
		`--endpoint: "/x" is not an endpoint`:               {"a", "--endpoint", "/x"},
		"--min-version: expected a GitLab version":          {"a", "--min-version", "new"},
		"--cut-off: expected a time":                        {"a", "--cut-off", "soon"},
		"would both be":                                     {"a", "--flow", dir},
		`the endpoint of backend "foo POST /x" is taken by`: {"a", "--endpoint", "POST /x", "--backend", "foo"},
		`--backend cannot be "../x"`:                        {"a", "--backend", "../x"},
		`--add-on cannot be "duo pro"`:                      {"a", "--add-on", "duo pro"},
		`--endpoint cannot have the path "/x{y}"`:           {"a", "--endpoint", "POST /x{y}"},
		"hint: did you mean --backend?":                     {"a", "--backen", "x"},
	} {
		r := ccmock(t, append([]string{"new", "feature", "--dir", dir}, args...)...)
		require.Equal(t, 2, r.code, want)
		require.Contains(t, r.err, want)
		require.Empty(t, r.out)
	}
	require.Contains(t, ccmock(t, "new", "featur", "a").err, `did you mean "feature"?`)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
