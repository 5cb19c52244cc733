package duoworkflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

func TestDefaultWorkflow(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/execute/actions")
	r := newRig(t, nil)
	s := r.stream(t, r.good(t))
	s.say(t, start)
	running := s.must(t)
	require.NotEmpty(t, running["requestID"])
	require.Equal(t, object{"status": "RUNNING", "goal": "fix it", "checkpoint": `{"channel_values":{}}`}, running["newCheckpoint"])
	read := s.must(t)
	require.NotEqual(t, running["requestID"], read["requestID"])
	require.Equal(t, object{"filepath": "README.md"}, read["runReadFile"])
	s.say(t, object{"heartbeat": object{"timestamp": 1}})
	s.answer(t, running) // nobody waits for that
	s.answer(t, read)
	require.Equal(t, "FINISHED", s.must(t)["newCheckpoint"].(object)["status"])
	require.Equal(t, codes.OK, s.ends(t).Code())
	entry := r.last(t, "ExecuteWorkflow")
	require.Equal(t, `workflow software_development "42"; workflow execution success`, entry.Detail)
	require.Equal(t, "duo_agent_platform", entry.Scope)
	require.Empty(t, entry.Reason)
}

func TestScript(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/execute/actions")
	r := newRig(t, &world.DuoWorkflow{Script: []any{
		object{"requestID": "a", "runHTTPRequest": object{"method": "GET", "path": "/api/v4/user"}},
		object{"runCommand": object{"program": "make", "arguments": []any{"test"}}},
		object{"end": object{"code": "INTERNAL", "message": "workflow execution failure: ValueError: no"}},
	}})
	s := r.stream(t, r.good(t))
	s.say(t, start)
	request := s.must(t)
	require.Equal(t, object{"requestID": "a", "runHTTPRequest": object{"method": "GET", "path": "/api/v4/user"}}, request)
	s.answer(t, object{"requestID": "b"}) // of another action
	s.answer(t, object{})                 // as old clients answer, without an id
	require.Equal(t, object{"program": "make", "arguments": []any{"test"}}, s.must(t)["runCommand"])
	s.answer(t, object{})
	end := s.ends(t)
	require.Equal(t, codes.Internal, end.Code())
	require.Equal(t, "workflow execution failure: ValueError: no", end.Message())

	w := r.world
	w.DuoWorkflow = &world.DuoWorkflow{Script: []any{}}
	require.NoError(t, r.Seed(w))
	s = r.stream(t, r.good(t))
	s.say(t, start)
	require.Equal(t, codes.OK, s.ends(t).Code(), "a script of nothing is done at once")
}

func TestScopesOfWorkflows(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/execute/scopes", "duoworkflow/execute/invalid")
	r := newRig(t, nil)
	for name, tt := range map[string]struct {
		start  object
		scopes []any
		code   codes.Code
		says   string
	}{
		"the scope":            {object{"workflowDefinition": "software_development"}, []any{"duo_agent_platform"}, codes.OK, ""},
		"of earlier GitLab":    {object{"workflowDefinition": "software_development"}, []any{"duo_workflow_execute_workflow"}, codes.OK, ""},
		"chat":                 {object{"workflowDefinition": "chat"}, []any{"duo_chat"}, codes.OK, ""},
		"chat without":         {object{"workflowDefinition": "chat"}, []any{"duo_agent_platform"}, codes.PermissionDenied, "Unauthorized to execute chat"},
		"without":              {object{"workflowDefinition": "developer/v1"}, []any{"duo_chat"}, codes.PermissionDenied, "Unauthorized to execute developer/v1"},
		"none named, without":  {object{}, []any{"duo_chat"}, codes.PermissionDenied, "Unauthorized to execute software_development"},
		"by id, without":       {object{"flowConfigId": "developer", "flowConfigSchemaVersion": "v1", "flowVersion": "1.0.0"}, []any{}, codes.PermissionDenied, "Unauthorized to execute developer/v1"},
		"renamed, without":     {object{"workflowDefinition": "duo_planner/experimental"}, []any{}, codes.PermissionDenied, "Unauthorized to execute duo_planner/v1"},
		"inline, without":      {object{"flowConfig": object{"version": "v1"}}, []any{}, codes.PermissionDenied, "Unauthorized to execute workflow"},
		"id without schema":    {object{"flowConfigId": "developer"}, allScopes, codes.InvalidArgument, "flowConfigId requires flowConfigSchemaVersion to also be provided."},
		"id without version":   {object{"flowConfigId": "developer", "flowConfigSchemaVersion": "v1"}, allScopes, codes.InvalidArgument, "flowConfigId requires flowVersion to also be provided."},
		"version without id":   {object{"flowVersion": "1.0.0"}, allScopes, codes.InvalidArgument, "flowVersion requires flowConfigId to also be provided."},
		"both":                 {object{"flowConfigId": "x", "flowConfig": object{}}, allScopes, codes.InvalidArgument, "flowConfigId and flowConfig are mutually exclusive — set one or the other, not both."},
		"inline, no version":   {object{"flowConfig": object{}}, allScopes, codes.InvalidArgument, "flowConfig requires flowConfigSchemaVersion to also be provided."},
		"invalid before scope": {object{"workflowDefinition": "nope"}, []any{}, codes.InvalidArgument, "Unsupported workflow_definition value: '.'. Expected format: '<flow_name>/<flow_registry_version>' (e.g., 'my_flow/v1')"},
	} {
		t.Run(name, func(t *testing.T) {
			s := r.stream(t, r.good(t).with("scopes", tt.scopes))
			s.say(t, object{"startRequest": tt.start})
			if tt.code == codes.OK {
				require.Contains(t, s.must(t), "newCheckpoint")
				require.NoError(t, s.CloseSend())
				return
			}
			end := s.ends(t)
			require.Equal(t, tt.code, end.Code(), end)
			require.Equal(t, tt.says, end.Message())
			if tt.code == codes.PermissionDenied {
				require.Equal(t, string(token.MissingScope), r.last(t, "ExecuteWorkflow").Reason)
			}
		})
	}
}

func TestHowWorkflowsEnd(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/execute/stopped", "duoworkflow/execute/no-more")
	r := newRig(t, nil)
	stop := func(reason string) object { return object{"stopWorkflow": object{"reason": reason}} }
	for name, tt := range map[string]struct {
		event object
		code  codes.Code
		says  string
	}{
		"stopped":                    {stop("enough"), codes.OK, ""},
		"Workhorse is shut down":     {stop("WORKHORSE_SERVER_SHUTDOWN"), codes.Unavailable, "workflow execution interrupted: running"},
		"the client says no more":    {nil, codes.Canceled, "RPC cancelled by client"},
		"another start is no answer": {start, codes.Canceled, "RPC cancelled by client"},
	} {
		t.Run(name, func(t *testing.T) {
			s := r.stream(t, r.good(t))
			s.say(t, start)
			s.must(t)
			s.must(t)
			if tt.event != nil {
				s.say(t, tt.event)
			}
			require.NoError(t, s.CloseSend())
			end := s.ends(t)
			require.Equal(t, tt.code, end.Code(), end)
			require.Equal(t, tt.says, end.Message())
			require.Contains(t, r.last(t, "ExecuteWorkflow").Detail, "stopped at action 2 of 3, runReadFile")
		})
	}
	t.Run("never started", func(t *testing.T) {
		s := r.stream(t, r.good(t))
		require.NoError(t, s.CloseSend())
		require.Equal(t, codes.OK, s.ends(t).Code())
		require.Equal(t, "workflow execution never started", r.last(t, "ExecuteWorkflow").Detail)
	})
	t.Run("the client goes away", func(t *testing.T) {
		ctx, cancel := context.WithCancel(r.good(t).says("x-request-id", "gone").context(t))
		s := open(t, r.conn, ctx, "DuoWorkflow/ExecuteWorkflow")
		s.say(t, start)
		s.must(t)
		s.must(t)
		cancel()
		require.Equal(t, codes.Canceled, s.ends(t).Code())
		require.Eventually(t, func() bool { return r.last(t, "ExecuteWorkflow").RequestID == "gone" }, 5*time.Second, time.Millisecond)
		require.Contains(t, r.last(t, "ExecuteWorkflow").Detail, "CANCELLED: RPC cancelled by client")
	})
	t.Run("the client's time is over", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(r.good(t).context(t), 300*time.Millisecond)
		defer cancel()
		s := open(t, r.conn, ctx, "DuoWorkflow/ExecuteWorkflow")
		s.say(t, start)
		s.must(t)
		s.must(t)
		require.Equal(t, codes.DeadlineExceeded, s.ends(t).Code())
	})
}

func TestTrackSelfHosted(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/track/acknowledged")
	r := newRig(t, nil)
	s := open(t, r.conn, r.good(t).context(t), "DuoWorkflow/TrackSelfHostedExecuteWorkflow")
	for _, id := range []string{"a", "b"} {
		s.say(t, object{"requestID": id, "workflowID": "42"})
		require.Equal(t, object{"requestID": id}, s.must(t))
	}
	require.NoError(t, s.CloseSend())
	require.Equal(t, codes.OK, s.ends(t).Code())

	for _, c := range []*caller{
		r.good(t).with("scopes", []any{"duo_workflow_execute_workflow"}),
		r.good(t).own(r.generated(t, r.good(t)).Raw),
	} {
		s = open(t, r.conn, c.context(t), "DuoWorkflow/TrackSelfHostedExecuteWorkflow")
		s.say(t, object{"requestID": "a"})
		end := s.ends(t)
		require.Equal(t, codes.PermissionDenied, end.Code())
		require.Equal(t, "Unauthorized to track self-hosted workflow execution", end.Message())
	}
}
