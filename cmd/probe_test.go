package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/cmd"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/probe/probetest"
)

var issuersPrinted = regexp.MustCompile(`(?s)GITLAB_URL=(\S+).*CUSTOMERSDOT_URL=(\S+)\n`)

// told is what `ccmock probe` says on standard error. The service learns its issuers there,
// as its author would.
type told struct {
	buffer
	service *probetest.Service
}

func (w *told) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	if m := issuersPrinted.FindStringSubmatch(w.String()); m != nil && w.service != nil {
		w.service.Trust(m[1], m[2])
		w.service = nil
	}
	return n, err
}

// probed probes a service with a flaw, through the handler that around makes of it.
func probed(t *testing.T, flaw probetest.Flaw, around func(http.Handler) http.Handler, args ...string) result {
	t.Helper()
	s := &probetest.Service{Flaw: flaw}
	var h http.Handler = s
	if around != nil {
		h = around(s)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	args = append([]string{
		"probe", "--port-base", "0", "--url", server.URL + "/new_feature_endpoint", "--scope", probetest.Scope, "--audience", probetest.Audience,
	}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	errs := &told{service: s}
	code := cmd.Main(ctx, args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: errs})
	return result{code, out.String(), errs.String()}
}

func TestProbeOfAGoodBackend(t *testing.T) {
	t.Parallel()
	r := probed(t, probetest.None, nil)
	require.Equal(t, 0, r.code, r.err)
	require.Regexp(t, `\n\nhttp://127\.0\.0\.1:\d+/new_feature_endpoint: 132 calls, 132 as they must be\n$`, r.out)
	require.NotContains(t, r.out, "FAIL")
	require.Contains(t, r.err, "the environment that the service needs, to trust these issuers:\n  GITLAB_URL=http")
	require.Contains(t, r.err, "\n  AUDIENCE=gitlab-foo\nsending 132 calls to http")
}

func TestProbeOfABrokenBackend(t *testing.T) {
	t.Parallel()
	r := probed(t, probetest.ScopeBySubstring, nil, "--run", "^scope-")
	require.Equal(t, 1, r.code, r.err)
	golden(t, "probe_broken", r.out)
}

func TestProbeAsJSON(t *testing.T) {
	t.Parallel()
	type verdict struct {
		Case, Outcome, Expected, Reason string
		OK, Fetched                     bool
		Status                          int
	}
	for flaw, want := range map[probetest.Flaw]verdict{
		probetest.None:       {"jku-of-the-attacker", "refused", "refused", "unknown_key", true, false, 401},
		probetest.KeyByJKU:   {"jku-of-the-attacker", "accepted", "refused", "unknown_key", false, true, 200},
		probetest.RefusesAll: {Case: "good", Outcome: "refused", Expected: "accepted", Status: 401},
	} {
		r := probed(t, flaw, nil, "--json", "--run", "^jku-")
		var got struct {
			URL      string
			OK       bool
			NotTried int `json:"not_tried"`
			Verdicts []verdict
			Findings []struct {
				What, Why string
				Cases     []string
			}
			Left []string `json:"left_out"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.out), &got), r.out)
		require.Equal(t, want, got.Verdicts[len(got.Verdicts)-1])
		require.Equal(t, want.OK, got.OK)
		require.Equal(t, want.OK, r.code == 0)
		require.Contains(t, got.Left, "trimmed-key")
		if want.OK {
			require.Empty(t, got.Findings)
			continue
		}
		require.Equal(t, []string{want.Case}, got.Findings[0].Cases)
		require.Equal(t, flaw == probetest.RefusesAll, got.NotTried == 2)
	}
}

func TestProbeAsJUnit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "probe.xml")
	r := probed(t, probetest.AlgNone, nil, "--junit", file, "--run", "^alg-none$")
	require.Equal(t, 1, r.code, r.err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(text, &suites))
	require.Equal(t, 3, suites.Tests)
	require.Equal(t, 1, suites.Failures)
	last := suites.Suites[2]
	require.Equal(t, "new_feature_scope: token, alg-none", last.Name)
	require.Contains(t, last.Cases[0].Failure.Message, "got in, to be refused for wrong_algorithm: Tokens of Cloud Connector are signed with RS256.")
	require.Equal(t, "1 alg-none", last.Cases[0].Name)
	require.Contains(t, last.Cases[0].Failure.Text, "/probed/new_feature_endpoint", "the call")
	require.Contains(t, last.Cases[0].Failure.Text, "gitlab_realm        self-managed", "the token")

	r = probed(t, probetest.None, nil, "--junit", filepath.Join(t.TempDir(), "nowhere", "probe.xml"), "--run", "^alg-none$")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "ccmock: write the report: open ")
}

func TestProbeSendsWhatItIsTold(t *testing.T) {
	t.Parallel()
	picky := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodGet && (r.Method != http.MethodPut || string(body) != "a,b" || r.Header.Get("Content-Type") != "text/csv" || r.Header.Get("X-Tenant") != "7: x") {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	args := []string{"--run", "^none$", "--method", "PUT", "--body", "a,b", "--header", "Content-Type: text/csv", "--header", "X-Tenant: 7: x"}
	r := probed(t, probetest.None, picky, args...)
	require.Equal(t, 0, r.code, r.out)
	r = probed(t, probetest.None, picky, args[:6]...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "FAIL  a good call was refused with 422\n      good\n")
	require.Contains(t, r.out, "--body and --header say what is sent")
}

func TestProbeOfAProfileAndWithLeeway(t *testing.T) {
	t.Parallel()
	r := probed(t, probetest.NoIssuer, nil, "--run", "issuer")
	require.Equal(t, 1, r.code)
	r = probed(t, probetest.NoIssuer, nil, "--run", "issuer", "--profile", "ai-gateway")
	require.Equal(t, 0, r.code, r.out)
	require.Contains(t, r.out, "ok  issuer-absent      200     accepted  known gap of the real library\n")
	require.Contains(t, r.out, "6 calls, 6 as they must be, 4 known gaps\n")
	require.Contains(t, r.err, "  AIGW_CUSTOMER_PORTAL_URL=http")

	r = probed(t, probetest.Leeway, nil, "--run", "^exactly-at-expiry$")
	require.Equal(t, 1, r.code)
	require.Contains(t, strings.Join(strings.Fields(r.out), " "), "is probed with --leeway 60s")
	r = probed(t, probetest.Leeway, nil, "--run", "^exactly-at-expiry$", "--leeway", "30s")
	require.Equal(t, 0, r.code, r.out)
}

func TestProbeOfNobody(t *testing.T) {
	t.Parallel()
	elapsed := clock.Stopwatch()
	r := ccmock(t, "probe", "--port-base", "0", "--url", "http://127.0.0.1:1/x", "--scope", "scope", "--audience", "aud", "--wait", "200ms")
	require.Equal(t, 3, r.code)
	require.Less(t, elapsed(), 20*time.Second)
	require.Contains(t, r.err, "ccmock: http://127.0.0.1:1/x did not answer within 200ms: dial tcp 127.0.0.1:1: ")
	require.Contains(t, r.err, "\nhint: the service must be started with the environment above, or by probe: ccmock probe ... -- COMMAND\n")
	require.Empty(t, r.out)
}

// TestProbeIsInterrupted: the service does not answer, and the user does not wait.
func TestProbeIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	errs := &buffer{}
	said := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "AUDIENCE=") {
			interrupt()
		}
		return errs.Write(p)
	})
	code := cmd.Main(ctx, []string{"probe", "--port-base", "0", "--url", "http://127.0.0.1:1/x", "--scope", "scope", "--audience", "aud"},
		cmd.Streams{In: strings.NewReader(""), Out: io.Discard, Err: said})
	require.Equal(t, 1, code)
	require.True(t, strings.HasSuffix(errs.String(), "\nccmock: stopped before all calls had been sent\n"), errs.String())
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestProbeRefusesAWrongUsage(t *testing.T) {
	t.Parallel()
	const right = "probe --port-base 0 --url http://127.0.0.1:1/x --scope scope --audience aud "
	for args, want := range map[string]string{
		"probe":                                "ccmock: the URL is missing, expected such as http://localhost:8000/new_feature_endpoint\nhint: ccmock probe --help lists its flags\n",
		"probe --url localhost:8000":           "ccmock: \"localhost:8000\" is not the URL of an endpoint, expected such as http://localhost:8000/new_feature_endpoint\nhint: ccmock probe --help lists its flags\n",
		right + "--scope a,b":                  "ccmock: \"a,b\" cannot be a scope, expected one word such as new_feature_scope\nhint: ccmock probe --help lists its flags\n",
		right + "--audience=":                  "ccmock: the audience is missing, expected such as gitlab-ai-gateway\nhint: ccmock probe --help lists its flags\n",
		right + "--profile gateway":            "ccmock: unknown profile \"gateway\"\nhint: did you mean \"ai-gateway\"?\n",
		right + "--profile zzz":                "ccmock: unknown profile \"zzz\"\nhint: known: strict, ai-gateway\n",
		right + "--method post":                "ccmock: unknown method \"post\"\nhint: did you mean \"POST\"?\n",
		right + "--header nonsense":            "ccmock: --header: expected \"NAME: VALUE\", got \"nonsense\"\n",
		right + "--header x-Gitlab-realm:saas": "ccmock: the header X-Gitlab-Realm is what the cases are about; it cannot be set\nhint: ccmock probe --help lists its flags\n",
		right + "--run [":                      "ccmock: --run: error parsing regexp: missing closing ]: `[`\n",
		right + "--run zzz":                    "ccmock: no case matches \"zzz\"\nhint: ccmock probe --help lists its flags\n",
		right + "--leeway 1500ms":              "ccmock: the leeway 1.5s is not one, expected whole seconds and an hour at most, such as 60s\nhint: ccmock probe --help lists its flags\n",
		right + "--leeway soon":                "ccmock: --leeway: time: invalid duration \"soon\"\nhint: ccmock probe --help lists its flags\n",
		right + "--audiense x":                 "ccmock: unknown flag: --audiense\nhint: did you mean --audience?\n",
		right + "--backends-port 5100":         "ccmock: unknown flag: --backends-port\nhint: ccmock probe --help lists its flags\n",
		right + "uvicorn":                      "ccmock: ccmock probe takes no arguments, got \"uvicorn\"\nhint: a command that starts the service comes after --\n",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			r := ccmock(t, strings.Fields(args)...)
			require.Equal(t, 2, r.code)
			require.Equal(t, want, r.err)
			require.Empty(t, r.out)
		})
	}
}

// TestProbeStartsTheService runs this very binary as the service; see TestMain.
func TestProbeStartsTheService(t *testing.T) {
	address := probetest.FreeAddress(t)
	try := func(args ...string) result {
		return ccmock(t, append([]string{
			"probe", "--url", "http://" + address + "/x", "--scope", probetest.Scope, "--audience", probetest.Audience, "--run", "^(none|garbage)$",
		}, args...)...)
	}
	t.Setenv(probetest.AddressVariable, address)
	r := try("--", os.Args[0])
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "4 calls, 4 as they must be\n")
	require.NotContains(t, r.err, "listening on", "nobody asks what a service says that does well")

	t.Setenv(probetest.FlawVariable, string(probetest.Crashes))
	r = try("--", os.Args[0])
	require.Equal(t, 1, r.code, r.err)
	require.Contains(t, r.out, "FAIL  crashed with 500\n      garbage\n")
	require.Contains(t, r.err, "the last that "+os.Args[0]+" wrote:\n  listening on "+address+"\n")

	t.Setenv(probetest.AddressVariable, "nowhere")
	r = try("--wait", "20s", "--", os.Args[0])
	require.Equal(t, 3, r.code)
	require.Contains(t, r.err, "  listen tcp: address nowhere: missing port in address\nccmock: "+os.Args[0]+" stopped by itself: exit status 0\n")

	r = try("--", "no-such-command")
	require.Equal(t, 3, r.code)
	require.Contains(t, r.err, "ccmock: start no-such-command: exec: \"no-such-command\": executable file not found in ")
}
