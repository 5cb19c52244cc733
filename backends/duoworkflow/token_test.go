package duoworkflow_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
)

// generated is a user's token, made for a good caller.
func (r *rig) generated(t testing.TB, c *caller) *token.Decoded {
	t.Helper()
	answer, got := r.call(t, c, "DuoWorkflow/GenerateToken", object{"workflowDefinition": "developer/v1"})
	require.Equal(t, codes.OK, got.Code(), got)
	d, err := token.Decode(answer["token"].(string))
	require.NoError(t, err)
	return d
}

func TestGenerateToken(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/generate-token/claims", "duoworkflow/generate-token/answer", "duoworkflow/generate-token/kept-scopes")
	r := newRig(t, nil)
	caller := r.good(t).with("duo_seat_count", 7).with("skip_usage_cutoff", true).with("gitlab_root_namespace_id", 9).with("other", "x")
	answer, got := r.call(t, caller, "DuoWorkflow/GenerateToken", object{})
	require.Equal(t, codes.OK, got.Code(), got)
	require.Equal(t, []any{"tool_call_approval", "tool_call_pattern_approval", "flow_semantic_versioning"}, answer["server_capabilities"])
	require.Equal(t, "1772370000", answer["expiresAt"], "an int64 is a text in JSON")
	require.Equal(t, []string{"expiresAt", "server_capabilities", "token"}, keys(answer))

	d, err := token.Decode(answer["token"].(string))
	require.NoError(t, err)
	require.Equal(t, object{"alg": "RS256", "typ": "JWT"}, d.Header)
	require.NotEmpty(t, d.Text("jti"))
	delete(d.Claims, "jti")
	require.JSONEq(t, `{
		"iss": "gitlab-duo-workflow-service", "aud": "gitlab-duo-workflow-service", "sub": "`+r.ada()+`",
		"iat": 1772366400, "nbf": 1772366400, "exp": 1772370000,
		"gitlab_realm": "self-managed", "gitlab_instance_id": "`+r.acme().UUID+`", "gitlab_instance_uid": "uid-1",
		"scopes": ["duo_agent_platform", "duo_chat", "duo_workflow_execute_workflow", "include_file_context"],
		"duo_seat_count": 7, "skip_usage_cutoff": true, "gitlab_root_namespace_id": 9
	}`, asJSON(t, d.Claims))

	entry := r.last(t, "GenerateToken")
	require.Equal(t, d.Text("sub"), entry.Issued.Claims["sub"])
	require.Equal(t, "duo_agent_platform", entry.Scope)
	require.Equal(t, "jti-1", entry.Token.ID)
	require.Equal(t, "call-1", entry.RequestID)
}

// TestTheMetadataSayForWhom: what they lack is null in the token.
func TestTheMetadataSayForWhom(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/generate-token/null")
	r := newRig(t, nil)
	c := r.good(t).with("gitlab_instance_uid", nil)
	delete(c.metadata, "x-gitlab-global-user-id")
	d := r.generated(t, c)
	for _, name := range []string{"sub", "gitlab_instance_uid"} {
		value, there := d.Claims[name]
		require.True(t, there, name)
		require.Nil(t, value, name)
	}
	_, got := r.call(t, r.good(t).own(d.Raw), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.Unauthenticated, got.Code(), "a token without a user is good for nothing")
	require.Equal(t, "Forbidden by auth provider", got.Message())
}

func TestScopesOfGenerateToken(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/generate-token/scopes")
	r := newRig(t, nil)
	for name, tt := range map[string]struct {
		workflow string
		scopes   []any
		want     codes.Code
	}{
		"the scope":                        {"developer/v1", []any{"duo_agent_platform"}, codes.OK},
		"the scope of earlier GitLab":      {"developer/v1", []any{"duo_workflow_execute_workflow"}, codes.OK},
		"that of chat":                     {"chat", []any{"duo_chat"}, codes.OK},
		"another":                          {"developer/v1", []any{"duo_chat"}, codes.PermissionDenied},
		"another for chat":                 {"chat", []any{"duo_agent_platform", "duo_workflow_execute_workflow"}, codes.PermissionDenied},
		"no workflow":                      {"", []any{"duo_agent_platform"}, codes.OK},
		"no scopes":                        {"", []any{}, codes.PermissionDenied},
		"a workflow that does not exist":   {"nope", []any{"duo_agent_platform"}, codes.OK},
		"the one whose name is an earlier": {"duo_planner/experimental", []any{"duo_agent_platform"}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := r.call(t, r.good(t).with("scopes", tt.scopes), "DuoWorkflow/GenerateToken", object{"workflowDefinition": tt.workflow})
			require.Equal(t, tt.want, got.Code(), got)
			if tt.want != codes.OK {
				require.Equal(t, "Unauthorized to generate token", got.Message())
				require.Equal(t, string(token.MissingScope), r.last(t, "GenerateToken").Reason)
			}
		})
	}
}

// TestTheTokenInUse: a user's token runs workflows, for that user alone, and is not good
// for getting another.
func TestTheTokenInUse(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/generate-token/own-token")
	r := newRig(t, nil)
	raw := r.generated(t, r.good(t)).Raw
	s := r.stream(t, r.good(t).own(raw))
	s.say(t, start)
	require.Contains(t, s.must(t), "newCheckpoint")
	require.NoError(t, s.CloseSend())

	_, got := r.call(t, r.good(t).own(raw), "DuoWorkflow/GenerateToken", object{})
	require.Equal(t, codes.PermissionDenied, got.Code())
	require.Equal(t, "Unauthorized to generate token", got.Message())
	require.Equal(t, string(token.UserTokenNotAllowed), r.last(t, "GenerateToken").Reason)

	_, got = r.call(t, r.good(t).own(raw).says("x-gitlab-global-user-id", "somebody"), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.Unauthenticated, got.Code())
	require.Equal(t, "Header mismatch 'X-Gitlab-Global-User-Id'", got.Message())

	r.clock.Advance(3600e9)
	_, got = r.call(t, r.good(t).own(raw), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.OK, got.Code(), "good until the second after an hour")
	r.clock.Advance(1e9)
	_, got = r.call(t, r.good(t).own(raw), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.Unauthenticated, got.Code())
}

func TestOwnKeys(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/generate-token/rotation")
	r := newRig(t, nil)
	raw := r.generated(t, r.good(t)).Raw
	list := func(raw string) codes.Code {
		_, got := r.call(t, r.good(t).own(raw), "DuoWorkflow/ListTools", object{})
		return got.Code()
	}
	for _, step := range []string{"create", "rotate"} {
		_, err := r.RotateKeys(step)
		require.NoError(t, err)
		require.Equal(t, codes.OK, list(raw), "after %s the old key is the validation key", step)
	}
	_, err := r.RotateKeys("trim")
	require.NoError(t, err)
	require.Equal(t, codes.Unauthenticated, list(raw))
	_, err = r.RotateKeys("nope")
	require.ErrorContains(t, err, `unknown step "nope"`)

	forged, err := r.Sign(control.SignRequest{Instance: "acme"})
	require.NoError(t, err)
	require.Equal(t, codes.OK, list(forged.Raw))
	forged, err = r.Sign(control.SignRequest{Instance: "acme", Claims: object{"aud": "gitlab-ai-gateway"}})
	require.NoError(t, err)
	require.Equal(t, codes.Unauthenticated, list(forged.Raw))
	forged, err = r.Sign(control.SignRequest{Instance: "acme", Stranger: true})
	require.NoError(t, err)
	require.Equal(t, codes.Unauthenticated, list(forged.Raw))
}

func TestLists(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/lists/tools", "duoworkflow/lists/capabilities")
	r := newRig(t, nil)
	answer, got := r.call(t, r.good(t).with("scopes", []any{}), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.OK, got.Code(), "they demand no scope")
	tools, ok := answer["tools"].([]any)
	require.True(t, ok)
	require.Len(t, tools, 4)
	require.Equal(t, object{"type": "function", "function": object{
		"name": "read_file", "description": "Read the contents of a file.",
		"parameters": object{
			"type": "object", "required": []any{"file_path"},
			"properties": object{"file_path": object{"type": "string", "description": "the file to read"}},
		},
	}}, tools[0])
	require.Equal(t, object{"prompt": "Read the file README.md"}, answer["eval_dataset"].([]any)[0])

	answer, got = r.call(t, r.good(t).with("scopes", []any{}), "DuoWorkflow/ListCapabilities", object{})
	require.Equal(t, codes.OK, got.Code())
	require.Equal(t, object{"capabilities": []any{
		object{"name": "tool_call_approval"}, object{"name": "tool_call_pattern_approval"}, object{"name": "flow_semantic_versioning"},
	}}, answer)
}
