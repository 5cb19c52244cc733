package railsstub_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

const completionRequest = `{"current_file":{"file_name":"a.go","content_above_cursor":"x"}}`

// complete has ada ask for a code completion.
func (r *rig) complete(user string) answered {
	r.t.Helper()
	return r.request(http.MethodPost, "acme", "/api/v4/code_suggestions/completions", completionRequest, "Private-Token", "glpat-"+user)
}

// paid is a world at 17.4 in which acme has bought Duo Pro and ada and bob have a seat.
func paid(version string) world.World {
	w := given(version)
	w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
	w.Users[0].Seats = []string{"duo_pro"}
	w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme", ID: 9, Seats: []string{"duo_pro"}})
	return w
}

// refusedFor waits for the newest entry of the journal to say why: the stub adds it when
// its answer is out already.
func (r *rig) refusedFor(reason string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.lastEntry().Reason == reason }, 5*time.Second, time.Millisecond)
}

func TestSilentMode(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/silent-mode/methods", "rails/silent-mode/answer")
	r := newRig(t, paid("17.4.0"))
	r.synced()
	require.Equal(t, http.StatusOK, r.use("ada").status)
	r.must(control.ActionSettings, control.SettingsRequest{Instance: "acme", SilentMode: ptr(true)})
	r.gateway.forget()

	got := r.use("ada")
	require.Equal(t, http.StatusInternalServerError, got.status)
	require.JSONEq(t, `{"message":"500 Internal Server Error"}`, got.body)
	r.refusedFor("silent_mode")
	require.Empty(t, r.gateway.requests(), "a POST of Rails' own does not leave")
	job := r.sync(true)
	require.Equal(t, control.Failed, job.Outcome)
	require.Contains(t, job.Message, "only get, head, options, and trace methods are allowed in silent mode")
	require.Empty(t, r.portal.requests())
	require.Equal(t, http.StatusOK, r.complete("ada").status, "Workhorse sends it")

	r.must(control.ActionSettings, control.SettingsRequest{Instance: "acme", SilentMode: ptr(false)})
	require.Equal(t, http.StatusOK, r.use("ada").status)
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.synced()
	r.must(control.ActionNetwork, control.NetworkRequest{Instance: "acme", Unreachable: ptr([]string{"gateway"})})
	require.Equal(t, http.StatusInternalServerError, r.use("ada").status)
	r.refusedFor("gateway_unreachable")
	require.Empty(t, r.gateway.requests())
	require.Equal(t, control.Succeeded, r.sync(true).Outcome, "CustomersDot is not behind it")

	r.must(control.ActionNetwork, control.NetworkRequest{Instance: "acme", Unreachable: ptr([]string{"customersdot"})})
	require.Equal(t, http.StatusOK, r.use("ada").status)
	job := r.sync(true)
	require.Equal(t, control.Failed, job.Outcome)
	require.Contains(t, job.Message, "Failed to open TCP connection")
}

// TestDNSTimeout: each request that Rails makes takes as long as the resolver, by the
// ecosystem's clock, unless Rails does not look hosts up.
func TestDNSTimeout(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/dns-rebinding/waits")
	r := newRig(t, paid("17.4.0"))
	r.synced()
	took := func(do func()) time.Duration {
		before := r.clock.Now()
		do()
		return r.clock.Now().Sub(before)
	}
	use := func() { require.Equal(t, http.StatusOK, r.use("ada").status) }
	require.Zero(t, took(use))
	r.must(control.ActionNetwork, control.NetworkRequest{Instance: "acme", DNSTimeout: ptr(10 * time.Second)})
	require.Equal(t, 10*time.Second, took(use))
	require.Equal(t, 10*time.Second, took(func() { r.sync(true) }))
	require.Zero(t, took(func() { require.Equal(t, http.StatusOK, r.complete("ada").status) }), "Workhorse sends it")
	r.must(control.ActionSettings, control.SettingsRequest{Instance: "acme", DNSRebindingProtection: ptr(false)})
	require.Zero(t, took(use))
}

// TestBuffering: a proxy in front of the instance holds answers back, but for those that
// say X-Accel-Buffering: no.
func TestBuffering(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/buffering/x-accel")
	r := newRig(t, given("16.9.0"))
	r.synced()
	streams := func(accel string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if accel != "" {
				w.Header().Set("X-Accel-Buffering", accel)
			}
			for range 2 {
				_, _ = io.WriteString(w, "piece ")
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
	for _, c := range []struct {
		name, accel string
		buffering   bool
		length      string // "" for a stream
		passed      string // X-Accel-Buffering of the answer
	}{
		{"no proxy", "no", false, "", "no"},
		{"held back", "", true, "12", ""},
		{"passed on", "no", true, "", ""},
		{"other word", "yes", true, "12", ""},
	} {
		r.gateway.answers(streams(c.accel))
		r.must(control.ActionNetwork, control.NetworkRequest{Instance: "acme", Buffering: &c.buffering})
		got := r.use("ada")
		require.Equal(t, "piece piece ", got.body, c.name)
		require.Equal(t, c.length, got.header.Get("Content-Length"), c.name)
		require.Equal(t, c.passed, got.header.Get("X-Accel-Buffering"), c.name)
	}
	r.gateway.answers(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "piece ")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/v4/new_feature_scope", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Private-Token", "glpat-ada")
	_, err = r.client.Do(req) //nolint:bodyclose // there is no response
	require.Error(t, err, "nothing is out yet when it breaks off")
}

func TestRestore(t *testing.T) {
	t.Parallel()
	w := given("16.9.0")
	w.Instances = append(w.Instances, world.Instance{Name: "copy", Realm: world.SelfManaged, GitLabVersion: "16.9.0"})
	w.Users = append(w.Users, world.User{Name: "eve", Instance: "copy", ID: 10})
	r := newRig(t, w)
	r.synced()
	acme, copied := r.sent("ada", "acme"), r.sent("eve", "copy")
	require.NotEqual(t, acme.Get("X-Gitlab-Instance-Id"), copied.Get("X-Gitlab-Instance-Id"))
	require.Empty(t, copied.Get("Authorization"))

	r.must(control.ActionRestore, control.RestoreRequest{Instance: "copy", From: "acme", OwnUUID: true})
	own := r.sent("eve", "copy")
	require.Equal(t, acme.Get("Authorization"), own.Get("Authorization"), "the stored token came along")
	require.NotEqual(t, acme.Get("X-Gitlab-Instance-Id"), own.Get("X-Gitlab-Instance-Id"))

	r.must(control.ActionRestore, control.RestoreRequest{Instance: "copy", From: "acme"})
	require.Equal(t, acme.Get("X-Gitlab-Instance-Id"), r.sent("eve", "copy").Get("X-Gitlab-Instance-Id"))
	r.must(control.ActionUpgrade, control.UpgradeRequest{Instance: "copy", GitLabVersion: "16.11.0"})
	require.Equal(t, acme.Get("X-Gitlab-Instance-Id"), r.sent("eve", "copy").Get("X-Gitlab-Instance-Id"), "an upgrade keeps it")
}

// sent are the headers of a user's call as the gateway gets it, empty if it does not.
func (r *rig) sent(user, instance string) http.Header {
	r.t.Helper()
	r.gateway.forget()
	r.request(http.MethodPost, instance, "/api/v4/new_feature_scope", `{}`, "Private-Token", "glpat-"+user)
	if seen := r.gateway.requests(); len(seen) > 0 {
		return seen[0].header
	}
	return http.Header{"X-Gitlab-Instance-Id": {"nothing was sent"}}
}

// TestLostArguments: a manual sync forces a new token for the new licence. Where the job
// loses its arguments, it does neither.
func TestLostArguments(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/arguments")
	r := newRig(t, given("17.11.0"))
	r.synced()
	manual := func() control.SyncResult {
		now := r.clock.Now()
		r.portal.answers(reply(http.StatusOK, access(t, portalToken(t, now, "next"), now.Add(72*time.Hour).Unix())))
		got, err := do[control.SyncResult](r, control.ActionSeatLink, control.InstanceRequest{Instance: "acme"})
		require.NoError(t, err)
		return got
	}
	r.must(control.ActionJobs, control.JobsRequest{Instance: "acme", LostArguments: ptr(true)})
	require.Contains(t, manual().Message, "skipping token refresh")
	require.Equal(t, control.Skipped, r.sync(true).Outcome)
	require.Equal(t, "first", r.stored().Tokens[0].Token.ID)
	r.must(control.ActionJobs, control.JobsRequest{Instance: "acme", LostArguments: ptr(false)})
	require.Contains(t, manual().Message, "service_access_tokens: created")
	require.Equal(t, "next", manual().Token.ID)
}

// TestLicenseByID: from 17.11 on a sync after a seat link uses the licence that the link
// brought, whatever the process has in its cache; before, what is in the cache.
func TestLicenseByID(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/license-by-id")
	for version, want := range map[string]bool{"17.10.0": false, "17.11.0": true} {
		w := given(version)
		r := newRig(t, w)
		r.synced()
		require.Empty(t, w.Complete())
		acme, _ := w.Instance("acme")
		second := world.NewLicenseFile(2, "acme", *acme.License, []catalog.Purchase{{AddOn: "duo_pro", Seats: 8}}).Key()
		r.must(control.ActionJobs, control.JobsRequest{Instance: "acme", StaleLicense: ptr(true)})
		now := r.clock.Now()
		link := reply(http.StatusOK, `{"license":"`+jsonText(t, second)+`"}`)
		sync := reply(http.StatusOK, access(t, portalToken(t, now, "next"), now.Add(72*time.Hour).Unix()))
		r.portal.answers(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/graphql" {
				sync(w, req)
				return
			}
			link(w, req)
		})
		_, err := do[control.SyncResult](r, control.ActionSeatLink, control.InstanceRequest{Instance: "acme"})
		require.NoError(t, err)
		require.Equal(t, want, containsKey(t, r.portal.last(t).body, second), version)
	}
}

func TestSurroundingsThatCannotBe(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	for says, c := range map[string]struct {
		action string
		args   any
	}{
		`does not call "foo"`:  {control.ActionNetwork, control.NetworkRequest{Instance: "acme", Unreachable: ptr([]string{"foo"})}},
		"dns_timeout: 1h0m0s":  {control.ActionNetwork, control.NetworkRequest{Instance: "acme", DNSTimeout: ptr(time.Hour)}},
		"what surrounds":       {control.ActionSettings, control.SettingsRequest{Instance: "gitlab", SilentMode: ptr(true)}},
		`instance "nobody"`:    {control.ActionNetwork, control.NetworkRequest{Instance: "nobody"}},
		"own database":         {control.ActionRestore, control.RestoreRequest{Instance: "acme", From: "acme"}},
		"GitLab.com":           {control.ActionRestore, control.RestoreRequest{Instance: "acme", From: "gitlab"}},
		`instance "elsewhere"`: {control.ActionRestore, control.RestoreRequest{Instance: "acme", From: "elsewhere"}},
	} {
		_, err := do[control.Done](r, c.action, c.args)
		require.ErrorContains(t, err, says)
	}
}

func jsonText(t testing.TB, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	return strings.Trim(string(quoted), `"`)
}

func containsKey(t testing.TB, body, key string) bool {
	t.Helper()
	return strings.Contains(body, jsonText(t, key))
}
