package stub_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/stub"
)

func TestListenSaysWhoseAndWhichPortIsInUse(t *testing.T) {
	ln, err := stub.Listen(t.Context(), "gitlab", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()

	_, err = stub.Listen(t.Context(), "acme", ln.Addr().String())
	require.ErrorContains(t, err, "acme cannot listen on "+ln.Addr().String())
	require.ErrorContains(t, err, "the port is in use")

	_, err = stub.Listen(t.Context(), "acme", "127.0.0.1:notaport")
	require.ErrorContains(t, err, "acme cannot listen on")
}

func TestServeSpeaksHTTP1AndHTTP2InTheClear(t *testing.T) {
	ln, err := stub.Listen(t.Context(), "foo", "127.0.0.1:0")
	require.NoError(t, err)
	s := stub.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}), nil, slog.New(slog.DiscardHandler))
	defer func() { require.NoError(t, s.Close(t.Context())); require.NoError(t, s.Err()) }()

	for want, set := range map[string]func(*http.Protocols){
		"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2.0": func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		protocols := new(http.Protocols)
		set(protocols)
		transport := &http.Transport{Protocols: protocols}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(), nil)
		require.NoError(t, err)
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, string(body))
		transport.CloseIdleConnections()
	}
}

func TestHeadersAreBounded(t *testing.T) {
	ln, err := stub.Listen(t.Context(), "foo", "127.0.0.1:0")
	require.NoError(t, err)
	s := stub.Serve(ln, http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
	defer func() { require.NoError(t, s.Close(t.Context())) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(), nil)
	require.NoError(t, err)
	req.Header.Set("X-Large", strings.Repeat("x", 2*stub.MaxHeaderBytes))
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}
