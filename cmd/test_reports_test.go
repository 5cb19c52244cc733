package cmd_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

func TestTestLeavesReports(t *testing.T) {
	dir := flows(t)
	features := filepath.Join(dir, "features")
	junit, html := filepath.Join(dir, "junit.xml"), filepath.Join(dir, "report.html")
	r := ccmock(t, "test", "--features", features, "--junit", junit, "--html", html, "--coverage", filepath.Join(dir, "flows"))
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "\ncoverage ")
	require.Contains(t, r.out, "  shine  saas ")

	text, err := os.ReadFile(junit)
	require.NoError(t, err)
	var suites struct {
		Failures int `xml:"failures,attr"`
	}
	require.NoError(t, xml.Unmarshal(text, &suites))
	require.Equal(t, 1, suites.Failures)
	text, err = os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(text), "the lamp is dark on GitLab.com")

	r = ccmock(t, "test", "--features", features, "--coverage", "--json", filepath.Join(dir, "flows/good.yaml"))
	require.Zero(t, r.code, r.err)
	var report scenarios.Report
	require.NoError(t, json.Unmarshal([]byte(r.out), &report), "JSON and nothing else is printed")
	require.Equal(t, 1, report.Coverage.Rows[0].Seen[scenarios.ProofAccepted].Times)
	require.NotContains(t, ok(t, "test", "--features", features, filepath.Join(dir, "flows/good.yaml")), "\ncoverage ")
}

func TestTestFailsBelowMinCoverage(t *testing.T) {
	dir := flows(t)
	features, good := filepath.Join(dir, "features"), filepath.Join(dir, "flows/good.yaml")
	// The lamp shines for a user of GitLab.com: issued and accepted, of 18 cells.
	require.Zero(t, ccmock(t, "test", "--features", features, "--min-coverage", "11.1", good).code)

	r := ccmock(t, "test", "--features", features, "--min-coverage", "11.2", good)
	require.Equal(t, 1, r.code)
	require.Equal(t, `ccmock: the coverage is 11.1 % (2 of 18), less than 11.2 %; missing are
  shine on saas: refused when missing, refused when expired, refused for the wrong audience, refused for another instance
  shine on self-managed: issued, accepted, refused when missing, refused when expired, refused for the wrong audience, refused for another instance
  shine on dedicated: issued, accepted, refused when missing, refused when expired, refused for the wrong audience, refused for another instance
`, r.err)
	require.Contains(t, r.out, "1 flow passed")

	r = ccmock(t, "test", "--features", features, "--min-coverage", "100", filepath.Join(dir, "flows"))
	require.Equal(t, 1, r.code)
	require.Empty(t, r.err, "of a flow that failed its story is told, and no more")
}

func TestTestRefusesReportsThatCannotBe(t *testing.T) {
	dir := flows(t)
	args := []string{"test", "--features", filepath.Join(dir, "features"), filepath.Join(dir, "flows/good.yaml")}
	for _, c := range []struct {
		flags []string
		code  int
		want  string
	}{
		{[]string{"--min-coverage", "101"}, 2, `--min-coverage: "101" is not a number from 0 to 100`},
		{[]string{"--min-coverage", "NaN"}, 2, `--min-coverage: "NaN" is not a number from 0 to 100`},
		{[]string{"--min-coverage", "most"}, 2, `--min-coverage: "most" is not a number from 0 to 100`},
		{[]string{"--junit", "x.xml", "--html", "x.xml"}, 2, `--junit and --html both write to "x.xml"`},
		{[]string{"--junit", filepath.Join(dir, "nowhere/junit.xml")}, 1, "write the report: open "},
	} {
		r := ccmock(t, append(args, c.flags...)...)
		require.Equal(t, c.code, r.code, c.flags)
		require.Contains(t, r.err, c.want)
	}
}
