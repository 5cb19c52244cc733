package duoworkflow_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

// plain is an HTTP client of the service that knows nothing of gRPC.
func plain(t testing.TB) *http.Client {
	t.Helper()
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// raw sends bytes to a method, and returns the status of the answer and its gRPC code.
func (r *rig) raw(t testing.TB, client *http.Client, method, contentType string, c *caller, body []byte) (status int, code, message string) {
	t.Helper()
	return r.rawTo(t, client, "/DuoWorkflow/"+method, contentType, c, body)
}

func (r *rig) rawTo(t testing.TB, client *http.Client, path, contentType string, c *caller, body []byte) (status int, code, message string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.addr+path, bytes.NewReader(body))
	require.NoError(t, err)
	if c != nil {
		c.context(t)
		for name, value := range c.metadata {
			req.Header.Set(name, value)
		}
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	if resp.StatusCode == http.StatusOK {
		require.NotContains(t, resp.Header, "Date", "a gRPC server sends none")
	}
	code, message = resp.Trailer.Get("Grpc-Status"), resp.Trailer.Get("Grpc-Message")
	if code == "" {
		code, message = resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
	}
	return resp.StatusCode, code, message
}

// frame is a message as gRPC frames it.
func frame(flags byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

func TestGarbage(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/server/broken-message")
	r := newRig(t, nil)
	client := plain(t)
	good := r.good(t)
	for name, tt := range map[string]struct {
		body []byte
		code duocontract.Code
		says string
	}{
		"not a message":            {frame(0, []byte("\xff\xff")), duocontract.Unknown, "Unexpected <class 'google.protobuf.message.DecodeError'>: Error parsing message with type 'GenerateTokenRequest': Wire format was corrupt"},
		"half a frame":             {frame(0, []byte("message"))[:6], duocontract.Internal, ""},
		"half a prefix":            {[]byte{0, 0}, duocontract.Internal, ""},
		"no message":               {nil, duocontract.Internal, "the call ended without a message"},
		"unknown flags":            {frame(0x7e, []byte("x")), duocontract.Internal, ""},
		"compressed, by no method": {frame(1, []byte("x")), duocontract.Internal, "Compression bit set but no encoding configured"},
		"text":                     {[]byte("GET / HTTP/1.1\r\n\r\n"), duocontract.ResourceExhausted, ""},
		"a length of 4 GiB":        {[]byte{0, 255, 255, 255, 255}, duocontract.ResourceExhausted, "SERVER: Received message larger than max (4294967295 vs. 4194304)"},
	} {
		t.Run(name, func(t *testing.T) {
			status, code, says := r.raw(t, client, "GenerateToken", "application/grpc", good, tt.body)
			require.Equal(t, http.StatusOK, status)
			var got duocontract.Code
			require.NoError(t, got.UnmarshalText([]byte(codeName(code))))
			require.Equal(t, tt.code, got, says)
			if tt.says != "" {
				require.Equal(t, tt.says, says)
			}
			require.Contains(t, r.last(t, "GenerateToken").Detail, tt.code.String())
		})
	}
}

// codeName is the name of a code that is written as a number.
func codeName(number string) string {
	n := 0
	for _, digit := range number {
		n = 10*n + int(digit-'0')
	}
	return duocontract.Code(n).String()
}

// TestContentTypes: which one is sent does not matter, as long as it is HTTP/2.
func TestContentTypes(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/server/content-type")
	r := newRig(t, nil)
	client := plain(t)
	for _, contentType := range []string{"application/grpc", "application/grpc+proto", "", "application/json", "application/grpc-web", ";"} {
		status, code, _ := r.raw(t, client, "ListTools", contentType, r.good(t), frame(0, nil))
		require.Equal(t, http.StatusOK, status, contentType)
		require.Equal(t, "0", code, contentType)
	}
	old := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	t.Cleanup(old.CloseIdleConnections)
	status, code, _ := r.raw(t, old, "ListTools", "application/grpc", r.good(t), frame(0, nil))
	require.Equal(t, http.StatusUnsupportedMediaType, status, "HTTP/1.1 has no gRPC")
	require.Empty(t, code)
	require.Contains(t, r.last(t, "ListTools").Detail, "expected gRPC, a POST over HTTP/2, got a POST over HTTP/1.1")
}

// TestSuccessIsSaid: a workflow that ends well has a message, too.
func TestSuccessIsSaid(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/execute/success")
	r := newRig(t, &world.DuoWorkflow{Script: []any{}})
	m, _ := duocontract.Find("DuoWorkflow/ExecuteWorkflow")
	event := m.Request()
	require.NoError(t, duocontract.Fill(event, start))
	text, err := proto.Marshal(event)
	require.NoError(t, err)
	_, code, says := r.raw(t, plain(t), "ExecuteWorkflow", "application/grpc", r.good(t), frame(0, text))
	require.Equal(t, "0", code)
	require.Equal(t, "workflow execution success", says)
}

func TestLimits(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/server/limits", "duoworkflow/server/too-large-to-send")
	r := newRig(t, nil)
	_, got := r.call(t, r.good(t).says("x-long", strings.Repeat("x", 23<<10)), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.ResourceExhausted, got.Code())
	require.Contains(t, got.Message(), "received metadata size exceeds soft limit (")
	_, got = r.call(t, r.good(t).says("x-long", strings.Repeat("x", 20<<10)), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.OK, got.Code())

	// 4 MiB and no more: the text, and 5 bytes of tag and length before it, twice.
	event := func(size int) object {
		return object{"startRequest": object{"workflowMetadata": strings.Repeat("x", size-10)}}
	}
	s := r.stream(t, r.good(t))
	s.say(t, event(4<<20))
	require.Contains(t, s.must(t), "newCheckpoint")
	require.NoError(t, s.CloseSend())
	s = r.stream(t, r.good(t))
	s.say(t, event(4<<20+1))
	end := s.ends(t)
	require.Equal(t, codes.ResourceExhausted, end.Code())
	require.Equal(t, "SERVER: Received message larger than max (4194305 vs. 4194304)", end.Message())

	s = r.stream(t, r.good(t)) // a checkpoint repeats the goal, and has a status beside
	s.say(t, object{"startRequest": object{"goal": strings.Repeat("x", 4<<20-10)}})
	end = s.ends(t)
	require.Equal(t, codes.ResourceExhausted, end.Code())
	require.Equal(t, "Outgoing message too large.", end.Message())
}

func TestFaults(t *testing.T) {
	r := newRig(t, nil)
	during := func(do fault.Action, f func()) {
		rule := fault.Rule{Name: "broken", Where: fault.Match{Service: "duo-workflow"}, Do: do}
		require.NoError(t, r.env.Faults.Add(rule))
		f()
		r.env.Faults.Remove("broken")
	}
	during(fault.Action{Status: http.StatusServiceUnavailable}, func() {
		_, got := r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
		require.Equal(t, codes.Unavailable, got.Code())
	})
	during(fault.Action{Reset: true}, func() {
		ctx, cancel := context.WithTimeout(r.good(t).context(t), 10*time.Second)
		defer cancel()
		require.NotEqual(t, codes.OK, open(t, r.conn, ctx, "DuoWorkflow/ExecuteWorkflow").ends(t).Code())
	})
	during(fault.Action{CutAfter: 40}, func() {
		s := r.stream(t, r.good(t))
		s.say(t, start)
		require.NotEqual(t, codes.OK, s.ends(t).Code())
	})
	during(fault.Action{CorruptSignature: fault.SignatureInRequest}, func() {
		_, got := r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
		require.Equal(t, codes.Unauthenticated, got.Code())
	})
	_, got := r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.OK, got.Code())
}

// TestFaultsOfBodies: there is no body to change, and nobody is kept waiting for one.
func TestFaultsOfBodies(t *testing.T) {
	r := newRig(t, nil)
	require.NoError(t, r.env.Faults.Add(fault.Rule{Name: "half", Where: fault.Match{Service: "duo-workflow"}, Do: fault.Action{Malformed: true}}))
	s := r.stream(t, r.good(t))
	s.say(t, start)
	s.must(t)
	s.answer(t, s.must(t))
	s.must(t)
	require.Equal(t, codes.OK, s.ends(t).Code())
	require.Empty(t, r.last(t, "ExecuteWorkflow").Fault)
	require.Zero(t, r.env.Faults.States()[0].Applied)
}
