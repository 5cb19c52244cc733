package duocontract_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestMethods(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/contract/methods")
	require.Equal(t, []string{
		"DuoWorkflow/ExecuteWorkflow", "DuoWorkflow/GenerateToken", "DuoWorkflow/ListCapabilities", "DuoWorkflow/ListTools",
		"DuoWorkflow/ListFlows", "DuoWorkflow/TrackSelfHostedExecuteWorkflow", "DuoWorkflow/ValidateFlowConfig",
		"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch",
	}, duocontract.Names())
	m, ok := duocontract.Find("DuoWorkflow/ExecuteWorkflow")
	require.True(t, ok)
	require.Equal(t, "/DuoWorkflow/ExecuteWorkflow", m.Path())
	require.True(t, m.IsStreamingClient() && m.IsStreamingServer())
	for _, name := range []string{"", "DuoWorkflow", "DuoWorkflow/", "DuoWorkflow/generateToken", "ClientEvent/GenerateToken", "grpc.health.v1/Check"} {
		_, ok := duocontract.Find(name)
		require.False(t, ok, name)
	}
}

// TestWire: bytes that were written by another implementation, of the public contract.
func TestWire(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/contract/wire")
	m, _ := duocontract.Find("DuoWorkflow/ExecuteWorkflow")
	event := m.Request()
	require.NoError(t, duocontract.Fill(event, map[string]any{
		"startRequest": map[string]any{"workflowID": "7", "goal": "g", "additional_context": []any{map[string]any{"category": "file"}}},
	}))
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(event)
	require.NoError(t, err)
	// 1: {2: "7", 4: "g", 9: {1: "file"}}
	require.Equal(t, "\x0a\x0e\x12\x017\x22\x01g\x4a\x06\x0a\x04file", string(text))

	action := duocontract.NewAction()
	require.NoError(t, proto.Unmarshal([]byte("\x0a\x02id\x22\x0b\x0a\x09README.md"), action)) // 1: "id", 4: {1: ...}
	var got map[string]any
	require.NoError(t, duocontract.Read(action, &got))
	require.Equal(t, map[string]any{"requestID": "id", "runReadFile": map[string]any{"filepath": "README.md"}}, got)
}

// TestNothingIsRegistered: a program may link GitLab's own client, too.
func TestNothingIsRegistered(t *testing.T) {
	duocontract.Names()
	for _, name := range []string{"DuoWorkflow", "Action", "ClientEvent", "grpc.health.v1.Health"} {
		_, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		require.ErrorIs(t, err, protoregistry.NotFound, name)
	}
}

func TestScript(t *testing.T) {
	actions, end, err := duocontract.DefaultScript().Read()
	require.NoError(t, err)
	require.Zero(t, end)
	require.Len(t, actions, 3)
	require.Equal(t, "newCheckpoint", duocontract.Kind(actions[0]))
	require.False(t, duocontract.Answered(actions[0]))
	require.Equal(t, "runReadFile", duocontract.Kind(actions[1]))
	require.True(t, duocontract.Answered(actions[1]))

	fails := map[string]any{"end": map[string]any{"code": "INTERNAL", "message": "workflow execution failure: ValueError: no"}}
	actions, end, err = duocontract.Script{fails}.Read()
	require.NoError(t, err)
	require.Empty(t, actions)
	require.Equal(t, duocontract.End{Code: duocontract.Internal, Message: "workflow execution failure: ValueError: no"}, end)

	for text, script := range map[string]duocontract.Script{
		`action 1: not the JSON of Action: unknown field "runReadFil"`: {map[string]any{"runReadFil": map[string]any{}}},
		`action 1: not the JSON of Action: `:                           {[]any{"x"}},
		`action 1 says nothing to do, expected such as runReadFile`:    {map[string]any{"requestID": "x"}},
		`action 1 ends the workflow, and another follows`:              {fails, fails},
		`action 1: end stands alone`:                                   {map[string]any{"end": map[string]any{}, "x": 1}},
		`unknown gRPC code "INTERNALL"`:                                {map[string]any{"end": map[string]any{"code": "INTERNALL"}}},
	} {
		_, _, err := script.Read()
		require.ErrorContains(t, err, text)
	}
}

func TestCodes(t *testing.T) {
	require.Equal(t, "UNAUTHENTICATED", duocontract.Unauthenticated.String())
	require.Equal(t, 401, duocontract.Unauthenticated.HTTP())
	require.Equal(t, "UNAVAILABLE", duocontract.Unavailable.String())
	require.Equal(t, "UNKNOWN", duocontract.Code(99).String())
	require.Equal(t, 500, duocontract.Code(99).HTTP())
	var c duocontract.Code
	require.NoError(t, c.UnmarshalText([]byte("permission_denied")))
	require.Equal(t, duocontract.PermissionDenied, c)
}

// TestGenerated: contract.binpb is what protoc makes of the .proto files, where there is
// protoc.
func TestGenerated(t *testing.T) {
	protoc, err := exec.LookPath("protoc")
	if err != nil {
		t.Log("no protoc here (Debian: protobuf-compiler), so contract.binpb is taken as it is")
		return
	}
	out := filepath.Join(t.TempDir(), "made")
	text, err := exec.CommandContext(t.Context(), protoc, "--descriptor_set_out="+out, "contract.proto", "health.proto").CombinedOutput()
	require.NoError(t, err, "%s", text)
	read := func(name string) *descriptorpb.FileDescriptorSet {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		set := new(descriptorpb.FileDescriptorSet)
		require.NoError(t, proto.Unmarshal(text, set))
		return set
	}
	require.True(t, proto.Equal(read(out), read("contract.binpb")), "run go generate ./internal/duocontract")
}
