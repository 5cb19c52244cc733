package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
)

func stubLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// deadAddress is one at which nothing listens any more.
func deadAddress(t testing.TB) string {
	t.Helper()
	ln, err := stub.Listen(t.Context(), "dead", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	return "http://" + ln.Addr().String()
}

// rawOrigin reads a request's first line and answers what it is told, then hangs up, or
// waits if text is empty.
func rawOrigin(t testing.TB, text string) string {
	t.Helper()
	ln, err := stub.Listen(t.Context(), "raw", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Read(make([]byte, 4096))
				if text == "" {
					<-ctx.Done()
				}
				_, _ = io.WriteString(conn, text)
			}(conn)
		}
	}()
	return "http://" + ln.Addr().String()
}

func TestOriginsThatFail(t *testing.T) {
	fidelity.Proves(t, "gateway/origin/unreachable")
	dead, slow := deadAddress(t), rawOrigin(t, "")
	hangsUp, garbage := rawOrigin(t, "HTTP/1.1 200"), rawOrigin(t, "220 smtp.example.test\r\n")
	e := newEdge(t, gateway.Options{
		OriginTimeout: 100 * time.Millisecond,
		Routes: map[string]string{
			"dead": dead, "slow": slow, "hangs-up": hangsUp, "garbage": garbage, "nowhere": "http://no-such-host.invalid",
		},
	})
	for _, c := range []struct {
		prefix string
		status int
		detail string
	}{
		{"dead", http.StatusBadGateway, "origin " + dead + " of /dead cannot be reached or broke off: dial tcp"},
		{"slow", http.StatusGatewayTimeout, "origin " + slow + " of /slow did not answer in time: "},
		{"hangs-up", http.StatusBadGateway, "origin " + hangsUp + " of /hangs-up cannot be reached or broke off: "},
		{"garbage", http.StatusBadGateway, "origin " + garbage + " of /garbage cannot be reached or broke off: "},
	} {
		for _, body := range []string{"", "payload"} {
			t.Run(c.prefix+" "+body, func(t *testing.T) {
				before := e.env.Journal.Last()
				a := e.send(t, http.MethodPost, "/"+c.prefix+"/x", strings.NewReader(body))
				require.Equal(t, c.status, a.StatusCode)
				require.Equal(t, "error code: "+a.Status[:3], a.body)
				require.NotEmpty(t, a.Header.Get("Cf-Ray"))
				require.Equal(t, []string{"Thu, 15 Feb 2024 12:00:00 GMT"}, a.Header["Date"])
				entry := e.last(t, before+1)
				require.Contains(t, entry.Detail, c.detail)
				require.Equal(t, c.status, entry.Status)
				require.True(t, strings.HasSuffix(entry.Upstream, "/x"), entry.Upstream)
			})
		}
	}
	t.Run("nowhere", func(t *testing.T) {
		// Resolvers differ in how long they take to say no.
		require.Contains(t, []int{http.StatusBadGateway, http.StatusGatewayTimeout}, e.send(t, http.MethodGet, "/nowhere", nil).StatusCode)
	})
}

func TestOriginThatBreaksOffBreaksTheClientsAnswerOff(t *testing.T) {
	for name, text := range map[string]string{
		"known length": "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nhalf",
		"chunked":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": rawOrigin(t, text)}})
			req, err := http.NewRequestWithContext(within(t), http.MethodGet, e.url+"/foo/x", nil)
			require.NoError(t, err)
			resp, err := e.client.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			got, err := io.ReadAll(resp.Body)
			require.Error(t, err, "the client must not take half for the whole")
			require.Equal(t, "half", string(got))
			entry := e.last(t, 1)
			require.Equal(t, http.StatusOK, entry.Status)
			require.Contains(t, entry.Detail, "broke off after 4 bytes of its answer: unexpected EOF")
		})
	}
}

func TestClientsThatBreakOff(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))}})
	t.Run("half a body", func(t *testing.T) {
		status, body := stubtest.Raw(t, e.url, "POST /foo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
		require.Equal(t, "HTTP/1.1 400 Bad Request", status)
		require.Equal(t, "Bad Request", body)
		require.Contains(t, e.last(t, 1).Detail, "the client's body broke off: unexpected EOF")
	})
	t.Run("bad chunks", func(t *testing.T) {
		status, _ := stubtest.Raw(t, e.url, "POST /foo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n")
		require.Equal(t, "HTTP/1.1 400 Bad Request", status)
	})
	t.Run("headers of more than 64 KiB", func(t *testing.T) {
		status, _ := stubtest.Raw(t, e.url, "GET /foo/x HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 80<<10)+"\r\n\r\n")
		require.Equal(t, "HTTP/1.1 431 Request Header Fields Too Large", status)
	})
	t.Run("no host", func(t *testing.T) {
		status, _ := stubtest.Raw(t, e.url, "GET /foo/x HTTP/1.1\r\n\r\n")
		require.Equal(t, "HTTP/1.1 400 Bad Request: missing required Host header", status)
	})
}

func TestClientThatStopsSendingIsNotWaitedForLong(t *testing.T) {
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))}})
	server := httptest.NewUnstartedServer(e.Handler())
	server.Config.ReadTimeout = 100 * time.Millisecond // in the place of stub.ReadTimeout
	server.Start()
	t.Cleanup(server.Close)
	conn, err := new(net.Dialer).DialContext(within(t), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /foo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
	require.Contains(t, e.last(t, 1).Detail, "the client stopped sending its body")
}

func TestClientThatGivesUp(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	e := newEdge(t, gateway.Options{Routes: map[string]string{"foo": newOrigin(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(gone)
	})}})
	ctx, cancel := context.WithCancel(within(t))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/foo/x", nil)
	require.NoError(t, err)
	go func() { <-asked; cancel() }()
	_, err = e.client.Do(req) //nolint:bodyclose // there is none
	require.True(t, errors.Is(err, context.Canceled), err)
	<-gone // the origin is told
	entry := e.last(t, 1)
	require.Equal(t, 499, entry.Status)
	require.Contains(t, entry.Detail, "the client went away before origin")
}

func TestManyAtOnceWhileSeeding(t *testing.T) {
	e := newEdge(t, gateway.Options{
		Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))},
		Limits: gateway.Limits{PerUser: 1000, PerInstance: 1000, PerUnauthorized: 1000},
	})
	const workers, calls = 8, 20
	done := make(chan error, workers)
	for range workers {
		go func() {
			for range calls {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+"/foo/x", strings.NewReader("payload"))
				if err != nil {
					done <- err
					return
				}
				req.Header.Set("X-Gitlab-Global-User-Id", "ada")
				resp, err := e.client.Do(req)
				if err != nil {
					done <- err
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					done <- errors.Join(err, errors.New(resp.Status))
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		require.NoError(t, e.Seed(e.world))
		e.clock.Advance(time.Second)
		require.NoError(t, <-done)
	}
	e.last(t, workers*calls)
	require.Len(t, e.env.Journal.Entries(journal.Filter{Service: "gateway"}), workers*calls)
}
