package duoworkflow_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/ccmock/ccmock/internal/duocontract"
)

// FuzzFirstMessage: whatever the first bytes and the metadata of a call are, it ends, with
// a code that gRPC has.
func FuzzFirstMessage(f *testing.F) {
	m, _ := duocontract.Find("DuoWorkflow/ExecuteWorkflow")
	event := m.Request()
	require.NoError(f, duocontract.Fill(event, start))
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(event)
	require.NoError(f, err)
	f.Add(true, "", frame(0, text))
	f.Add(true, "saas", frame(0, nil))
	f.Add(false, "", frame(0, text))
	f.Add(true, "", []byte{1, 0, 0, 0, 1, 'x'})
	f.Add(true, "", []byte{0, 255, 255, 255, 255})
	f.Add(true, "", frame(0, []byte("\x0a\xff\xff\xff\xff\x0f")))
	r := newRig(f, nil)
	client := plain(f)
	f.Fuzz(func(t *testing.T, known bool, realm string, body []byte) {
		c := r.good(t)
		if !known {
			c.token = realm
		}
		if realm != "" && valid(realm) {
			c.says("x-gitlab-realm", realm)
		} else if !known {
			c.token = "x"
		}
		for _, method := range []string{"GenerateToken", "ExecuteWorkflow", "TrackSelfHostedExecuteWorkflow"} {
			status, code, _ := r.raw(t, client, method, "application/grpc", c, body)
			require.Equal(t, http.StatusOK, status)
			require.NotEmpty(t, code)
			if !known {
				require.Equal(t, "16", code)
			}
		}
	})
}

// valid reports whether a text can be sent as a header at all.
func valid(text string) bool {
	for _, b := range []byte(text) {
		if b < 0x20 || b >= 0x7f {
			return false
		}
	}
	return true
}
