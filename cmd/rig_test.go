package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/cmd"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/probe/probetest"
)

// TestMain gives the tests a cache folder of their own, which they share: signing keys
// are slow to make.
func TestMain(m *testing.M) {
	if probetest.Main() { // this is the service that a test of probe has started
		return
	}
	dir, err := os.MkdirTemp("", "ccmock-cmd-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		if err := os.Setenv(name, dir); err != nil {
			panic(err)
		}
	}
	_ = os.Unsetenv("CCMOCK_CONTROL_TOKEN")
	m.Run()
}

// result is what a command left behind.
type result struct {
	code     int
	out, err string
}

func ccmock(t testing.TB, args ...string) result {
	t.Helper()
	return ccmockIn(t, "", args...)
}

func ccmockIn(t testing.TB, in string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code := cmd.Main(ctx, args, cmd.Streams{In: strings.NewReader(in), Out: &out, Err: &errs})
	return result{code, out.String(), errs.String()}
}

// ok is the output of a command that must do well.
func ok(t testing.TB, args ...string) string {
	t.Helper()
	r := ccmock(t, args...)
	require.Equal(t, 0, r.code, "ccmock %s:\n%s%s", strings.Join(args, " "), r.err, r.out)
	require.Empty(t, r.err)
	return r.out
}

// running is a `ccmock up` that is ready.
type running struct {
	Control  string
	Services []struct{ Name, Kind, URL string }
	Users    []struct{ Name, Instance, Token string }
	Now      string
	Frozen   bool
	Version  string
	Seed     uint64

	GatewayTLS  string `json:"gateway_tls"`
	Certificate string

	cancel context.CancelFunc
	code   chan int
	errs   *buffer
}

// up starts `ccmock up` on free ports and waits until it is ready.
func up(t testing.TB, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	u := &running{cancel: cancel, code: make(chan int, 1), errs: &buffer{}}
	args = append([]string{"up", "--json", "--port-base", "0"}, args...)
	go func() {
		code := cmd.Main(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: w, Err: u.errs})
		_ = w.Close()
		u.code <- code
	}()
	if err := json.NewDecoder(r).Decode(u); err != nil {
		cancel()
		require.NoError(t, err, "ccmock %s ended with %d:\n%s", strings.Join(args, " "), <-u.code, u.errs)
	}
	t.Cleanup(func() { require.Equal(t, 0, u.stop(), u.errs.String()) })
	return u
}

// stop stops it as a signal does, and returns the exit code.
func (u *running) stop() int {
	u.cancel()
	code := <-u.code
	u.code <- code
	return code
}

func (u *running) url(t testing.TB, service string) string {
	t.Helper()
	for _, s := range u.Services {
		if s.Name == service {
			return s.URL
		}
	}
	require.Fail(t, "no such service", "%q", service)
	return ""
}

func (u *running) token(t testing.TB, user string) string {
	t.Helper()
	for _, one := range u.Users {
		if one.Name == user {
			return one.Token
		}
	}
	require.Fail(t, "no such user", "%q", user)
	return ""
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// answer is what a service answered.
type answer struct {
	status int
	header http.Header
	body   string
}

func send(t testing.TB, method, url, body string, header map[string]string) answer {
	t.Helper()
	a, err := trySend(t.Context(), method, url, body, header)
	require.NoError(t, err)
	return a
}

func trySend(ctx context.Context, method, url, body string, header map[string]string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

// use calls the tutorial's feature as a user does.
func (u *running) use(t testing.TB, instance, user string) answer {
	t.Helper()
	return send(t, http.MethodPost, u.url(t, instance)+"/api/v4/new_feature_scope", "{}",
		map[string]string{"Private-Token": u.token(t, user)})
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// write writes files and returns their folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, []byte(text), 0o600))
	}
	return dir
}

var masks = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`(PORT|URL) +`), "$1  "},
	{regexp.MustCompile(`ccmock devel\S*`), "ccmock VERSION"},
	{regexp.MustCompile(`(kid\s+)\S{43}`), "${1}KEY"},
	{regexp.MustCompile(`\d+(\.\d+)?(ms|µs|s)\)`), "TIME)"},
	{regexp.MustCompile(`(?m) +$`), ""},
}

// golden compares with a file, after what changes from run to run was masked.
func golden(t testing.TB, name, got string) {
	t.Helper()
	for _, m := range masks {
		got = m.what.ReplaceAllString(got, m.with)
	}
	goldentest.Text(t, name+".golden", got)
}
