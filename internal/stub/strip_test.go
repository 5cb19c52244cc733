package stub_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/stub"
)

// TestStrip: a fault takes headers away on the way to the service and on the way back, of
// answers and of streams, and is not applied where there is none.
func TestStrip(t *testing.T) {
	b := newBench(t, stub.Options{})
	answer := func(stream bool) stub.Handler {
		return func(r *http.Request) (stub.Reply, error) {
			reply := stub.Text(http.StatusOK, r.Header.Get("X-Asked"))
			reply.Header.Set("X-Answered", "yes")
			if stream {
				reply.Body, reply.Stream = nil, func(w io.Writer) error {
					_, err := io.WriteString(w, r.Header.Get("X-Asked"))
					return err
				}
			}
			return reply, nil
		}
	}
	b.Routes().GET("whole", "/whole", answer(false))
	b.Routes().GET("stream", "/stream", answer(true))
	for _, path := range []string{"/whole", "/stream"} {
		for _, c := range []struct {
			strip           []string
			asked, answered string
			applied         bool
		}{
			{[]string{"X-Asked"}, "", "yes", true},
			{[]string{"x-answered"}, "yes", "", true},
			{[]string{"X-Asked", "X-Answered"}, "", "", true},
			{[]string{"X-Other"}, "yes", "yes", false},
		} {
			b.env.Faults.Clear()
			require.NoError(t, b.env.Faults.Add(fault.Rule{Name: "strip", Do: fault.Action{Strip: c.strip}}))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+path, nil)
			require.NoError(t, err)
			req.Header.Set("X-Asked", "yes")
			resp, err := b.server.Client().Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, c.asked, string(body), c.strip)
			require.Equal(t, c.answered, resp.Header.Get("X-Answered"), c.strip)
			applied := b.env.Faults.States()[0].Applied == 1
			require.Equal(t, c.applied, applied, c.strip)
			require.Equal(t, c.applied, resp.Header.Get(stub.FaultHeader) == "strip", c.strip)
		}
	}
}
