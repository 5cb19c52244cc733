package scenarios_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// fake is an ecosystem of one service that does what a test says: the engine is tested
// without any stub.
type fake struct {
	control.Part
	journal *journal.Journal
	url     string
	seed    func(world.World) error
	actions map[string]control.Action
	target  scenarios.Target
}

func (f *fake) Services() []control.Service {
	return []control.Service{{Name: "gitlab", Kind: journal.Rails, URL: f.url}}
}

func (f *fake) Seed(w world.World) error {
	if f.seed != nil {
		return f.seed(w)
	}
	return nil
}

func (f *fake) Skew(string) *clock.Skew            { return nil }
func (f *fake) Actions() map[string]control.Action { return f.actions }

func newFake(t *testing.T, answer func(f *fake, w http.ResponseWriter, r *http.Request)) *fake {
	t.Helper()
	f := &fake{journal: journal.New(0)}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(f, w, r) }))
	t.Cleanup(service.Close)
	f.url = service.URL
	given := world.World{Now: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)}
	require.Empty(t, given.Complete())
	plane := httptest.NewServer(control.NewServer(control.Options{
		Seed: 7, Clock: clock.NewFrozen(given.Now), Jobs: &clock.Schedule{}, Journal: f.journal, Faults: &fault.Set{},
		Parts: []control.Part{f}, World: given, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(plane.Close)
	f.target = scenarios.Target{Name: "fake", Control: []string{plane.URL}}
	return f
}

func (f *fake) note(r *http.Request, status int, reason string) {
	f.journal.Add(journal.Entry{
		Service: "gitlab", Kind: journal.Rails, Method: r.Method, Path: r.URL.Path, Route: "use",
		Status: status, Reason: reason, RequestID: r.Header.Get("X-Request-Id"),
	})
}

const flowHead = `
format: 1
scenario: against a fake
features: [new_feature_scope]
given:
  now: 2024-02-01
  users:
    grace: {instance: gitlab}
steps:
`

func play(t *testing.T, f *fake, steps string) *scenarios.Result {
	t.Helper()
	flow, err := scenarios.ParseFlow("fake.yaml", []byte(flowHead+steps), features(t), nil)
	require.NoError(t, err)
	return scenarios.Console{Quiet: true}.Run(t.Context(), []scenarios.Flow{flow}, scenarios.Options{Target: f.target}).Flows[0]
}

func TestAStepWaitsForTheJournal(t *testing.T) {
	const steps = "  - {use: new_feature_scope, as: grace, expect: {status: 401, refused: {by: gitlab, reason: no_token}}}\n"
	late := newFake(t, func(f *fake, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		go func() {
			_ = clock.Wait(t.Context(), 20*time.Millisecond)
			f.note(r, http.StatusUnauthorized, "no_token")
		}()
	})
	result := play(t, late, steps)
	require.Equal(t, scenarios.Passed, result.Status, scenarios.Story(result, false))

	silent := newFake(t, func(_ *fake, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	result = play(t, silent, steps)
	require.Equal(t, scenarios.Failed, result.Status)
	require.Equal(t, uint64(7), result.Seed)
	require.Contains(t, result.Steps[0].Problems[0].Message, "nobody refused")
	require.Equal(t, 10, result.Steps[0].Line)
	require.Contains(t, scenarios.Story(result, false), "fake.yaml:10")
}

func TestAStepSendsItsOwnRequestID(t *testing.T) {
	var ids []string
	f := newFake(t, func(f *fake, _ http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.Header.Get("X-Request-Id"))
		f.note(r, http.StatusOK, "")
	})
	result := play(t, f, `
  - {use: new_feature_scope, as: grace}
  - {use: {feature: new_feature_scope, headers: {X-Request-Id: mine}}, as: grace}
  - {request: {to: gitlab, path: /}, expect: {calls: {gitlab: 1}}}
`)
	require.Equal(t, scenarios.Passed, result.Status, scenarios.Story(result, false))
	require.Equal(t, []string{"fake-1", "mine", "fake-3"}, ids)
	require.Len(t, result.Steps[1].Hops, 1)
}

func TestWhatATargetCannotDoIsSkipped(t *testing.T) {
	f := newFake(t, func(f *fake, _ http.ResponseWriter, r *http.Request) { f.note(r, http.StatusOK, "") })
	result := play(t, f, `
  - {access_token: gitlab, save: token}
  - {call: {feature: new_feature_scope, user: grace, token: token}, expect: {status: 200}}
`)
	require.Equal(t, scenarios.Skipped, result.Status)
	require.Equal(t, "no control plane of the target takes the action access_token", result.Steps[0].Skipped)
	require.Equal(t, `it needs "token" of step 1, which was skipped`, result.Steps[1].Skipped)

	result = play(t, f, "  - {request: {to: gateway, path: /}, expect: {status: 200}}\n")
	require.Equal(t, scenarios.Failed, result.Status)
	require.Equal(t, "the target serves no gateway", result.Steps[0].Problems[0].Message)
}

func TestActionsAreToldWhatTheStepSays(t *testing.T) {
	f := newFake(t, func(*fake, http.ResponseWriter, *http.Request) {})
	var got []any
	told := func(v any) { got = append(got, v) }
	f.actions = map[string]control.Action{
		control.ActionSync: control.Do(func(_ context.Context, in control.SyncRequest) (control.SyncResult, error) {
			told(in)
			return control.SyncResult{Outcome: control.Succeeded}, nil
		}),
		control.ActionSetUser: control.Do(func(_ context.Context, in control.SetUserRequest) (control.Done, error) {
			told(in)
			return control.Done{}, nil
		}),
		control.ActionAssignSeat: control.Do(func(_ context.Context, in control.SeatRequest) (control.Done, error) {
			told(in)
			return control.Done{}, nil
		}),
		control.ActionLimits: control.Do(func(_ context.Context, in control.Limits) (control.Done, error) { told(in); return control.Done{}, nil }),
		control.ActionAccessToken: control.Do(func(_ context.Context, in control.AccessTokenRequest) (control.TokenResult, error) {
			told(in)
			return control.TokenResult{}, nil
		}),
		control.ActionSign: control.Do(func(_ context.Context, in control.SignRequest) (control.TokenResult, error) {
			told(in)
			return control.TokenResult{Raw: "a.b.c", Token: &journal.Token{Digest: "d"}}, nil
		}),
	}
	result := play(t, f, `
  - sync: gitlab
  - sync: {instance: gitlab, force: true}
  - set_user: {user: grace, denied: []}
  - assign_seat: {user: grace, add_on: duo_pro, remove: true}
  - limits: {per_user: 3, window: 90s}
  - access_token: {user: grace, extra_claims: {a: "${now}"}}
    expect: {token: {absent: true}}
  - sign: {service: gitlab, claims: {exp: "${now-1s}", aud: null}, stranger: true}
    expect: {token: {absent: true}}
`)
	now := float64(time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC).Unix())
	require.Equal(t, []any{
		control.SyncRequest{Instance: "gitlab"},
		control.SyncRequest{Instance: "gitlab", Force: true},
		control.SetUserRequest{User: "grace", Denied: []string{}},
		control.SeatRequest{User: "grace", AddOn: "duo_pro", Remove: true},
		control.Limits{Window: 90 * time.Second, PerUser: 3},
		control.AccessTokenRequest{Instance: "gitlab", User: "grace", Scopes: []string{"new_feature_scope"}, ExtraClaims: map[string]any{"a": now}},
		control.SignRequest{Service: "gitlab", Claims: map[string]any{"exp": now - 1, "aud": nil}, Stranger: true},
	}, got)
	require.Equal(t, scenarios.Failed, result.Status)
	require.Contains(t, result.Steps[6].Problems[0].Message, "expected no token, got one")
}

func TestAWorldThatIsRefused(t *testing.T) {
	f := newFake(t, func(*fake, http.ResponseWriter, *http.Request) {})
	f.seed = func(world.World) error { return errors.New("the world is full") }
	var out bytes.Buffer
	flow, err := scenarios.ParseFlow("fake.yaml", []byte(flowHead+"  - advance: 1h\n"), features(t), nil)
	require.NoError(t, err)
	report := scenarios.Console{Out: &out}.Run(t.Context(), []scenarios.Flow{flow}, scenarios.Options{Target: f.target})
	require.True(t, report.NotStarted())
	require.Contains(t, out.String(), "there is no ecosystem to run in: the world is full")
	require.Contains(t, out.String(), "fake could not be put back into the world that it was started with: the world is full")
}

func TestAnInterruptedRunEnds(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	reset := 0
	f := newFake(t, func(_ *fake, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server notices that its client is gone once the body is read
		interrupt()
		<-r.Context().Done()
		_, _ = io.WriteString(w, "too late")
	})
	f.seed = func(world.World) error { reset++; return nil }
	flow, err := scenarios.ParseFlow("fake.yaml", []byte(flowHead+"  - {use: new_feature_scope, as: grace}\n"), features(t), nil)
	require.NoError(t, err)
	report := scenarios.Console{Quiet: true}.Run(ctx, []scenarios.Flow{flow}, scenarios.Options{Target: f.target})
	require.Equal(t, scenarios.Failed, report.Flows[0].Status)
	require.Contains(t, report.Flows[0].Steps[0].Problems[0].Message, "context canceled")
	require.Equal(t, 2, reset, "the world was set, and put back all the same")
}
