package cmd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// libraryFiles are a small folder of the library, below config, with one unit primitive
// that an operator guards.
var libraryFiles = map[string]string{
	"gem/config/backend_services/ai_gateway.yml":       "name: ai_gateway\nproject_url: u\ngroup: g\njwt_aud: gitlab-ai-gateway\n",
	"gem/config/add_ons/duo_pro.yml":                   "name: duo_pro\n",
	"gem/config/operators/self_hosted_operator.yml":    "name: self_hosted_operator\nadd_ons: [duo_pro]\n",
	"gem/config/unit_primitives/new_feature_scope.yml": "name: new_feature_scope\ndescription: d\ngroup: g\nfeature_category: c\ndocumentation_url: u\nbackend_services: [ai_gateway]\n",
	"gem/config/unit_primitives/run_own.yml":           "name: run_own\ndescription: d\ngroup: g\nfeature_category: c\ndocumentation_url: u\noperators: [self_hosted_operator]\n",
	"gem/config/services/mine.yml":                     "name: mine\nunit_primitives: [run_own]\n",
	"gem/config/schemas/unit_primitive_schema.json":    "{}",
	"broken/unit_primitives/a.yml":                     "name: a\ndescr1ption: d\n",
	"none/README":                                      "",
	"world.yaml":                                       "now: 2024-06-01\ncatalog_file: gem\ninstances: {acme: {realm: self-managed, gitlab_version: 18.2.0, license: {kind: online_cloud}}}\n",
	"acme.yaml":                                        "now: 2025-06-01\ninstances: {acme: {realm: self-managed, gitlab_version: 18.2.0, license: {kind: online_cloud}, add_ons: [{add_on: duo_pro}]}}\nusers: {ada: {instance: acme, seats: [duo_pro]}}\n",
	"access_data.yml":                                  "services:\n  new_feature_scope:\n    backend: 'gitlab-ai-gateway'\n    bundled_with: {_irrelevant: {unit_primitives: [new_feature_scope]}}\n",
}

func TestDiffTakesEveryGeneration(t *testing.T) {
	dir := write(t, libraryFiles)
	gem, world := filepath.Join(dir, "gem"), filepath.Join(dir, "acme.yaml")
	r := ccmock(t, "diff", filepath.Join(dir, "access_data.yml"), gem, "--world", world)
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "acme gains run_own")
	require.NotContains(t, r.out, "new_feature_scope", "it is granted as before")

	require.Contains(t, ok(t, "diff", "default", "default", "--world", world), "nobody gains or loses a scope")
	r = ccmock(t, "diff", "default", gem, "--world", world, "--at", "2025-06-01")
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "duo_chat")
}

func TestLintTakesALibrary(t *testing.T) {
	dir := write(t, libraryFiles)
	require.Equal(t, "1 catalog: nothing to complain about\n", ok(t, "lint", filepath.Join(dir, "gem")))
	require.Equal(t, "1 world, 1 catalog: nothing to complain about\n", ok(t, "lint", filepath.Join(dir, "world.yaml"), filepath.Join(dir, "access_data.yml")))
	r := ccmock(t, "lint", filepath.Join(dir, "broken"))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.out, `a.yml:2:1: unknown key "descr1ption" (did you mean "description"?)`)
	require.Contains(t, r.out, `key "group" is missing`)
}

func TestUpWithALibrary(t *testing.T) {
	dir := write(t, libraryFiles)
	for _, path := range []string{"gem", filepath.Join("gem", "config")} {
		u := up(t, "--catalog", filepath.Join(dir, path), "--world", filepath.Join(dir, "acme.yaml"), "--freeze")
		got := u.use(t, "acme", "ada")
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.Equal(t, 0, u.stop())
	}
	for name, want := range map[string]string{
		"none":                                   "holds no catalog: expected a folder unit_primitives in it",
		"broken":                                 `unknown key "descr1ption"`,
		"gem/config/unit_primitives/run_own.yml": "this is one file of a library",
	} {
		r := ccmock(t, "up", "--port-base", "0", "--catalog", filepath.Join(dir, name))
		require.Equal(t, 2, r.code, r.err)
		require.Contains(t, r.err, want)
	}
}

// TestUpWithTheDefaultCatalog has the features over it: their scopes are theirs.
func TestUpWithTheDefaultCatalog(t *testing.T) {
	dir := write(t, libraryFiles)
	u := up(t, "--catalog", "default", "--world", filepath.Join(dir, "acme.yaml"), "--freeze")
	got := u.use(t, "acme", "ada")
	require.Equal(t, http.StatusOK, got.status, got.body)
	held := send(t, http.MethodPost, u.Control+"/v1/do/access_token", `{"instance": "acme"}`, nil)
	require.Contains(t, held.body, "duo_agent_platform")
	require.Contains(t, held.body, "new_feature_scope")
}

func TestDerivedCasesOfEveryGeneration(t *testing.T) {
	dir := write(t, libraryFiles)
	require.NoError(t, os.Remove(filepath.Join(dir, "broken/unit_primitives/a.yml")))
	for _, catalog := range []string{filepath.Join(dir, "gem"), "default"} {
		r := ccmock(t, "test", "--derived", "--catalog", catalog, "--list")
		require.Equal(t, 0, r.code, r.err)
	}
}
