package scenarios_test

import (
	"time"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/scenarios"
)

// The ids of the instances of a made-up report.
const (
	gitlabID    = "11111111-0000-0000-0000-000000000000"
	acmeID      = "22222222-0000-0000-0000-000000000000"
	dedicatedID = "33333333-0000-0000-0000-000000000000"
)

var madeUpTime = time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)

func madeUpStage() *scenarios.Stage {
	return &scenarios.Stage{
		Instances: []scenarios.StagedInstance{
			{Name: "gitlab", ID: gitlabID, Deployment: scenarios.SaaS},
			{Name: "acme", ID: acmeID, Deployment: scenarios.SelfManaged},
			{Name: "dedicated", ID: dedicatedID, Deployment: scenarios.Dedicated},
		},
		Endpoints: []scenarios.StagedEndpoint{{Service: "foo", Method: "POST", Path: "/new_feature_endpoint", Scope: "new_feature_scope"}},
	}
}

func madeUpToken(digest, sub string, scopes ...any) *journal.Token {
	if scopes == nil {
		scopes = []any{}
	}
	return &journal.Token{
		Digest: digest,
		Header: map[string]any{"alg": "RS256", "kid": "key", "typ": "JWT"},
		Claims: map[string]any{
			"iss": "http://customersdot.test", "sub": sub, "aud": []any{"gitlab-foo"}, "scopes": scopes,
			"iat": float64(madeUpTime.Unix()), "exp": float64(madeUpTime.Add(72 * time.Hour).Unix()),
		},
	}
}

// issuedTo is CustomersDot giving a token to an instance.
func issuedTo(sub, requestID string, granted bool) journal.Entry {
	t := madeUpToken("aaaaaaaaaaaa", sub)
	if granted {
		t = madeUpToken("aaaaaaaaaaaa", sub, "new_feature_scope")
	}
	return journal.Entry{
		At: madeUpTime, Service: "customersdot", Kind: journal.CustomersDot, Route: "graphql", Method: "POST", Path: "/graphql", Status: 200,
		RequestID: requestID, Issued: t,
		Scopes: []journal.Scope{
			{Name: "new_feature_scope", Granted: granted, Why: "duo_pro was not bought & the cut-off passed"},
			{Name: "ask_build", Granted: true, Why: "it is free"},
		},
	}
}

// judgedBy is the backend foo answering an instance's request.
func judgedBy(instanceID, requestID string, status int, reason, scope string) journal.Entry {
	return journal.Entry{
		At: madeUpTime, Service: "foo", Kind: journal.Backend, Route: "new_feature_scope", Method: "POST", Path: "/new_feature_endpoint", Status: status,
		RequestID: requestID, InstanceID: instanceID, Reason: reason, Scope: scope, Token: madeUpToken("aaaaaaaaaaaa", instanceID),
	}
}

// madeUp is a report with a flow of each kind: one that failed in a step, one that passed,
// one that failed as a whole, one without an ecosystem and one that was skipped.
func madeUp() *scenarios.Report {
	sync := issuedTo(acmeID, "sync", false)
	job := journal.Entry{
		At: madeUpTime, Service: "acme", Kind: journal.Rails, Route: "job:sync_service_token", RequestID: "sync",
		Detail: "succeeded: service_access_tokens: created", Upstream: "http://customersdot.test/graphql",
	}
	keys := journal.Entry{
		At: madeUpTime, Service: "customersdot", Kind: journal.CustomersDot, Route: "openid.keys", Method: "GET",
		Path: "/oauth/discovery/keys", Status: 200, RequestID: "use",
	}
	foo := judgedBy(acmeID, "use", 403, "missing_scope", "new_feature_scope")
	foo.Detail = `scopes [] do not hold "new_feature_scope"`
	gateway := journal.Entry{
		At: madeUpTime, Service: "gateway", Kind: journal.Gateway, Route: "foo", Method: "POST", Path: "/foo/new_feature_endpoint", Status: 403,
		RequestID: "use", Upstream: "http://foo.test/new_feature_endpoint", Token: &journal.Token{Digest: "aaaaaaaaaaaa"},
	}
	acme := journal.Entry{
		At: madeUpTime, Service: "acme", Kind: journal.Rails, Route: "feature.new_feature_scope", Method: "POST", Path: "/api/v4/new_feature_scope",
		Status: 403, RequestID: "use", Upstream: "http://gateway.test/foo/new_feature_endpoint",
	}
	carried := madeUpToken("aaaaaaaaaaaa", acmeID)
	later := madeUpToken("bbbbbbbbbbbb", acmeID, "new_feature_scope", "ask_build")
	names := map[string]string{"iss": "customersdot", "sub": "acme"}
	step := func(file string, n int, title, action string, status scenarios.Status) *scenarios.StepResult {
		return &scenarios.StepResult{
			Number: n, Title: title, Action: action, Status: status, File: file, Line: 10 + n, At: madeUpTime, Elapsed: time.Duration(n) * 1500 * time.Microsecond,
		}
	}
	failing := &scenarios.Result{
		File: "flows/refused.yaml", Scenario: `an <b>add-on</b> & "its" end`, Status: scenarios.Failed, Seed: 7, Elapsed: 6 * time.Millisecond,
		Again: "ccmock test flows/refused.yaml --features 'my features'", Replay: "ccmock replay left/refused.capsule",
		Stage: madeUpStage(),
		Steps: []*scenarios.StepResult{
			step("flows/refused.yaml", 1, "sync acme", "sync", scenarios.Passed),
			step("flows/refused.yaml", 2, "use new_feature_scope as ada", "use", scenarios.Failed),
			step("flows/refused.yaml", 3, "advance 1h", "advance", scenarios.NotRun),
		},
	}
	failing.Stage.Services = []control.Service{
		{Name: "acme", Kind: journal.Rails, Routes: []string{"feature.new_feature_scope", "health"}},
		{Name: "foo", Kind: journal.Backend, Routes: []string{"monitoring/ready", "new_feature_scope"}},
	}
	failing.Stage.Actions, failing.Stage.CalledActions = []string{"sync", "upgrade"}, []string{"sync"}
	failing.Stage.CalledRoutes = []string{"GET /v1/clock", "GET /v1/info", "GET /v1/journal", "POST /v1/do/{action}"}
	first, second := failing.Steps[0], failing.Steps[1]
	first.Answer, first.Journal = "succeeded: service_access_tokens: created", []journal.Entry{sync, job}
	first.Tokens = []scenarios.Token{{Label: "the token", Digest: carried.Digest, Header: carried.Header, Claims: carried.Claims, Names: names}}
	second.RequestID = "use"
	second.Problems = []scenarios.Problem{{
		File: "flows/refused.yaml", Line: 13, Path: "steps[1].expect.status", Message: "expected status 200, got 403 Forbidden\x1b[31m ]]> \x00",
	}}
	second.Request = &scenarios.Sent{
		Method: "POST", URL: "http://acme.test/api/v4/new_feature_scope", Body: `{"a":"<script>alert(1)</script>"}`,
		Headers: []scenarios.Field{{Name: "Private-Token", Value: "glpa..."}},
	}
	second.Response = &scenarios.Received{
		Status: 403, Body: "{\"message\":\"403 Forbidden\"}", Headers: []scenarios.Field{{Name: "Content-Type", Value: "application/json"}},
	}
	second.Journal = []journal.Entry{keys, foo, gateway, acme}
	second.Hops = []journal.Entry{acme, gateway, foo}
	second.Tokens = []scenarios.Token{
		{Label: "the token", Digest: carried.Digest, Header: carried.Header, Claims: carried.Claims, Names: names},
		{Label: "last issued to acme", Digest: later.Digest, Header: later.Header, Claims: later.Claims, Names: names},
	}
	second.Expected = &scenarios.Token{
		Label: "expected", Header: map[string]any{"kid": nil},
		Claims: map[string]any{"scopes": []string{"new_feature_scope"}, "exp": float64(madeUpTime.Add(time.Hour).Unix()), "duo_seat_count": 10},
	}
	second.Explanation = &explain.Explanation{
		By: "foo", Reason: "missing_scope", Text: "refused by foo: the token lacks new_feature_scope",
		Chain: []explain.Link{
			{Part: explain.Token, Verdict: explain.Refused, Text: "lacks new_feature_scope"},
			{Part: explain.Gateway, Service: "gateway", Verdict: explain.Passed, Text: "passed it on"},
			{Part: explain.Backend, Service: "foo", Verdict: explain.Refused, Text: "missing_scope"},
		},
	}
	passing := &scenarios.Result{
		File: "flows/granted.yaml", Scenario: "a feature is used", Status: scenarios.Passed, Seed: 7, Elapsed: 1234567 * time.Microsecond, Stage: madeUpStage(),
		Steps: []*scenarios.StepResult{step("flows/granted.yaml", 1, "advance 2h", "advance", scenarios.Passed)},
	}
	passing.Steps[0].Notes = []string{"who refused is not known"}
	unused := &scenarios.Result{
		File: "flows/unused.yaml", Scenario: "a fault that nobody meets", Status: scenarios.Failed, Seed: 7,
		Steps:    []*scenarios.StepResult{step("flows/unused.yaml", 1, "fault down", "fault", scenarios.Passed)},
		Problems: []scenarios.Problem{{File: "flows/unused.yaml", Line: 11, Message: `the fault "down" was never applied`}},
	}
	absent := &scenarios.Result{
		File: "flows/absent.yaml", Scenario: "no ecosystem", Status: scenarios.Failed, NotStarted: true,
		Steps:    []*scenarios.StepResult{step("flows/absent.yaml", 1, "sync acme", "sync", scenarios.NotRun)},
		Problems: []scenarios.Problem{{File: "flows/absent.yaml", Line: 1, Message: "there is no ecosystem to run in: the port is taken"}},
	}
	skipped := &scenarios.Result{
		File: "flows/skipped.yaml", Scenario: "needs a control plane", Status: scenarios.Skipped,
		Steps: []*scenarios.StepResult{step("flows/skipped.yaml", 1, "sync acme", "sync", scenarios.Skipped)},
	}
	skipped.Steps[0].Skipped = "the target has no control plane"
	for _, f := range []*scenarios.Result{absent, skipped} {
		f.Steps[0].At, f.Steps[0].Elapsed = time.Time{}, 0
	}
	failing.Steps[2].At, failing.Steps[2].Elapsed = time.Time{}, 0
	r := &scenarios.Report{Flows: []*scenarios.Result{passing, failing, unused, absent, skipped}}
	r.Coverage = r.Cover()
	return r
}
