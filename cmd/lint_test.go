package cmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const goodFeature = `format: 1
feature: shine
backend: {name: lamp, endpoint: POST /shine, reply: {bright: true}}
cloud_connector: {service_start_time: 2024-02-15 00:00:00 UTC, bundled_with: 'duo_pro'}
`

const goodFlow = `format: 1
scenario: the lamp shines on GitLab.com
features: [shine]
given:
  now: 2024-02-01
  users: {grace: {instance: gitlab}}
steps:
  - use: shine
    as: grace
    expect: {status: 200, body: {bright: true}}
`

func TestLintWhatComesWithIt(t *testing.T) {
	require.Regexp(t, `^\d\d flows, 4 feature files: nothing to complain about\n$`, ok(t, "lint"))
}

func TestLintTellsFilesByTheirKeys(t *testing.T) {
	dir := write(t, map[string]string{
		"flows/shine.yaml":      goodFlow,
		"features/shine.yaml":   goodFeature,
		"a/world.yaml":          "instances: {acme: {realm: self-managed}}\n",
		"a/target.yml":          "format: 1\ncontrol: [http://127.0.0.1:7070]\n",
		"a/cloud_connector.yml": "defaults:\n  services:\n    x: {bundled_with: 'duo_pro'}\n",
		"a/docker-compose.yml":  "services: {db: {image: postgres}}\n",
		".hidden/broken.yaml":   "format: 1\nfeatur: x\n",
		"notes.txt":             "no YAML at all: [",
	})
	r := ccmock(t, "lint", dir)
	require.Equal(t, 0, r.code, r.out)
	require.Equal(t, "1 flow, 1 feature file, 1 world, 1 target, 1 catalog: nothing to complain about\n", r.out)
	require.Equal(t, filepath.Join(dir, "a/docker-compose.yml")+": not looked at, as it is none of ours\n", r.err)

	r = ccmock(t, "lint", filepath.Join(dir, "a/docker-compose.yml"))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.out, "nothing tells what this file is", "a file that is named is meant")
}

func TestLintShowsEverythingAtOnce(t *testing.T) {
	dir := write(t, map[string]string{
		"flow.yaml": strings.Replace(strings.Replace(goodFlow, "status", "satus", 1), "as: grace", "as: grce", 1),
		"feature.yaml": strings.Replace(goodFeature, "bundled_with", "bundeld_with", 1) +
			"rails: {endpoint: shine}\n",
		"cloud_connector.yml": "defaults:\n  services:\n    x:\n      min_gitlab_version: 16.10\n",
		"empty.yaml":          "",
		"odd.yaml":            "format: 1\nsceanrio: x\n",
	})
	r := ccmock(t, "lint", dir)
	require.Equal(t, 2, r.code)
	golden(t, "lint", strings.ReplaceAll(r.out, dir, "DIR"))

	r = ccmock(t, "lint", "--json", dir)
	require.Equal(t, 2, r.code)
	require.Empty(t, r.err)
	var report struct {
		Problems []struct {
			File, Path, Message, Hint, Excerpt string
			Line, Column                       int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &report))
	files := map[string]bool{}
	for _, p := range report.Problems {
		require.NotEmpty(t, p.Message)
		files[filepath.Base(p.File)] = true
	}
	require.Len(t, files, 5, r.out)
}

func TestLintForMachinesWhenAllIsWell(t *testing.T) {
	require.JSONEq(t, `{"files": {"world": 1}, "skipped": [], "problems": [], "warnings": []}`,
		ok(t, "lint", "--json", filepath.Join(write(t, map[string]string{"w.yaml": "users: {}\ninstances: {}\n"}), "w.yaml")))
}

func TestLintFeaturesThatTakeEachOthersNames(t *testing.T) {
	dir := write(t, map[string]string{"a/one.yaml": goodFeature, "a/two.yaml": goodFeature, "b/one.yaml": goodFeature})
	r := ccmock(t, "lint", filepath.Join(dir, "a"))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.out, filepath.Join(dir, "a/two.yaml"))
	require.Contains(t, r.out, `the feature "shine" is taken`)
	ok(t, "lint", filepath.Join(dir, "a/one.yaml"), filepath.Join(dir, "b"))
}

func TestLintOfNothing(t *testing.T) {
	dir := t.TempDir()
	r := ccmock(t, "lint", dir)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "there is nothing to check in "+dir)
	r = ccmock(t, "lint", filepath.Join(dir, "nowhere"))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "no such file")
}

func TestLintByNamesThatGoUp(t *testing.T) {
	dir := write(t, map[string]string{"features/shine.yaml": goodFeature, "here/x": ""})
	t.Chdir(filepath.Join(dir, "here"))
	require.NoError(t, os.WriteFile("flow.yaml", []byte(goodFlow), 0o600))
	require.Contains(t, ok(t, "lint", "../features", "flow.yaml"), "1 flow, 1 feature file")
	require.Contains(t, ok(t, "lint", "--features", "../features", "flow.yaml"), "1 flow")
}
