package stub_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

var noon = time.Date(2024, 2, 15, 12, 0, 0, 0, time.UTC)

func plainStyle(e *stub.Error) stub.Reply {
	return stub.JSON(e.Status, map[string]string{"error": e.Message})
}

type bench struct {
	*stub.Service
	env    stub.Env
	server *httptest.Server
}

func newBench(t testing.TB, o stub.Options) *bench {
	t.Helper()
	env := stub.Env{
		Clock: clock.NewFrozen(noon), Journal: journal.New(0), Faults: &fault.Set{},
		Random: stub.NewRandom(1), Log: slog.New(slog.DiscardHandler),
	}
	o.Name, o.Kind = "foo", journal.Backend
	if o.Style == nil {
		o.Style = plainStyle
	}
	b := &bench{Service: stub.NewService(env, o), env: env}
	b.server = httptest.NewServer(b.Service)
	t.Cleanup(b.server.Close)
	return b
}

// head is a response without its body.
type head struct {
	StatusCode int
	Header     http.Header
}

func (b *bench) send(t testing.TB, method, path string, body io.Reader) (head, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+path, body)
	require.NoError(t, err)
	resp, err := b.server.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return head{resp.StatusCode, resp.Header}, string(text)
}

func (b *bench) last(t testing.TB) journal.Entry {
	t.Helper()
	entries := b.env.Journal.Entries(journal.Filter{})
	require.NotEmpty(t, entries)
	return entries[len(entries)-1]
}

func TestRoutesAreNamedInTheJournal(t *testing.T) {
	b := newBench(t, stub.Options{})
	b.Routes().GET("item.show", "/items/{id}", func(r *http.Request) (stub.Reply, error) {
		return stub.JSON(http.StatusOK, map[string]string{"id": stub.Var(r, "id")}), nil
	})
	b.Routes().POST("item.create", "/items/{id}", func(*http.Request) (stub.Reply, error) {
		return stub.Reply{Status: http.StatusNoContent}, nil
	})

	resp, body := b.send(t, http.MethodGet, "/items/7", nil)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.JSONEq(t, `{"id":"7"}`, body)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	require.Equal(t, "Thu, 15 Feb 2024 12:00:00 GMT", resp.Header.Get("Date"), "Date is stub time")
	require.Equal(t, "item.show", b.last(t).Route)
	require.Equal(t, noon, b.last(t).At)

	resp, body = b.send(t, http.MethodPut, "/items/7", nil)
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	require.JSONEq(t, `{"error":"Method Not Allowed"}`, body)
	require.Equal(t, "GET, HEAD, POST", resp.Header.Get("Allow"))
	require.Equal(t, stub.MethodNotAllowed, b.last(t).Route)

	resp, _ = b.send(t, http.MethodGet, "/elsewhere", nil)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.Equal(t, stub.NoRoute, b.last(t).Route)
	require.Equal(t, http.StatusNotFound, b.last(t).Status)
}

func TestErrorsAreWordedByTheStyleAndExplainedInTheJournal(t *testing.T) {
	b := newBench(t, stub.Options{})
	failures := map[string]error{
		"/refused": &stub.Error{
			Status: http.StatusForbidden, Message: "no", Reason: "missing_scope", Detail: "the token lacks it",
			Header: http.Header{"X-Why": {"scope"}},
		},
		"/wrapped": fmt.Errorf("deeper: %w", &stub.Error{Status: http.StatusTeapot, Message: "tea"}),
		"/unknown": errors.New("the disk is full"),
		"/body":    &stub.Error{Status: http.StatusPaymentRequired, Body: map[string]int{"credits": 0}},
	}
	for path, err := range failures {
		b.Routes().GET(path, path, func(*http.Request) (stub.Reply, error) { return stub.Reply{}, err })
	}

	resp, body := b.send(t, http.MethodGet, "/refused", nil)
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	require.Equal(t, "scope", resp.Header.Get("X-Why"))
	require.JSONEq(t, `{"error":"no"}`, body)
	require.Equal(t, "missing_scope", b.last(t).Reason)
	require.Equal(t, "the token lacks it", b.last(t).Detail)

	resp, _ = b.send(t, http.MethodGet, "/wrapped", nil)
	require.Equal(t, http.StatusTeapot, resp.StatusCode)

	resp, body = b.send(t, http.MethodGet, "/unknown", nil)
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	require.NotContains(t, body, "disk", "what went wrong inside stays inside")
	require.Contains(t, b.last(t).Detail, "the disk is full")

	resp, body = b.send(t, http.MethodGet, "/body", nil)
	require.Equal(t, http.StatusPaymentRequired, resp.StatusCode)
	require.JSONEq(t, `{"credits":0}`, body)
}

func TestAPanicIsAnErrorAndIsJournaled(t *testing.T) {
	b := newBench(t, stub.Options{})
	b.Routes().GET("boom", "/boom", func(*http.Request) (stub.Reply, error) { panic("boom") })
	resp, body := b.send(t, http.MethodGet, "/boom", nil)
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	require.JSONEq(t, `{"error":"Internal Server Error"}`, body)
	require.Contains(t, b.last(t).Detail, "boom")
}

func TestBodiesAreBounded(t *testing.T) {
	b := newBench(t, stub.Options{MaxBody: 10})
	b.Routes().POST("echo", "/echo", func(r *http.Request) (stub.Reply, error) {
		body, err := stub.ReadBody(r)
		return stub.Reply{Body: body}, err
	})
	resp, body := b.send(t, http.MethodPost, "/echo", strings.NewReader("0123456789"))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "0123456789", body)

	resp, _ = b.send(t, http.MethodPost, "/echo", strings.NewReader("0123456789x"))
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	require.Contains(t, b.last(t).Detail, "larger than 10 bytes")
}

func TestARequestThatStopsHalfWayIsABadRequest(t *testing.T) {
	b := newBench(t, stub.Options{})
	b.Routes().POST("echo", "/echo", func(r *http.Request) (stub.Reply, error) {
		_, err := stub.ReadBody(r)
		return stub.Reply{}, err
	})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: foo\r\nContent-Length: 100\r\n\r\nhalf")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

func TestReadJSON(t *testing.T) {
	b := newBench(t, stub.Options{})
	b.Routes().POST("json", "/json", func(r *http.Request) (stub.Reply, error) {
		v := map[string]any{}
		err := stub.ReadJSON(r, &v)
		return stub.JSON(http.StatusOK, v), err
	})
	for _, c := range []struct {
		kind, body string
		want       int
	}{
		{"application/json", `{"a":1}`, http.StatusOK},
		{"application/json; charset=utf-8", `{"a":1}`, http.StatusOK},
		{"", `{"a":1}`, http.StatusOK},
		{"application/json", ``, http.StatusOK},
		{"application/json", `{"a":`, http.StatusBadRequest},
		{"text/plain", `{"a":1}`, http.StatusUnsupportedMediaType},
		{"broken;;;", `{"a":1}`, http.StatusUnsupportedMediaType},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/json", strings.NewReader(c.body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", c.kind)
		resp, err := b.server.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, c.want, resp.StatusCode, "%q as %q", c.body, c.kind)
	}
}

func TestAStreamReachesTheClientPieceByPiece(t *testing.T) {
	b := newBench(t, stub.Options{})
	next := make(chan struct{})
	b.Routes().GET("stream", "/stream", func(*http.Request) (stub.Reply, error) {
		return stub.Reply{Stream: func(w io.Writer) error {
			if _, err := io.WriteString(w, "one\n"); err != nil {
				return err
			}
			<-next
			_, err := io.WriteString(w, "two\n")
			return err
		}}, nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/stream", nil)
	require.NoError(t, err)
	resp, err := b.server.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewReader(resp.Body)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "one\n", line, "it arrives before the second is written")
	close(next)
	line, err = lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "two\n", line)
}

func TestFaults(t *testing.T) {
	b := newBench(t, stub.Options{})
	b.Routes().GET("long", "/long", func(*http.Request) (stub.Reply, error) {
		return stub.Text(http.StatusOK, strings.Repeat("x", 100)), nil
	})
	get := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/long", nil)
		require.NoError(t, err)
		return b.server.Client().Do(req)
	}

	t.Run("reset", func(t *testing.T) {
		require.NoError(t, b.env.Faults.Add(fault.Rule{Name: "reset", Do: fault.Action{Reset: true}}))
		defer b.env.Faults.Clear()
		_, err := get() //nolint:bodyclose // there is no response
		require.Error(t, err)
		require.Equal(t, "reset", b.last(t).Fault)
	})
	t.Run("cut", func(t *testing.T) {
		require.NoError(t, b.env.Faults.Add(fault.Rule{Name: "cut", Do: fault.Action{CutAfter: 30}}))
		defer b.env.Faults.Clear()
		resp, err := get()
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, body, 30)
	})
	t.Run("delay", func(t *testing.T) {
		require.NoError(t, b.env.Faults.Add(fault.Rule{Name: "slow", Times: 1, Do: fault.Action{Delay: time.Millisecond}}))
		defer b.env.Faults.Clear()
		resp, err := get()
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Equal(t, "slow", b.last(t).Fault)
	})
}

func TestRequestIDsAreKeptOrMade(t *testing.T) {
	b := newBench(t, stub.Options{Headers: func(h http.Header, e *journal.Entry) { h.Set("X-Request-Id", e.RequestID) }})
	resp, _ := b.send(t, http.MethodGet, "/", nil)
	made := resp.Header.Get("X-Request-Id")
	require.Len(t, made, 32)
	require.Equal(t, made, b.last(t).RequestID)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/", nil)
	require.NoError(t, err)
	req.Header.Set("X-Request-Id", "mine")
	kept, err := b.server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, kept.Body.Close())
	require.Equal(t, "mine", b.last(t).RequestID)
}

func TestRandomIsDeterminedByItsSeed(t *testing.T) {
	a, b, c := stub.NewRandom(7), stub.NewRandom(7), stub.NewRandom(8)
	id := a.UUID()
	require.Equal(t, id, b.UUID())
	require.NotEqual(t, id, c.UUID())
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
	require.Less(t, a.IntN(3), 3)
}

func BenchmarkServe(b *testing.B) {
	s := newBench(b, stub.Options{})
	s.Routes().GET("hello", "/hello/{name}", func(*http.Request) (stub.Reply, error) {
		return stub.JSON(http.StatusOK, map[string]string{"hello": "world"}), nil
	})
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/hello/you", nil)
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), req)
	}
}

func TestHandlerThatTakesTheConnectionOverSaysTheStatusItself(t *testing.T) {
	b := newBench(t, stub.Options{})
	b.Routes().Raw("upgrade", "/upgrade", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			b.Fail(w, r, err)
			return
		}
		journal.Of(r.Context()).Status = http.StatusTeapot
		_, _ = io.WriteString(conn, "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_ = conn.Close()
	}))
	resp, _ := b.send(t, http.MethodGet, "/upgrade", nil)
	require.Equal(t, http.StatusTeapot, resp.StatusCode)
	require.Eventually(t, func() bool { return b.env.Journal.Last() == 1 }, 5*time.Second, time.Millisecond)
	require.Equal(t, http.StatusTeapot, b.env.Journal.Entries(journal.Filter{})[0].Status)
}
