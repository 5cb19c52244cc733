package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/stub"
)

// within fails the test if f takes long; nothing here may wait for more than a scheduler.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestEachChunkArrivesBeforeTheNextIsWritten(t *testing.T) {
	chunk := strings.Repeat("chunk", 400)
	for name, header := range map[string]http.Header{
		"event stream": {"Content-Type": {"text/event-stream"}},
		"any chunks":   {"Content-Type": {"application/x-ndjson"}},
		"known length": {"Content-Type": {"text/plain"}, "Content-Length": {"6000"}},
	} {
		t.Run(name, func(t *testing.T) {
			read := make(chan struct{})
			e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
				for name, values := range header {
					w.Header()[name] = values
				}
				w.WriteHeader(http.StatusOK)
				control := http.NewResponseController(w)
				_ = control.Flush()
				for range 3 {
					select {
					case <-read:
					case <-r.Context().Done():
						return
					}
					_, _ = io.WriteString(w, chunk)
					_ = control.Flush()
				}
			})}})
			req, err := http.NewRequestWithContext(within(t), http.MethodPost, e.url+"/foo/x", nil)
			require.NoError(t, err)
			resp, err := e.client.Do(req) // returns once the headers are there
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			for range 3 {
				read <- struct{}{}
				got := make([]byte, len(chunk))
				_, err := io.ReadFull(resp.Body, got)
				require.NoError(t, err)
				require.Equal(t, chunk, string(got))
			}
			rest, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Empty(t, rest)
		})
	}
}

func TestUploadIsNotHeldBack(t *testing.T) {
	got := make(chan string)
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, func(_ http.ResponseWriter, r *http.Request) {
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			got <- lines.Text()
		}
	})}})
	body, writer := io.Pipe()
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, e.url+"/foo/x", body)
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		resp, err := e.client.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		answered <- err
	}()
	for _, line := range []string{"one", "two", "three"} {
		_, err := io.WriteString(writer, line+"\n")
		require.NoError(t, err)
		require.Equal(t, line, <-got)
	}
	require.NoError(t, writer.Close())
	require.NoError(t, <-answered)
}

func TestLargeBodiesPass(t *testing.T) {
	const size = 8 << 20 // more than any stub takes by default
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})}})
	text := strings.Repeat("0123456789abcdef", size/16)
	require.True(t, text == e.send(t, http.MethodPost, "/foo/x", strings.NewReader(text)).body)
}

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"duo"}})
	if err != nil {
		return
	}
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, append([]byte(r.URL.Path+" "), message...)) != nil {
			return
		}
	}
}

func TestWebSocket(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, echo)}})
	ctx := within(t)
	c, resp, err := websocket.Dial(ctx, e.url+"/foo/ws", &websocket.DialOptions{ //nolint:bodyclose // closed with the connection
		Subprotocols: []string{"duo"}, HTTPHeader: http.Header{"X-Request-Id": {"ws-1"}},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.Equal(t, "duo", c.Subprotocol())
	for _, message := range []string{"hello", strings.Repeat("x", 10_000)} {
		require.NoError(t, c.Write(ctx, websocket.MessageText, []byte(message)))
		_, got, err := c.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, "/ws "+message, string(got))
	}
	require.NoError(t, c.Close(websocket.StatusNormalClosure, "done"))
	entry := e.last(t, 1)
	require.Equal(t, http.StatusSwitchingProtocols, entry.Status)
	require.Equal(t, "ws-1", entry.RequestID)
}

func protocols(set ...func(*http.Protocols, bool)) *http.Protocols {
	p := new(http.Protocols)
	for _, f := range set {
		f(p, true)
	}
	return p
}

func TestHTTP2InTheClear(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))}})
	transport := &http.Transport{Protocols: protocols((*http.Protocols).SetUnencryptedHTTP2)}
	t.Cleanup(transport.CloseIdleConnections)
	e.client = &http.Client{Transport: transport}
	a := e.send(t, http.MethodPost, "/foo/x", strings.NewReader("payload"), "Authorization", "Bearer t")
	require.Equal(t, 2, a.ProtoMajor)
	require.Equal(t, "payload", a.seen(t).Body)
	require.Equal(t, "Bearer t", a.seen(t).Header.Get("Authorization"))
}

func TestTLS(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, mirror("foo")), "ws": newOrigin(t, echo)}})
	certificate, pool, err := gateway.SelfSigned("cloud.gitlab.test", "127.0.0.1", "", "127.0.0.1")
	require.NoError(t, err)
	ln, err := stub.Listen(t.Context(), "gateway", "127.0.0.1:0")
	require.NoError(t, err)
	server := stub.Serve(ln, e.Handler(), &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, stubLog())
	t.Cleanup(func() { require.NoError(t, server.Close(context.Background())) })

	for name, p := range map[string]*http.Protocols{
		"HTTP/1.1": protocols((*http.Protocols).SetHTTP1),
		"HTTP/2.0": protocols((*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2),
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, Protocols: p}
			t.Cleanup(transport.CloseIdleConnections)
			e.client, e.url = &http.Client{Transport: transport}, server.URL()
			a := e.send(t, http.MethodPost, "/foo/x", strings.NewReader("payload"))
			require.Equal(t, name, a.Proto)
			require.Equal(t, "payload", a.seen(t).Body)
		})
	}
	t.Run("WebSocket", func(t *testing.T) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
		c, _, err := websocket.Dial(within(t), server.URL()+"/ws/x", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}) //nolint:bodyclose // closed with the connection
		require.NoError(t, err)
		require.NoError(t, c.Close(websocket.StatusNormalClosure, ""))
	})
	t.Run("another name is not covered", func(t *testing.T) {
		require.NoError(t, certificate.Leaf.VerifyHostname("cloud.gitlab.test"))
		require.Error(t, certificate.Leaf.VerifyHostname("gitlab.test"))
	})
}

// grpcOrigin answers like a gRPC server: one message per message, status in trailers.
func grpcOrigin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	control := http.NewResponseController(w)
	buffer := make([]byte, 64)
	for {
		n, err := r.Body.Read(buffer)
		if n > 0 {
			_, _ = w.Write(append([]byte(r.Proto+" "), buffer[:n]...))
			_ = control.Flush()
		}
		if err != nil {
			break
		}
	}
	w.Header().Set("Grpc-Status", "0")
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", "late")
}

func TestGRPCStream(t *testing.T) {
	ln, err := stub.Listen(t.Context(), "origin", "127.0.0.1:0")
	require.NoError(t, err)
	e := newEdge(t, gateway.Options{Routes: map[string]string{"DuoWorkflow/ExecuteWorkflow": serve(t, ln, http.HandlerFunc(grpcOrigin))}})
	transport := &http.Transport{Protocols: protocols((*http.Protocols).SetUnencryptedHTTP2)}
	t.Cleanup(transport.CloseIdleConnections)
	body, writer := io.Pipe()
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, e.url+"/DuoWorkflow/ExecuteWorkflow", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc+proto")
	req.Header.Set("Te", "trailers")
	go func() { _, _ = io.WriteString(writer, "first") }()
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	read := func(want string) {
		got := make([]byte, len(want))
		_, err := io.ReadFull(resp.Body, got)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	read("HTTP/2.0 first")
	_, err = io.WriteString(writer, "second")
	require.NoError(t, err)
	read("HTTP/2.0 second")
	require.NoError(t, writer.Close())
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "0", resp.Trailer.Get("Grpc-Status"))
	require.Equal(t, "late", resp.Trailer.Get("Grpc-Message"))
}

func TestTrailersOverHTTP1(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, grpcOrigin)}})
	a := e.send(t, http.MethodPost, "/foo/x", strings.NewReader("message"))
	require.Equal(t, "HTTP/1.1 message", a.body)
	require.Equal(t, "0", a.Trailer.Get("Grpc-Status"))
	require.Equal(t, "late", a.Trailer.Get("Grpc-Message"))
}

func TestEarlyHintsPass(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(origin.Close)
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": origin.URL}})
	require.Equal(t, http.StatusTeapot, e.send(t, http.MethodGet, "/foo/x", nil).StatusCode)
	require.Equal(t, http.StatusTeapot, e.last(t, 1).Status)
}
