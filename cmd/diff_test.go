package cmd_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const oldCatalog = `defaults: &defaults
  services:
    new_feature_scope:
      service_start_time: 2024-02-15 00:00:00 UTC
      min_gitlab_version: '16.8'
      bundled_with: 'duo_pro'
    gone:
      backend: gitlab-gone
production:
  <<: *defaults
  services: {}
`

// newCatalog is of another generation.
const newCatalog = `defaults: &defaults
  services:
    new_feature_scope:
      backend: gitlab-foo
      cut_off_date: 2024-03-01 00:00:00 UTC
      min_gitlab_version: '16.8'
      bundled_with:
        duo_enterprise: {unit_primitives: [new_feature_scope, extra]}
`

const customers = `now: 2024-02-01
instances:
  gitlab: {realm: saas, add_ons: [{add_on: duo_enterprise, expires_on: 2024-05-01}]}
  acme: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud}, add_ons: [{add_on: duo_pro, seats: 10}]}
  ended: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud, starts_at: 2023-01-01, expires_at: 2024-02-10}}
  legacy: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: legacy}}
  old: {realm: self-managed, gitlab_version: 16.7.0, license: {kind: online_cloud}}
`

func TestDiff(t *testing.T) {
	dir := write(t, map[string]string{"old.yml": oldCatalog, "new.yml": newCatalog, "world.yaml": customers})
	args := []string{"diff", filepath.Join(dir, "old.yml"), filepath.Join(dir, "new.yml"), "--world", filepath.Join(dir, "world.yaml")}

	always := ccmock(t, args...)
	require.Equal(t, 1, always.code)
	require.Empty(t, always.err)
	golden(t, "diff", always.out)

	once := ccmock(t, append(args, "--at", "2024-02-20")...)
	require.Equal(t, 1, once.code)
	golden(t, "diff_at", once.out)

	var report struct {
		Equal   bool
		Changes []struct {
			Instance, Scope, Kind, From, Until string
			Old, New                           *struct{ Granted bool }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(ccmock(t, append(args, "--json")...).out), &report))
	require.False(t, report.Equal)
	first := report.Changes[0]
	require.Equal(t, "acme new_feature_scope audience  2024-02-15T00:00:00Z",
		first.Instance+" "+first.Scope+" "+first.Kind+" "+first.From+" "+first.Until)
	require.True(t, first.Old.Granted && first.New.Granted)
}

func TestDiffOfCatalogsThatGrantTheSame(t *testing.T) {
	same := `defaults:
  services:
    new_feature_scope:
      backend: gitlab-ai-gateway
      cut_off_date: 2024-02-15
      min_gitlab_version: '16.8'
      min_gitlab_version_for_free_access: '16.8'
      bundled_with: {duo_pro: {unit_primitives: [new_feature_scope]}}
`
	dir := write(t, map[string]string{"new.yml": same, "empty.yml": oldCatalog})
	require.Equal(t, 0, ccmock(t, "new", "feature", "new_feature_scope", "--cut-off", "2024-02-15", "--min-version", "16.8",
		"--dir", filepath.Join(dir, "features")).code)
	require.Equal(t, "3 instances: nobody gains or loses a scope\n", ok(t, "diff", filepath.Join(dir, "features"), filepath.Join(dir, "new.yml")))
	require.JSONEq(t, `{"equal": true, "changes": []}`, ok(t, "diff", "--json", filepath.Join(dir, "features"), filepath.Join(dir, "new.yml")))

	empty := ccmock(t, "diff", filepath.Join(dir, "features"), filepath.Join(dir, "empty.yml"), "--environment", "production")
	require.Equal(t, 1, empty.code)
	require.Contains(t, empty.out, "unknown: the catalog has no such scope")
}

func TestDiffRefuses(t *testing.T) {
	dir := write(t, map[string]string{"good.yml": newCatalog, "bad.yml": "defaults: {services: {a: {backedn: x}}}", "none/README": ""})
	good, bad := filepath.Join(dir, "good.yml"), filepath.Join(dir, "bad.yml")
	for want, args := range map[string][]string{
		"takes two files or folders, OLD and NEW, got 1":  {good},
		"takes two files or folders, OLD and NEW, got 3":  {good, good, good},
		`unknown key "backedn" (did you mean "backend"?)`: {good, bad},
		"no such file":                {good, filepath.Join(dir, "nowhere")},
		"there is no feature file in": {filepath.Join(dir, "none"), good},
		"--at: expected a time":       {good, good, "--at", "soon"},
		"read the world":              {good, good, "--world", filepath.Join(dir, "nowhere")},
	} {
		r := ccmock(t, append([]string{"diff"}, args...)...)
		require.Equal(t, 2, r.code, want)
		require.Contains(t, r.err, want)
		require.Empty(t, r.out)
	}
}
