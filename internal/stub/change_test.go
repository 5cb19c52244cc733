package stub_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/stub"
)

const (
	aToken    = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmVk"
	corrupted = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.A2lnbmVk"
)

func changeBench(t *testing.T) *bench {
	b := newBench(t, stub.Options{})
	routes := b.Routes()
	routes.GET("keys", "/keys", func(*http.Request) (stub.Reply, error) {
		return stub.Reply{Body: []byte(`{"keys":[1,2]}`), Stale: []byte(`{"keys":[1]}`)}, nil
	})
	routes.GET("echo", "/echo", func(r *http.Request) (stub.Reply, error) {
		return stub.Text(http.StatusAccepted, r.Header.Get("Authorization")), nil
	})
	routes.GET("stream", "/stream", func(*http.Request) (stub.Reply, error) {
		return stub.Reply{Stream: func(w io.Writer) error {
			for range 3 {
				if _, err := io.WriteString(w, "piece"); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	})
	routes.GET("large", "/large", func(*http.Request) (stub.Reply, error) {
		return stub.Text(http.StatusOK, strings.Repeat("x", stub.DefaultMaxBody+1)), nil
	})
	return b
}

// TestFaultsThatChangeAnAnswer: what the client gets is HTTP in order, of the length that
// it announces, and says which fault was applied; so does the journal.
func TestFaultsThatChangeAnAnswer(t *testing.T) {
	t.Parallel()
	b := changeBench(t)
	for _, c := range []struct {
		name, path string
		do         fault.Action
		status     int
		want       string
	}{
		{"truncated", "/keys", fault.Action{Truncate: 9}, 200, `{"keys":[`},
		{"truncated stream", "/stream", fault.Action{Truncate: 7}, 200, "piecepi"},
		{"malformed", "/keys", fault.Action{Malformed: true}, 200, `{"keys":[1,2],}`},
		{"malformed error", "/nowhere", fault.Action{Malformed: true}, 404, `{"error":"Not Found",}`},
		{"partial", "/keys", fault.Action{Keys: fault.KeysWithoutFirst}, 200, `{"keys":[2]}`},
		{"stale", "/keys", fault.Action{Keys: fault.KeysStale}, 200, `{"keys":[1]}`},
		{"answer", "/echo", fault.Action{CorruptSignature: fault.SignatureInAnswer}, 202, "Bearer " + corrupted},
		{"request", "/echo", fault.Action{CorruptSignature: fault.SignatureInRequest}, 202, "Bearer " + corrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, b.env.Faults.Add(fault.Rule{Name: c.name, Do: c.do}))
			defer b.env.Faults.Clear()
			resp, body := b.sendToken(t, c.path)
			require.Equal(t, c.status, resp.StatusCode)
			require.Equal(t, c.want, body)
			require.Equal(t, strconv.Itoa(len(c.want)), resp.Header.Get("Content-Length"))
			require.Equal(t, c.name, resp.Header.Get(stub.FaultHeader))
			require.Equal(t, c.name, b.last(t).Fault)
			require.Equal(t, c.status, b.last(t).Status)
			require.Equal(t, 1, b.env.Faults.States()[0].Applied)
		})
	}
}

// TestFaultsWithNothingToChange: the answer passes as it is, and the rule stays unused.
func TestFaultsWithNothingToChange(t *testing.T) {
	t.Parallel()
	b := changeBench(t)
	for _, c := range []struct {
		name, path string
		do         fault.Action
		header     http.Header
		length     int
	}{
		{"short", "/keys", fault.Action{Truncate: 14}, nil, 14},
		{"no JSON", "/echo", fault.Action{Malformed: true}, nil, 0},
		{"no key set", "/echo", fault.Action{Keys: fault.KeysStale}, nil, 0},
		{"no token in the answer", "/keys", fault.Action{CorruptSignature: fault.SignatureInAnswer}, nil, 14},
		{"no token in the request", "/keys", fault.Action{CorruptSignature: fault.SignatureInRequest}, nil, 14},
		{"too large", "/large", fault.Action{Truncate: 1}, nil, stub.DefaultMaxBody + 1},
		{"a connection", "/keys", fault.Action{Truncate: 1}, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, 14},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, b.env.Faults.Add(fault.Rule{Name: c.name, Do: c.do}))
			defer b.env.Faults.Clear()
			resp, body := b.sendHeader(t, c.path, c.header)
			require.Len(t, body, c.length)
			require.NotContains(t, resp.Header, stub.FaultHeader)
			require.Empty(t, b.last(t).Fault)
			require.Contains(t, b.last(t).Detail, "found nothing to change")
			require.Equal(t, 0, b.env.Faults.States()[0].Applied)
		})
	}
}

func TestFaultsThatAnswerAreStampedToo(t *testing.T) {
	t.Parallel()
	b := changeBench(t)
	require.NoError(t, b.env.Faults.Add(fault.Rule{Name: "down", Do: fault.Action{Status: http.StatusServiceUnavailable}}))
	resp, _ := b.sendToken(t, "/keys")
	require.Equal(t, "down", resp.Header.Get(stub.FaultHeader))
	b.env.Faults.Clear()
	resp, _ = b.sendToken(t, "/keys")
	require.NotContains(t, resp.Header, stub.FaultHeader)
}

func (b *bench) sendToken(t testing.TB, path string) (head, string) {
	t.Helper()
	return b.sendHeader(t, path, http.Header{"Authorization": {"Bearer " + aToken}})
}

func (b *bench) sendHeader(t testing.TB, path string, h http.Header) (head, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+path, nil)
	require.NoError(t, err)
	if h != nil {
		req.Header = h
	}
	resp, err := b.server.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return head{resp.StatusCode, resp.Header}, string(body)
}
