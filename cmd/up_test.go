package cmd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/cmd"
	"github.com/ccmock/ccmock/internal/clock"
)

func TestUpServesItAllAndTheFirstCallWorks(t *testing.T) {
	u := up(t, "--seed", "7")
	require.Equal(t, uint64(7), u.Seed)
	require.False(t, u.Frozen)

	// GitLab.com signs for itself, the Dedicated instance has bought the add-on, and for
	// the self-managed one the cut-off passed long ago. Their tokens are synced already.
	for user, want := range map[string]struct {
		instance string
		status   int
	}{"grace": {"gitlab", 200}, "dora": {"dedicated", 200}, "ada": {"acme", 403}} {
		got := u.use(t, want.instance, user)
		require.Equal(t, want.status, got.status, "%s: %s", user, got.body)
	}
	require.Equal(t, u.Control+" is well\n", ok(t, "health", u.Control))

	refused := u.use(t, "acme", "ada")
	text := ok(t, "explain", "--control", u.Control, "--request", refused.header.Get("X-Request-Id"))
	require.Contains(t, text, "refused by foo")
	require.Contains(t, text, "duo_pro was not bought")

	require.Equal(t, 0, u.stop())
	require.Empty(t, u.errs.String())
	r := ccmock(t, "health", u.Control)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "does not answer")
}

func TestUpTellsWhatIsWhere(t *testing.T) {
	golden(t, "up", upText(t, "up", "--port-base", "0", "--freeze", "--at", "2024-02-14 23:00:00 UTC"))
	golden(t, "up_gateway", upText(t, "up", "gateway", "--port-base", "0", "--at", "2024-02-14", "--freeze"))
}

// upText is what `ccmock up` prints for people, up to its last line.
func upText(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cmd.Main(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: w, Err: io.Discard})
		_ = w.Close()
	}()
	var text strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	cancel()
	require.Equal(t, 0, <-code, text.String())
	return text.String()
}

func TestUpDrainsOnASignal(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-release
		_, _ = io.WriteString(w, `{"late": true}`)
	}))
	t.Cleanup(backend.Close)
	u := up(t, "--backend", "foo="+backend.URL)
	got := make(chan answer, 1)
	go func() {
		a, _ := trySend(context.WithoutCancel(t.Context()), http.MethodPost, u.url(t, "gitlab")+"/api/v4/new_feature_scope", "{}",
			map[string]string{"Private-Token": "glpat-grace"})
		got <- a
	}()
	<-reached
	u.cancel()
	waitFor(t, func() bool { return ccmock(t, "health", u.Control).code == 1 })
	close(release)
	require.Equal(t, `{"late": true}`, (<-got).body, "a request under way is not cut off")
	require.Equal(t, 0, u.stop())
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !condition() {
		require.NoError(t, clock.Wait(ctx, 5*time.Millisecond), "waited in vain")
	}
}

func TestUpWithABackendThatIsLeftOut(t *testing.T) {
	u := up(t, "--backend", "foo=", "--backend", "nobody=")
	require.NotEmpty(t, u.url(t, "foo"), "the stub serves")
}

func TestUpWithAPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own listener
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	r := ccmock(t, "up", "--port-base", "0", "--control-port", port)
	require.Equal(t, 3, r.code)
	require.Equal(t, "ccmock: control cannot listen on 127.0.0.1:"+port+": the port is in use, by another ccmock perhaps\n"+
		"hint: --port-base moves all ports\n", r.err)
	require.Empty(t, r.out)
}

func TestUpPartsInProcessesOfTheirOwn(t *testing.T) {
	customersDot := up(t, "customersdot")
	require.Len(t, customersDot.Services, 1)
	require.Empty(t, customersDot.Users)
	rest := up(t, "rails", "gateway", "backends", "--customersdot-url", customersDot.url(t, "customersdot"))
	// The tokens are synced in the background, as CustomersDot may start later.
	waitFor(t, func() bool { return rest.use(t, "dedicated", "dora").status == 200 })
	require.Equal(t, 403, rest.use(t, "acme", "ada").status)
}

func TestUpWithAWorldAndFeaturesOfOnesOwn(t *testing.T) {
	dir := write(t, map[string]string{
		"features/shine.yaml": `format: 1
feature: shine
backend:
  name: lamp
  endpoint: POST /shine
  reply: {bright: true}
cloud_connector:
  service_start_time: 2024-02-15 00:00:00 UTC
  min_gitlab_version: '16.8'
  bundled_with: 'duo_pro'
`,
		"world.yaml": `now: 2024-02-01
instances:
  globex: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud}}
users:
  gus: {instance: globex, token: secret}
`,
	})
	u := up(t, "--world", filepath.Join(dir, "world.yaml"), "--features", filepath.Join(dir, "features"), "--freeze")
	require.Equal(t, "2024-02-01T00:00:00Z", u.Now)
	require.True(t, u.Frozen)
	require.Equal(t, "secret", u.token(t, "gus"))
	got := send(t, http.MethodPost, u.url(t, "globex")+"/api/v4/shine", "{}", map[string]string{"Private-Token": "secret"})
	require.Equal(t, 200, got.status, got.body)
	require.JSONEq(t, `{"bright": true}`, got.body)
	require.NotEmpty(t, u.url(t, "lamp"))

	later := up(t, "--world", filepath.Join(dir, "world.yaml"), "--features", filepath.Join(dir, "features"), "--at", "2024-03-01", "--freeze", "--sync=false")
	require.Equal(t, "2024-03-01T00:00:00Z", later.Now)
	got = send(t, http.MethodPost, later.url(t, "globex")+"/api/v4/shine", "{}", map[string]string{"Private-Token": "secret"})
	require.Equal(t, 401, got.status, "nothing was synced: %s", got.body)
}

func TestUpSpeaksTLSWithACertificateToTrust(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gateway.pem")
	u := up(t, "--tls-cert", file)
	pem, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(pem), u.Certificate)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(trusting.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.GatewayTLS+"/foo/monitoring/healthz", nil)
	require.NoError(t, err)
	resp, err := trusting.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestUpBeyondLoopbackIsGuarded(t *testing.T) {
	r := ccmock(t, "up", "--port-base", "0", "--listen-host", "0.0.0.0")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "needs a control token")

	t.Setenv("CCMOCK_CONTROL_TOKEN", "guarded")
	u := up(t, "--listen-host", "0.0.0.0")
	at, err := url.Parse(u.Control)
	require.NoError(t, err)
	control := "http://127.0.0.1:" + at.Port()
	require.Equal(t, 401, send(t, http.MethodGet, control+"/v1/info", "", nil).status)
	require.Equal(t, 200, send(t, http.MethodGet, control+"/v1/info", "", map[string]string{"Authorization": "Bearer guarded"}).status)
	require.Equal(t, 0, ccmock(t, "health", control).code, "health needs no token")
	require.Contains(t, ccmock(t, "explain", "--control", control, "--request", "x").err, "no service has seen")
	require.Contains(t, ccmock(t, "explain", "--control", control, "--control-token", "wrong", "--request", "x").err, "control token")
}

func TestUpLimitsRates(t *testing.T) {
	u := up(t, "--limit-per-user", "1", "--limit-window", "1h")
	require.Equal(t, 200, u.use(t, "gitlab", "grace").status)
	require.Equal(t, 429, u.use(t, "gitlab", "grace").status)
	require.Equal(t, 200, u.use(t, "dedicated", "dora").status)
}

func TestUpTellsWhatItCannotUse(t *testing.T) {
	dir := write(t, map[string]string{
		"world.yaml":           "instances: {acme: {realm: self-manged}}\n",
		"features/broken.yaml": "format: 1\nfeatur: x\n",
		"catalog.yml":          "defaults:\n  servces: {}\n",
		"data/somebodys.pem":   "real",
		"empty/README":         "",
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"--world", at("world.yaml"), "--features", at("features")}, 2, []string{
			at("world.yaml") + ":1:", "is not a realm", at("features/broken.yaml") + ":2:1", `did you mean "feature"?`, "problems in 2 files",
		}},
		{[]string{"--world", at("nowhere.yaml")}, 2, []string{"ccmock: read the world: ", "no such file"}},
		{[]string{"--features", at("nowhere")}, 2, []string{"ccmock: read feature files: ", "no such file"}},
		{[]string{"--features", at("empty")}, 2, []string{"no feature file in " + at("empty")}},
		{[]string{"--catalog", at("nowhere.yml")}, 2, []string{"ccmock: read the catalog: ", "no such file"}},
		{[]string{"--catalog", at("catalog.yml")}, 2, []string{at("catalog.yml") + ":2:3", `did you mean "services"?`}},
		{[]string{"--data", at("data")}, 3, []string{"was not made by ccmock", "hint: --data names another folder"}},
		{[]string{"--backend", "foo"}, 2, []string{`--backend is "foo", expected NAME=URL`}},
		{[]string{"--backend", "fo=http://x"}, 2, []string{`--backend names "fo"`, "hint: "}},
		{[]string{"--backend", "foo=x"}, 2, []string{`--backend foo: "x" is not the URL of a service`}},
		{[]string{"--gateway-url", "cloud"}, 2, []string{`--gateway-url: "cloud" is not the URL of a service`}},
		{[]string{"--control-port", "65536"}, 2, []string{"port 65536 is out of range"}},
		{[]string{"--limit-per-user", "-1"}, 2, []string{"--limit-per-user is negative, expected 0 or more"}},
		{[]string{"--tls-cert", at("nowhere/cert.pem")}, 3, []string{"ccmock: write the certificate: ", "no such file"}},
		{[]string{"ralis"}, 2, []string{`unknown part "ralis", expected some of rails, customersdot, gateway, backends`, `hint: did you mean "rails"?`}},
		{[]string{"--prot-base", "1"}, 2, []string{"unknown flag: --prot-base", "hint: did you mean --port-base?"}},
		{[]string{"--at", "tomorrow"}, 2, []string{"--at: expected a time such as", `got "tomorrow"`}},
		{[]string{"--seed", "x"}, 2, []string{`--seed is "x", expected a number`}},
		{[]string{"--log-level", "loud"}, 2, []string{`--log-level is "loud", expected debug, info, warn or error`}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			r := ccmock(t, append([]string{"up", "--port-base", "0"}, c.args...)...)
			require.Equal(t, c.code, r.code, r.err)
			require.Empty(t, r.out)
			for _, want := range c.want {
				require.Contains(t, r.err, want)
			}
		})
	}
}

func BenchmarkUp(b *testing.B) {
	for b.Loop() {
		u := up(b)
		b.StopTimer()
		require.Equal(b, 0, u.stop())
		b.StartTimer()
	}
}
