package cmd_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func flows(t *testing.T) string {
	return write(t, map[string]string{
		"features/shine.yaml": goodFeature,
		"flows/good.yaml":     goodFlow,
		"flows/bad.yaml": strings.ReplaceAll(strings.Replace(goodFlow, "bright: true", "bright: false", 1),
			"the lamp shines", "the lamp is dark"),
		"target.yaml": "format: 1\ncontrol: ['http://127.0.0.1:1']\n",
	})
}

func TestTestRunsFlows(t *testing.T) {
	dir := flows(t)
	features := filepath.Join(dir, "features")

	golden(t, "test_passed", ok(t, "test", "--features", features, filepath.Join(dir, "flows/good.yaml")))

	r := ccmock(t, "test", "--features", features, filepath.Join(dir, "flows"))
	require.Equal(t, 1, r.code, r.err)
	require.Empty(t, r.err)
	require.Contains(t, r.out, "the lamp shines on GitLab.com")
	require.Contains(t, r.out, "the lamp is dark on GitLab.com")
	require.Contains(t, r.out, filepath.Join(dir, "flows/bad.yaml")+":8", "the story names the place")
	require.Contains(t, r.out, "1 flow passed, 1 failed")

	require.Contains(t, ok(t, "test", "--features", features, "--run", "^good$", filepath.Join(dir, "flows")), "1 flow passed (1 step, coverage 11.1 %)")
	require.Contains(t, ok(t, "test", "--features", features, "--run", "shines", "--verbose", filepath.Join(dir, "flows")), "use shine as grace")
}

func TestTestForMachines(t *testing.T) {
	dir := flows(t)
	r := ccmock(t, "test", "--json", "--seed", "9", "--parallel", "1", "--features", filepath.Join(dir, "features"), filepath.Join(dir, "flows"))
	require.Equal(t, 1, r.code)
	var report struct {
		Flows []struct {
			Scenario, Status string
			Seed             uint64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &report), r.out)
	require.Len(t, report.Flows, 2)
	require.Equal(t, "failed", report.Flows[0].Status)
	require.Equal(t, "passed", report.Flows[1].Status)
	require.Equal(t, uint64(9), report.Flows[1].Seed)
}

func TestTestRunsTheFlowsThatComeWithIt(t *testing.T) {
	require.Contains(t, ok(t, "test", "--run", "^(cut_off|three_deployments)$"), "2 flows passed")
}

func TestTestInAServedEcosystem(t *testing.T) {
	dir := flows(t)
	features := filepath.Join(dir, "features")
	u := up(t, "--features", features)
	target := filepath.Join(write(t, map[string]string{"here.yaml": "format: 1\ncontrol: ['" + u.Control + "']\n"}), "here.yaml")
	out := ok(t, "test", "--target", target, "--features", features, filepath.Join(dir, "flows/good.yaml"))
	require.Contains(t, out, "1 flow passed")

	r := ccmock(t, "test", "--target", filepath.Join(dir, "target.yaml"), "--features", features, filepath.Join(dir, "flows/good.yaml"))
	require.Equal(t, 3, r.code, "there is no ecosystem: %s", r.out)
	require.Contains(t, r.out, "127.0.0.1:1")
}

func TestTestRefusesWhatItCannotRun(t *testing.T) {
	dir := flows(t)
	broken := write(t, map[string]string{
		"broken.yaml": strings.Replace(goodFlow, "scenario", "sceanrio", 1),
		"target.yaml": "format: 1\n", "empty/x": "",
	})
	features := filepath.Join(dir, "features")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{filepath.Join(broken, "broken.yaml"), filepath.Join(dir, "flows")}, `did you mean "scenario"?`},
		{[]string{filepath.Join(broken, "nowhere.yaml")}, "no such file"},
		{[]string{filepath.Join(broken, "empty")}, "there is no flow in "},
		{[]string{"--run", "(", filepath.Join(dir, "flows")}, "--run: error parsing regexp"},
		{[]string{"--run", "nothing", filepath.Join(dir, "flows")}, `none of 2 flows matches --run "nothing"`},
		{[]string{"--target", filepath.Join(broken, "target.yaml"), filepath.Join(dir, "flows")}, "neither control planes nor services"},
		{[]string{"--target", filepath.Join(broken, "nowhere.yaml"), filepath.Join(dir, "flows")}, "ccmock: read the target: "},
	} {
		t.Run(c.want, func(t *testing.T) {
			r := ccmock(t, append([]string{"test", "--features", features}, c.args...)...)
			require.Equal(t, 2, r.code, r.out)
			require.Contains(t, r.err, c.want)
			require.Empty(t, r.out, "nothing ran")
		})
	}
}
