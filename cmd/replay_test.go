package cmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// capsule fails a flow and returns the folder, the capsule and its text.
func capsule(t *testing.T) (dir, file, text string) {
	t.Helper()
	const raw = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJncmFjZSJ9.c2VjcmV0LXNpZ25hdHVyZQ"
	dir = flows(t)
	bad := filepath.Join(dir, "flows/bad.yaml")
	data, err := os.ReadFile(bad)
	require.NoError(t, err)
	flow := strings.Replace(string(data), "grace: {instance: gitlab}", "grace: {instance: gitlab, token: glpat-hush-hush-hush}", 1)
	require.NoError(t, os.WriteFile(bad, []byte(flow+"# "+raw+"\n"), 0o600))
	r := ccmock(t, "test", "--features", filepath.Join(dir, "features"), "--seed", "7", "--capsule", filepath.Join(dir, "left"), filepath.Join(dir, "flows"))
	require.Equal(t, 1, r.code, r.err)
	file = filepath.Join(dir, "left/bad.capsule")
	require.Contains(t, r.out, "again: ccmock test "+bad+" --features "+filepath.Join(dir, "features")+" --seed 7\n")
	require.Contains(t, r.out, "capsule: ccmock replay "+file+"\n")
	data, err = os.ReadFile(file)
	require.NoError(t, err)
	left, err := os.ReadDir(filepath.Join(dir, "left"))
	require.NoError(t, err)
	require.Len(t, left, 1, "flows that passed leave nothing")
	return dir, file, string(data)
}

func TestReplayTellsWhetherAFailureIsTheSame(t *testing.T) {
	dir, file, text := capsule(t)
	require.Contains(t, text, "seed: 7\n")
	r := ccmock(t, "replay", file)
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "the same failure\n")
	require.Contains(t, r.out, file+":", "the story points into the capsule")

	repaired := filepath.Join(dir, "features")
	require.NoError(t, os.WriteFile(filepath.Join(repaired, "shine.yaml"), []byte(strings.Replace(goodFeature, "true", "false", 1)), 0o600))
	require.Contains(t, ok(t, "replay", file, "--features", repaired), "passes now; it had failed in step 1, ")

	other := filepath.Join(dir, "other.capsule")
	require.NoError(t, os.WriteFile(other, []byte(strings.Replace(text, "reply: {bright: true}", "status: 418, reply: {bright: true}", 1)), 0o600))
	r = ccmock(t, "replay", other)
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "another failure\nthen: step 1, ")
	require.Contains(t, r.out, "\nnow: step 1, ")
}

func TestACapsuleHoldsNoSecret(t *testing.T) {
	_, _, text := capsule(t)
	require.NotContains(t, text, "hush")
	require.NotContains(t, text, "c2VjcmV0LXNpZ25hdHVyZQ")
	require.NotRegexp(t, `eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}`, text)
}

func TestReplayRefusesWhatIsNoCapsule(t *testing.T) {
	dir, _, text := capsule(t)
	for name, c := range map[string]struct{ text, want string }{
		"a key":     {strings.Replace(text, "\nseed:", "\nsede:", 1), `did you mean "seed"?`},
		"a format":  {strings.Replace(text, "capsule: 1", "capsule: 2", 1), ":2:"},
		"its flow":  {strings.Replace(text, "    scenario:", "    sceanrio:", 1), `did you mean "scenario"?`},
		"a feature": {strings.Replace(text, "      backend:", "      bakcend:", 1), `did you mean "backend"?`},
		"no YAML":   {"capsule: [", ":1:"},
		"nothing":   {"", "empty"},
		"a flow":    {goodFlow, ":1:1: this is no capsule: expected"},
		"a picture": {"\x89PNG\r\n\x1a\n\x00", ":1:"},
		"half":      {text[:strings.Index(text, "\nfailure:")], "the capsule was cut off: expected whole: true"},
		"less":      {text[:len(text)-len("whole: true\n")], "the capsule was cut off: expected whole: true"},
		"no why":    {strings.Replace(text, "\nfailure:", "\nevidence:", 1), `key "failure" is missing`},
		"a seed":    {strings.Replace(text, "\nseed: 7", "\nseed: seven", 1), "seed: expected a whole number"},
		"too much":  {strings.Repeat("# much\n", 200_000), "expected at most 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, "garbled.capsule")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			r := ccmock(t, "replay", file)
			require.Equal(t, 2, r.code, r.out)
			require.Contains(t, r.err, file+":")
			require.Contains(t, r.err, c.want)
			require.Empty(t, r.out, "nothing ran")
		})
	}
	require.Equal(t, 2, ccmock(t, "replay").code)
	require.Equal(t, 2, ccmock(t, "replay", filepath.Join(dir, "nowhere.capsule")).code)
}

func TestAFailedDerivedCaseIsRunAgainAndReplayed(t *testing.T) {
	dir := write(t, map[string]string{
		"cloud_connector.yml": "defaults:\n  services:\n    new_feature_scope: {bundled_with: {duo_pro: {unit_primitives: [other_scope]}}}\n",
	})
	left := filepath.Join(dir, "left")
	r := ccmock(t, "test", "--catalog", filepath.Join(dir, "cloud_connector.yml"), "--run", "new_feature_scope/entitlement/dedicated_", "--capsule", left)
	require.Equal(t, 1, r.code, r.err)
	_, again, found := strings.Cut(r.out, "\nagain: ccmock ")
	require.True(t, found, r.out)
	again, _, _ = strings.Cut(again, "\n")
	args := strings.Fields(strings.ReplaceAll(again, "'", ""))
	require.Equal(t, []string{"test", "--derived", "--catalog"}, args[:3])
	r = ccmock(t, args...)
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "\n0 flows passed, 1 failed")

	capsules, err := filepath.Glob(filepath.Join(left, "derived-new_feature_scope-entitlement-*.capsule"))
	require.NoError(t, err)
	require.NotEmpty(t, capsules)
	r = ccmock(t, "replay", capsules[0])
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "the same failure\n")
}

// Two catalogs, one given and one put in force by a step, come along.
func TestACapsuleHoldsTheCatalogsOfItsFiles(t *testing.T) {
	const catalog = "defaults:\n  services:\n    shine: {bundled_with: {duo_pro: {unit_primitives: [other]}}}\n"
	flow := strings.Replace(strings.Replace(goodFlow, "given:\n", "given:\n  catalog_file: ../cc.yml\n", 1), "true", "false", 1)
	dir := write(t, map[string]string{
		"features/shine.yaml": goodFeature,
		"flows/dark.yaml":     strings.Replace(flow, "steps:\n", "steps:\n  - catalog: {file: later.yml}\n", 1),
		"flows/later.yml":     catalog,
		"cc.yml":              catalog,
	})
	left := filepath.Join(dir, "left")
	r := ccmock(t, "test", "--features", filepath.Join(dir, "features"), "--capsule", left, filepath.Join(dir, "flows/dark.yaml"))
	require.Equal(t, 1, r.code, r.err)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "flows")))
	require.NoError(t, os.Remove(filepath.Join(dir, "cc.yml")))
	file := filepath.Join(left, "dark.capsule")
	r = ccmock(t, "replay", file)
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "the same failure\n")

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for garbled, want := range map[string]string{
		strings.ReplaceAll(string(text), "unit_primitives", "unit_primitive"): file + " (catalogs[0].text):3:",
		strings.Replace(string(text), `"later.yml"`, `"other.yml"`, 1):        `"later.yml" cannot be read: it is not among the capsule's catalogs`,
	} {
		require.NoError(t, os.WriteFile(file, []byte(garbled), 0o600))
		r = ccmock(t, "replay", file)
		require.Equal(t, 2, r.code, r.out)
		require.Contains(t, r.err, want)
	}
}

func TestReplaySaysWhenTheCapsuleIsOfAnotherVersion(t *testing.T) {
	_, file, text := capsule(t)
	require.NotContains(t, ccmock(t, "replay", file).out, "note: ")
	require.Contains(t, text, "\nccmock: \"")
	other := regexp.MustCompile(`(?m)^ccmock: .*$`).ReplaceAllString(text, `ccmock: "v0.0.1"`)
	require.NoError(t, os.WriteFile(file, []byte(other), 0o600))
	r := ccmock(t, "replay", file)
	require.Equal(t, 1, r.code, r.err)
	require.Regexp(t, `note: the capsule is of ccmock v0\.0\.1, this is \S+\nthe same failure\n$`, r.out)
}

func TestReportsNameTheCapsule(t *testing.T) {
	dir := flows(t)
	args := []string{"test", "--features", filepath.Join(dir, "features"), filepath.Join(dir, "flows")}
	left, page, junit := filepath.Join(dir, "left"), filepath.Join(dir, "page.html"), filepath.Join(dir, "junit.xml")
	r := ccmock(t, append(args, "--json", "--capsule", left, "--html", page, "--junit", junit)...)
	require.Equal(t, 1, r.code, r.err)
	var report struct {
		Target string
		Flows  []struct{ Status, Again, Replay string }
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &report))
	require.Equal(t, "in-process", report.Target)
	replay := "ccmock replay " + filepath.Join(left, "bad.capsule")
	require.Equal(t, "failed", report.Flows[0].Status)
	require.Equal(t, replay, report.Flows[0].Replay)
	require.True(t, strings.HasPrefix(report.Flows[0].Again, "ccmock test "), report.Flows[0].Again)
	require.Empty(t, report.Flows[1].Replay)
	for _, file := range []string{page, junit} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), replay, file)
		require.Contains(t, string(text), report.Flows[0].Again, file)
	}

	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	r = ccmock(t, append(args, "--capsule", filepath.Join(dir, "file"))...)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "is no folder")
	r = ccmock(t, append(args, "--capsule", filepath.Join(dir, "file/below"))...)
	require.Equal(t, 1, r.code, "the flow failed all the same")
	require.Contains(t, r.out, "note: no capsule was left: ")
}
