package railsstub_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

func TestRelay(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/relay/headers")
	r := newRig(t, given("16.9.2"))
	r.synced()
	r.gateway.answers(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/problem+json")
		h.Set("X-Process-Time", "1")
		h.Set("Retry-After", "30")
		h.Set("Cache-Control", "public")
		h.Set("Expires", "tomorrow")
		h.Set("Pragma", "x")
		h.Set("Date", "never")
		h.Set("Keep-Alive", "timeout=5")
		h.Add("Set-Cookie", "a=1")
		h.Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"slow":"down"}`)
	})
	got := r.request(http.MethodPost, "acme", tutorialPath+"?a=1", "<raw>", "Private-Token", "glpat-ada",
		"Content-Type", "text/xml", "X-Request-Id", "my-id", "Authorization", "Bearer not for the backend")
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Equal(t, `{"slow":"down"}`, got.body)
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "X-Process-Time": "1", "Retry-After": "30",
		"Cache-Control": "max-age=0, private, must-revalidate", "Expires": "", "Pragma": "", "Keep-Alive": "",
		"Date": start.Format(http.TimeFormat), "X-Request-Id": "my-id", "Content-Length": "15",
	} {
		require.Equal(t, want, got.header.Get(name), name)
	}
	require.Equal(t, []string{"a=1", "b=2"}, got.header["Set-Cookie"])

	up := r.gateway.last(t)
	require.Equal(t, "/foo/new_feature_endpoint?a=1", up.path)
	require.Equal(t, "<raw>", up.body)
	require.Equal(t, "text/xml", up.header.Get("Content-Type"))
	require.Equal(t, "my-id", up.header.Get("X-Request-Id"))
	require.Equal(t, r.stored().Tokens[0].Token.Digest, token.Digest(bearer(up)))
	require.Empty(t, up.header.Get("Private-Token"))

	entry := r.lastEntry()
	require.Equal(t, "feature.new_feature_scope", entry.Route)
	require.Equal(t, r.gateway.URL+"/foo/new_feature_endpoint", entry.Upstream)
	require.Equal(t, "my-id", entry.RequestID)
	require.Equal(t, "first", entry.Token.ID)
	require.Nil(t, entry.Issued)
	require.Empty(t, entry.Reason)
	require.Equal(t, http.StatusTooManyRequests, entry.Status)
}

func TestRelayDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/relay/redirects")
	r := newRig(t, given("16.9.2"))
	r.gateway.answers(func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/elsewhere", http.StatusFound) })
	got := r.use("com")
	require.Equal(t, http.StatusFound, got.status)
	require.Len(t, r.gateway.requests(), 1)
	require.NotEmpty(t, got.header.Get("X-Request-Id"), "GitLab's own, as the other side sent none")
	require.NotNil(t, r.lastEntry().Issued, "GitLab.com signed it for this call")
}

// TestStreaming: each piece arrives before the next one is written.
func TestStreaming(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.2"))
	r.synced()
	next := make(chan struct{})
	r.gateway.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := range 3 {
			_, _ = fmt.Fprintf(w, "piece %d\n", n)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	resp := r.open(t.Context())
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	lines := bufio.NewReader(resp.Body)
	for n := range 3 {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("piece %d\n", n), line)
		next <- struct{}{}
	}
	_, err := lines.ReadString('\n')
	require.ErrorIs(t, err, io.EOF)
}

// open starts a call of the tutorial's feature by ada.
func (r *rig) open(ctx context.Context) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+tutorialPath, strings.NewReader("{}"))
	require.NoError(r.t, err)
	req.Header.Set("Private-Token", "glpat-ada")
	resp, err := r.client.Do(req)
	require.NoError(r.t, err)
	return resp
}

func TestClientThatGoesAwayCancelsTheCall(t *testing.T) {
	t.Parallel()
	for _, started := range []bool{false, true} {
		r := newRig(t, given("16.9.2"))
		r.synced()
		reached, cancelled := make(chan struct{}), make(chan struct{})
		r.gateway.answers(func(w http.ResponseWriter, q *http.Request) {
			if started {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			}
			close(reached)
			<-q.Context().Done()
			close(cancelled)
		})
		ctx, leave := context.WithCancel(t.Context())
		if started {
			resp := r.open(ctx)
			<-reached
			leave()
			_ = resp.Body.Close()
		} else {
			go func() {
				<-reached
				leave()
			}()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+tutorialPath, strings.NewReader("{}"))
			require.NoError(t, err)
			req.Header.Set("Private-Token", "glpat-ada")
			_, err = r.client.Do(req) //nolint:bodyclose // there is no response
			require.ErrorIs(t, err, context.Canceled)
		}
		<-cancelled
		require.Eventually(t, func() bool { return r.lastEntry().Reason == string(railsstub.ClientGone) }, 5*time.Second, time.Millisecond)
	}
}

func TestGatewayThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.2"))
	r.synced()
	r.gateway.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require500 := func(detail string) {
		t.Helper()
		got := r.use("ada")
		require.Equal(t, 500, got.status)
		require.Equal(t, "Internal Server Error\n", got.body)
		require.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"))
		require.Empty(t, got.header.Get("X-Gitlab-Error-Origin"))
		require.Equal(t, string(railsstub.GatewayUnreachable), r.lastEntry().Reason)
		require.Contains(t, r.lastEntry().Detail, detail)
	}
	require500("the gateway does not answer: EOF")
	r.gateway.close()
	require500("connection refused")
}

func TestAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.2"))
	r.synced()
	r.gateway.answers(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	resp := r.open(t.Context())
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client must not take it for the whole")
	require.Equal(t, "half", string(body))
	require.Equal(t, string(railsstub.GatewayUnreachable), r.lastEntry().Reason)
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	const completions, chat = "/api/v4/code_suggestions/completions", "/api/v4/chat/completions"
	file := func(name, above string) string {
		return fmt.Sprintf(`{"current_file":{"file_name":%q,"content_above_cursor":%q}}`, name, above)
	}
	fill := func(total int) string {
		return strings.TrimSuffix(file("a", "b"), "}") + `,"x":"` + strings.Repeat("x", total-len(file("a", "b"))-len(`,"x":""`)) + `"}`
	}
	for _, c := range []struct {
		name, version, method, path, body string
		status                            int
		want                              string
		reason                            token.Reason
	}{
		{"no file", "16.9.0", "POST", completions, `{}`, 400, `{"error":"current_file is missing, current_file[file_name] is missing, current_file[content_above_cursor] is missing"}`, railsstub.InvalidRequest},
		{"no body", "16.9.0", "POST", completions, ``, 400, `{"error":"current_file is missing, current_file[file_name] is missing, current_file[content_above_cursor] is missing"}`, railsstub.InvalidRequest},
		{"empty file", "16.9.0", "POST", completions, `{"current_file":{}}`, 400, `{"error":"current_file[file_name] is missing, current_file[content_above_cursor] is missing"}`, railsstub.InvalidRequest},
		{"file is a text", "16.9.0", "POST", completions, `{"current_file":"a"}`, 400, `{"error":"current_file is invalid"}`, railsstub.InvalidRequest},
		{"name is a number", "16.9.0", "POST", completions, `{"current_file":{"file_name":1,"content_above_cursor":"x"}}`, 400, `{"error":"current_file[file_name] is invalid"}`, railsstub.InvalidRequest},
		{"long name", "16.9.0", "POST", completions, file(strings.Repeat("ä", 256), "x"), 400, `{"error":"current_file[file_name] must be less than 255 characters"}`, railsstub.InvalidRequest},
		{"name at the limit", "16.9.0", "POST", completions, file(strings.Repeat("ä", 255), "x"), 200, `{"extra":"Feature"}`, ""},
		{"no JSON", "16.9.0", "POST", completions, `{"a`, 400, `{"error":"Problems parsing JSON"}`, railsstub.InvalidRequest},
		{"JSON null", "16.9.0", "POST", completions, `null`, 400, `{"error":"Problems parsing JSON"}`, railsstub.InvalidRequest},
		{"too large for 16", "16.11.0", "POST", completions, fill(500_001), 413, `{"message":"413 Request Entity Too Large"}`, railsstub.BodyTooLarge},
		{"at the limit of 16", "16.11.0", "POST", completions, fill(500_000), 200, `{"extra":"Feature"}`, ""},
		{"good for 17", "17.0.0", "POST", completions, fill(600_000), 200, `{"extra":"Feature"}`, ""},
		{"too large for 17", "17.0.0", "POST", completions, fill(600_001), 413, `{"message":"413 Request Entity Too Large"}`, railsstub.BodyTooLarge},
		{"any feature, far too large", "16.9.0", "POST", tutorialPath, strings.Repeat("x", stub.DefaultMaxBody+1), 413, `{"message":"413 Request Entity Too Large"}`, railsstub.BodyTooLarge},
		{"no question", "16.9.0", "POST", chat, `{}`, 400, `{"error":"content is missing"}`, railsstub.InvalidRequest},
		{"question null", "16.9.0", "POST", chat, `{"content":null}`, 400, `{"error":"content is invalid"}`, railsstub.InvalidRequest},
		{"long question", "16.9.0", "POST", chat, `{"content":"` + strings.Repeat("?", 1001) + `"}`, 400, `{"error":"content must be less than 1000 characters"}`, railsstub.InvalidRequest},
		{"stream is no boolean", "16.9.0", "POST", chat, `{"content":"?","stream":1}`, 400, `{"error":"stream is invalid"}`, railsstub.InvalidRequest},
		{"unknown path", "16.9.0", "GET", "/api/v4/nothing", ``, 404, `{"error":"404 Not Found"}`, ""},
		{"wrong method", "16.9.0", "GET", tutorialPath, ``, 405, `{"error":"405 Not Allowed"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, given(c.version))
			r.synced()
			got := r.request(c.method, "acme", c.path, c.body, "Private-Token", "glpat-ada")
			require.Equal(t, c.status, got.status, got.body)
			require.JSONEq(t, c.want, got.body)
			require.Equal(t, string(c.reason), r.lastEntry().Reason)
			require.Equal(t, c.status == 200, len(r.gateway.requests()) == 1)
			if c.status == 405 {
				require.Equal(t, "POST", got.header.Get("Allow"))
			}
		})
	}
}

func TestPromptVersionOfTheClientStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.synced()
	const body = `{"prompt_version":3,"current_file":{"file_name":"a","content_above_cursor":"b"}}`
	require.Equal(t, 200, r.request("POST", "acme", "/api/v4/code_suggestions/completions", body, "Private-Token", "glpat-ada").status)
	require.Equal(t, body, r.gateway.last(t).body)
}

// TestBodyThatStopsHalfWay: the client promises more than it sends.
func TestBodyThatStopsHalfWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.synced()
	where, err := url.Parse(r.url)
	require.NoError(t, err)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", where.Host)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: acme.test\r\nPrivate-Token: glpat-ada\r\nContent-Length: 100\r\n\r\n{\"half", tutorialPath)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, 400, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"message":"400 Bad request"}`, string(body))
	require.Eventually(t, func() bool {
		entries := r.journal.Entries(journal.Filter{})
		return entries[len(entries)-1].Reason == string(railsstub.InvalidRequest)
	}, 5*time.Second, time.Millisecond)
	require.Empty(t, r.gateway.requests())
}
