package probe_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/probe/probetest"
)

// only sends the cases that match, beside the good calls.
func only(pattern string) func(*probe.Options) {
	return func(o *probe.Options) { o.Run = regexp.MustCompile(pattern) }
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	right := probe.Options{URL: "http://127.0.0.1:1/x", Scope: "scope", Audience: "aud"}
	for want, change := range map[string]func(*probe.Options){
		"the URL is missing, expected such as http":                               func(o *probe.Options) { o.URL = "" },
		`"localhost:8000/x" is not the URL of an endpoint`:                        func(o *probe.Options) { o.URL = "localhost:8000/x" },
		`"ftp://localhost/x" is not the URL`:                                      func(o *probe.Options) { o.URL = "ftp://localhost/x" },
		"has more than a path":                                                    func(o *probe.Options) { o.URL += "?q=1" },
		"the scope is missing, expected such as new_feature_scope":                func(o *probe.Options) { o.Scope = "" },
		`"not a scope" cannot be a scope`:                                         func(o *probe.Options) { o.Scope = "not a scope" },
		"the audience is missing":                                                 func(o *probe.Options) { o.Audience = "" },
		`the audience "a" is too short`:                                           func(o *probe.Options) { o.Audience = "a" },
		`unknown profile "strickt" (did you mean "strict"?)`:                      func(o *probe.Options) { o.Profile = "strickt" },
		`unknown method "PSOT" (did you mean "POST"?)`:                            func(o *probe.Options) { o.Method = "PSOT" },
		"the leeway -1s is not one":                                               func(o *probe.Options) { o.Leeway = -time.Second },
		"the leeway 1.5s is not one, expected whole seconds":                      func(o *probe.Options) { o.Leeway = 1500 * time.Millisecond },
		"the body has ${ in it":                                                   func(o *probe.Options) { o.Body = "${now}" },
		"the header X-A has ${ in it":                                             func(o *probe.Options) { o.Headers = map[string]string{"X-A": "${now}"} },
		"the header X-Gitlab-Realm is what the cases are about; it cannot be set": func(o *probe.Options) { o.Headers = map[string]string{"x-gitlab-realm": "saas"} },
		`no case matches "^nothing$"`:                                             only("^nothing$"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			o := right
			change(&o)
			_, err := probe.Start(t.Context(), o)
			require.ErrorIs(t, err, probe.ErrOptions)
			require.ErrorContains(t, err, want)
		})
	}
}

// TestCallsAreAsTheOptionsSay: method, body and headers go out with every call, headers in
// place of GitLab's.
func TestCallsAreAsTheOptionsSay(t *testing.T) {
	t.Parallel()
	s := &probetest.Service{}
	p := start(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && (r.ContentLength != 4 || len(r.Header["Content-Type"]) != 1 || r.Header.Get("Content-Type") != "text/csv" || r.Header.Get("X-Mine") != "yes") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		s.ServeHTTP(w, r)
	})), func(o *probe.Options) {
		only("^alg-none")(o)
		o.Method, o.Body = http.MethodPut, "a,b\n"
		o.Headers = map[string]string{"content-type": "text/csv", "X-Mine": "yes"}
	})
	s.Trust(issuers(p))
	r := run(t, p)
	require.True(t, r.OK, r.Findings)
}

func TestWhatKeepsAGoodCallOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		what   string
		why    string
	}{
		"elsewhere": {http.NotFound, "a good call was refused with 404", "--url and --method say what is called. It answered \"404 page not found\"."},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/there/", http.StatusTemporaryRedirect)
		}, "a good call was redirected with 307", "it redirects to /there/"},
		"body":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) }, "a good call was refused with 422", "--body and --header"},
		"crash":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "crashed with 500", "The service's log"},
		"limited": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "limited with 429", "It limits the rate"},
		"gone":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "crashed with 502", "The service's log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet { // which is the probe's question whether anybody is there
					test.answer(w, r)
				}
			})), nil)
			r := run(t, p)
			require.Equal(t, []string{"good"}, r.Failed())
			require.Equal(t, test.what, r.Findings[0].What)
			require.Contains(t, r.Findings[0].Why, test.why)
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	p := start(t, "http://127.0.0.1:1", func(o *probe.Options) { o.Profile = feature.AIGateway })
	env := p.Environment()
	gitlab, customersDot := issuers(p)
	require.Equal(t, []string{
		"GITLAB_URL=" + gitlab, "CUSTOMERSDOT_URL=" + customersDot, "AUDIENCE=gitlab-foo",
		"AIGW_GITLAB_URL=" + gitlab, "AIGW_CUSTOMER_PORTAL_URL=" + customersDot,
	}, env)
}

func TestServiceThatIsNotThere(t *testing.T) {
	t.Parallel()
	const nobody = "http://127.0.0.1:1"
	p := start(t, nobody, nil)
	err := p.Wait(t.Context(), 300*time.Millisecond)
	require.ErrorContains(t, err, nobody+"/new_feature_endpoint did not answer within 300ms: ")
	require.ErrorContains(t, err, "refused")

	starting := start(t, serve(t, &probetest.Service{}), nil)
	err = starting.Wait(t.Context(), 100*time.Millisecond)
	require.ErrorContains(t, err, "it answers 503", "a proxy whose service is yet to come")
}
