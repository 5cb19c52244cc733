package scenarios_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/scenarios"
)

// covered is the report of one flow with a step for each list of entries.
func covered(steps ...[]journal.Entry) *scenarios.Report {
	r := &scenarios.Result{File: "a.yaml", Stage: madeUpStage()}
	for n, entries := range steps {
		r.Steps = append(r.Steps, &scenarios.StepResult{Number: n + 1, File: "a.yaml", Line: 10 + n, Journal: entries})
	}
	return &scenarios.Report{Flows: []*scenarios.Result{r}}
}

func table(t *testing.T, c *scenarios.Coverage) string {
	t.Helper()
	var text strings.Builder
	require.NoError(t, c.WriteTable(&text))
	return text.String()
}

func TestCoverageOfEveryProof(t *testing.T) {
	self := issuedTo("", "", true) // GitLab.com signs its own tokens, and they need no sub
	self.Service, self.Kind, self.Route = "gitlab", journal.Rails, "access_token"
	relayed := judgedBy("", "relayed", 200, "", "new_feature_scope")
	through := journal.Entry{Service: "dedicated", Kind: journal.Rails, Method: "POST", RequestID: "relayed", Upstream: "http://gateway.test"}
	byToken := judgedBy("", "c", 401, "wrong_audience", "") // the header is missing, the token names the instance
	byToken.Token = madeUpToken("aaaaaaaaaaaa", acmeID)
	faulty := judgedBy(dedicatedID, "f", 503, "", "new_feature_scope")
	faulty.Fault = "down"
	stranger := judgedBy("44444444-0000-0000-0000-000000000000", "g", 200, "", "new_feature_scope")
	c := covered(
		[]journal.Entry{issuedTo(acmeID, "1", true), issuedTo(acmeID, "2", true), issuedTo(dedicatedID, "3", false), self},
		[]journal.Entry{judgedBy(acmeID, "a", 200, "", "new_feature_scope"), relayed, through, judgedBy(acmeID, "b", 422, "", "new_feature_scope"), faulty, stranger},
		[]journal.Entry{judgedBy(acmeID, "d", 403, "missing_scope", "new_feature_scope"), judgedBy(acmeID, "e", 401, "expired", "")},
		[]journal.Entry{byToken, judgedBy(gitlabID, "h", 401, "instance_mismatch", ""), judgedBy(gitlabID, "i", 401, "bad_signature", "")},
	).Cover()
	require.Equal(t, `coverage 44.4 % (8 of 18)
                                                       refused for
  scope              deployment      issued  accepted   missing   expired  audience  instance
  new_feature_scope  saas                 1         -         -         -         -         1
                     self-managed         2         1         1         1         1         -
                     dedicated            -         1         -         -         -         -

no endpoint was seen to require ask_build
`, table(t, c))
	require.Equal(t, &scenarios.Sight{Times: 2, File: "a.yaml", Line: 10}, c.Rows[1].Seen[scenarios.ProofIssued])
	require.Equal(t, &scenarios.Sight{Times: 1, File: "a.yaml", Line: 12}, c.Rows[1].Seen[scenarios.ProofExpired])
	require.Equal(t, []string{
		"new_feature_scope on saas: accepted, refused when missing, refused when expired, refused for the wrong audience",
		"new_feature_scope on self-managed: refused for another instance",
		"new_feature_scope on dedicated: issued, refused when missing, refused when expired, refused for the wrong audience, refused for another instance",
	}, c.Missing())
}

func TestCoverageOfScopesThatOnlyBackendsName(t *testing.T) {
	other := judgedBy(acmeID, "a", 200, "", "complete_code")
	other.Service, other.Path = "ai", "/v2/code/completions"
	refused := other
	refused.Status, refused.Reason, refused.Scope = 401, "expired", "" // no feature says what this endpoint requires
	c := covered([]journal.Entry{other, refused}).Cover()
	require.Equal(t, `coverage 2.8 % (1 of 36)
                                                       refused for
  scope              deployment      issued  accepted   missing   expired  audience  instance
  complete_code      saas                 -         -         -         -         -         -
                     self-managed         -         1         -         -         -         -
                     dedicated            -         -         -         -         -         -
  new_feature_scope  saas                 -         -         -         -         -         -
                     self-managed         -         -         -         -         -         -
                     dedicated            -         -         -         -         -         -
`, table(t, c))
}

func TestCoverageListsWhatNobodyUsed(t *testing.T) {
	c := madeUp().Coverage
	require.Equal(t, []scenarios.StubRoute{{Service: "GitLab instances", Route: "health"}, {Service: "foo", Route: "monitoring/ready"}}, c.Untouched.Routes)
	require.Equal(t, []string{"upgrade"}, c.Untouched.Actions)
	require.NotContains(t, c.Untouched.ControlRoutes, "GET /v1/clock")
	require.Contains(t, c.Untouched.ControlRoutes, "PUT /v1/skew")
	require.Len(t, c.Untouched.ControlRoutes, len(control.Routes())-4)
	text := table(t, c)
	require.Contains(t, text, "no flow used these routes of stubs:\n  GitLab instances: health\n  foo: monitoring/ready\n")
	require.Contains(t, text, "no flow used these actions of the control plane:\n  upgrade\n")
}

func TestCoverageOfNothing(t *testing.T) {
	c := (&scenarios.Report{Flows: []*scenarios.Result{{File: "a.yaml"}}}).Cover()
	require.Zero(t, c.Percent)
	require.Equal(t, "coverage 0.0 % (0 of 0)\n", table(t, c))
	require.Empty(t, c.Missing())
}

// What real stubs write into real journals makes the table that the flow's name promises.
func TestCoverageOfAFlowThatRan(t *testing.T) {
	for _, f := range flows(t) {
		if f.Name() != "three_deployments" {
			continue
		}
		report := scenarios.Console{Quiet: true}.Run(t.Context(), []scenarios.Flow{f}, scenarios.Options{Start: start})
		own, _, _ := strings.Cut(table(t, report.Coverage), "\nno flow used these routes of the control plane")
		require.Equal(t, `coverage 33.3 % (6 of 18)
                                                       refused for
  scope              deployment      issued  accepted   missing   expired  audience  instance
  new_feature_scope  saas                 1         1         -         -         -         -
                     self-managed         1         1         -         -         -         -
                     dedicated            1         1         -         -         -         -

no flow used these routes of stubs:
  GitLab instances: health
  customersdot: consumers.resolve, seat_links.create
  foo: monitoring/healthz, monitoring/ready
`, own)
		require.Contains(t, report.Coverage.Untouched.ControlRoutes, "PUT /v1/skew")
		require.NotContains(t, report.Coverage.Untouched.ControlRoutes, "GET /v1/journal")
		require.Contains(t, report.Coverage.Untouched.Actions, "purchase")
		require.NotContains(t, report.Coverage.Untouched.Actions, "sync")
		return
	}
	t.Fatal("there is no flow three_deployments")
}
