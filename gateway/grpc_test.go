package gateway_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/stub"
)

// TestAnswerEndsBeforeTheBody: a gRPC server may end a call while its client could still
// say something, and the client hears of it at once.
func TestAnswerEndsBeforeTheBody(t *testing.T) {
	ln, err := stub.Listen(t.Context(), "origin", "127.0.0.1:0")
	require.NoError(t, err)
	e := newEdge(t, gateway.Options{Routes: map[string]string{"DuoWorkflow": serve(t, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		_, _ = io.ReadFull(r.Body, make([]byte, len("first")))
		_, _ = io.WriteString(w, "answer")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "7")
	}))}})
	transport := &http.Transport{Protocols: protocols((*http.Protocols).SetUnencryptedHTTP2)}
	t.Cleanup(transport.CloseIdleConnections)
	body, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, e.url+"/DuoWorkflow/x", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	go func() { _, _ = io.WriteString(writer, "first") }()
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "answer", string(answer))
	require.Equal(t, "7", resp.Trailer.Get("Grpc-Status"))
	entry := e.last(t, 1)
	require.Equal(t, http.StatusOK, entry.Status)
	require.Empty(t, entry.Reason+entry.Detail)
}
