package ecosystem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

var client = &http.Client{Timeout: time.Minute}

var beforeCutOff = time.Date(2024, 2, 14, 23, 0, 0, 0, time.UTC)

func given() world.World {
	return world.World{
		Now: beforeCutOff,
		Instances: []world.Instance{
			{Name: "gitlab", Realm: world.SaaS, GitLabVersion: "16.9.2"},
			{Name: "acme", Realm: world.SelfManaged, GitLabVersion: "16.9.2", License: &catalog.License{}},
			{Name: "dedicated", Realm: world.SelfManaged, Dedicated: true, GitLabVersion: "16.9.2", License: &catalog.License{}},
		},
		Users: []world.User{
			{Name: "ada", Instance: "acme"}, {Name: "dora", Instance: "dedicated"}, {Name: "grace", Instance: "gitlab"},
		},
	}
}

type rig struct {
	*ecosystem.Ecosystem
	*control.Client
}

func start(t testing.TB, change ...func(*ecosystem.Options)) rig {
	t.Helper()
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	o := ecosystem.Options{World: given(), Features: features, Keys: tokentest.Pool(), Seed: 1}
	for _, f := range change {
		f(&o)
	}
	e, err := ecosystem.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	c, err := control.Connect(t.Context(), o.ControlToken, e.ControlURL())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return rig{e, c}
}

func (r rig) url(t testing.TB, service string) string {
	t.Helper()
	s, ok := r.Service(service)
	require.True(t, ok, "no service %q", service)
	return s.URL
}

func (r rig) sync(t testing.TB, instance string) control.SyncResult {
	t.Helper()
	result, err := control.Call[control.SyncResult](t.Context(), r.Client, control.ActionSync,
		control.SyncRequest{Instance: instance, Force: true})
	require.NoError(t, err)
	return result
}

// use calls the tutorial's feature as an end user does.
func use(t testing.TB, client *http.Client, base, pat string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v4/new_feature_scope", bytes.NewReader([]byte(`{}`)))
	require.NoError(t, err)
	req.Header.Set("Private-Token", pat)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	body := map[string]any{}
	require.NoError(t, json.Unmarshal(text, &body), "%s", text)
	return resp.StatusCode, body
}

func TestTheTutorialInThreeDeployments(t *testing.T) {
	r := start(t)
	for instance, pat := range map[string]string{"gitlab": "glpat-grace", "acme": "glpat-ada", "dedicated": "glpat-dora"} {
		t.Run(instance, func(t *testing.T) {
			if instance != "gitlab" {
				require.Equal(t, control.Succeeded, r.sync(t, instance).Outcome)
			}
			status, body := use(t, client, r.url(t, instance), pat)
			require.Equal(t, http.StatusOK, status, body)
			require.Equal(t, "Feature", body["extra"])
			require.InDelta(t, beforeCutOff.Unix(), body["created"], 0)
		})
	}

	require.NoError(t, r.Advance(t.Context(), 2*time.Hour))
	result := r.sync(t, "acme")
	require.NotContains(t, result.Token.Claims["scopes"], "new_feature_scope", "the cut-off passed and nothing was bought")
	require.Contains(t, result.Token.Claims["scopes"], "duo_chat", "another feature's cut-off is still to come")
	status, body := use(t, client, r.url(t, "acme"), "glpat-ada")
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "Unauthorized to access new_feature_scope", body["detail"])
}

func TestPartsInSeparateProcessesMakeOneEcosystem(t *testing.T) {
	// Two ecosystems that hold two parts each, told where the others are, as containers are.
	issuers := start(t, func(o *ecosystem.Options) { o.Parts = []string{ecosystem.CustomersDot} })
	services := start(t, func(o *ecosystem.Options) {
		o.Parts = []string{ecosystem.Rails, ecosystem.Gateway, ecosystem.Backends}
		o.URLs.CustomersDot = issuers.url(t, "customersdot")
	})
	all, err := control.Connect(t.Context(), "", issuers.ControlURL(), services.ControlURL())
	require.NoError(t, err)
	t.Cleanup(all.Close)
	both := rig{services.Ecosystem, all}
	require.Equal(t, control.Succeeded, both.sync(t, "acme").Outcome)
	status, body := use(t, client, both.url(t, "acme"), "glpat-ada")
	require.Equal(t, http.StatusOK, status, body)

	require.NoError(t, all.SetWorld(t.Context(), given()))
	status, _ = use(t, client, both.url(t, "acme"), "glpat-ada")
	require.Equal(t, http.StatusUnauthorized, status, "in the new world, nothing has been synced")
}

func TestARealBackendTakesTheStubsPlace(t *testing.T) {
	asked := make(chan *http.Request, 1)
	mine := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		_, _ = io.WriteString(w, `{"real": true}`)
	}))
	r := start(t, func(o *ecosystem.Options) { o.URLs.Backends = map[string]string{"foo": mine} })
	status, body := use(t, client, r.url(t, "gitlab"), "glpat-grace")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"real": true}, body)
	got := <-asked
	require.Equal(t, "/new_feature_endpoint", got.URL.Path)
	require.Equal(t, "saas", got.Header.Get("X-Gitlab-Realm"))
	_, ok := r.Service("foo")
	require.False(t, ok, "no stub runs beside the real one")
}

func TestAWorldSetLaterIsReachedByHostName(t *testing.T) {
	r := start(t)
	later := given()
	later.Instances = append(later.Instances, world.Instance{Name: "globex", Realm: world.SelfManaged, GitLabVersion: "16.9.2"})
	later.Users = append(later.Users, world.User{Name: "gus", Instance: "globex"})
	require.NoError(t, r.SetWorld(t.Context(), later))

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url(t, "gitlab")+"/.well-known/openid-configuration", nil)
	require.NoError(t, err)
	req.Host = "globex.test"
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var found struct{ Issuer string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&found))
	require.Equal(t, r.url(t, "globex"), found.Issuer)
	require.Contains(t, found.Issuer, "globex.test")
}

func TestOptionsAreRefusedWithEverythingThatIsWrong(t *testing.T) {
	_, err := ecosystem.Start(t.Context(), ecosystem.Options{
		World: given(), Parts: []string{"gatway"}, ListenHost: "0.0.0.0",
		URLs: ecosystem.URLs{CustomersDot: "customers", Backends: map[string]string{"bar": "http://x"}},
	})
	for _, want := range []string{
		`unknown part "gatway"`, `did you mean "gateway"?`, "needs a control token",
		`the URL of CustomersDot is "customers"`, `backend "bar", which no feature names`,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = ecosystem.Start(t.Context(), ecosystem.Options{})
	require.ErrorContains(t, err, "now: missing")
}

func TestAPortInUseStartsNothing(t *testing.T) {
	r := start(t)
	taken := portOf(t, r.ControlURL())
	_, err := ecosystem.Start(t.Context(), ecosystem.Options{
		World: given(), Parts: []string{ecosystem.CustomersDot}, Keys: tokentest.Pool(),
		Ports: &ecosystem.Ports{CustomersDot: taken},
	})
	require.ErrorContains(t, err, "customersdot cannot listen on")
	require.ErrorContains(t, err, "the port is in use")
}

func TestCloseIsPromptAndCutsNobodyOff(t *testing.T) {
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	e, err := ecosystem.Start(t.Context(), ecosystem.Options{
		World: given(), Features: features, Keys: tokentest.Pool(), Clock: clock.NewRunning(beforeCutOff),
	})
	require.NoError(t, err)
	require.NoError(t, e.Close(t.Context()))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.ControlURL()+"/v1/health", nil)
	require.NoError(t, err)
	_, err = client.Do(req) //nolint:bodyclose // there is no response
	require.Error(t, err)
}
