package railsstub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

func TestLicenceChecksBeforeASync(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/licence-checks", "rails/sync/trial")
	const synced = "service_access_tokens: created"
	expired := func(days int) func(*catalog.License) {
		return func(l *catalog.License) {
			l.StartsAt, l.ExpiresAt = start.AddDate(-1, 0, 0), start.AddDate(0, 0, -days)
		}
	}
	for _, c := range []struct {
		name, version string
		change        func(*catalog.License)
		want          string
	}{
		{"good", "16.9.0", func(*catalog.License) {}, synced},
		{"in grace for 10 days", "16.9.0", expired(10), synced},
		{"in grace for 14 days", "16.9.0", expired(14), synced},
		{"past grace after 15 days", "16.9.0", expired(15), "License grace period has been expired"},
		{"offline", "16.9.0", func(l *catalog.License) { l.Kind = catalog.OfflineCloud }, "License is not an online cloud license"},
		{"legacy", "16.9.0", func(l *catalog.License) { l.Kind = catalog.Legacy }, "License is not an online cloud license"},
		{"no expiry", "16.9.0", func(l *catalog.License) { l.NoExpiry = true }, "License has no expiration date"},
		{"trial", "17.11.0", func(l *catalog.License) { l.Trial = true }, "License can't be on trial"},
		{"trial from 18.0 on", "18.0.0", func(l *catalog.License) { l.Trial = true }, synced},
		{
			"everything at once", "17.2.0",
			func(l *catalog.License) {
				expired(30)(l)
				l.Kind, l.Trial = catalog.Legacy, true
			},
			"License is not an online cloud license, License grace period has been expired, License can't be on trial",
		},
		{"none", "18.9.0", nil, "License not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := given(c.version)
			if c.change == nil {
				w.Instances[0].License = nil
			} else {
				c.change(w.Instances[0].License)
			}
			r := newRig(t, w)
			r.portal.answers(reply(http.StatusOK, access(t, portalToken(t, w.Now, "x"), "2024-03-07T09:00:00Z")))
			got := r.sync(true)
			require.Equal(t, c.want, got.Message)
			entry := r.lastEntry()
			require.Equal(t, "job:sync_service_token", entry.Route)
			if c.want == synced {
				require.Equal(t, control.Succeeded, got.Outcome)
				require.Equal(t, "x", got.Token.ID)
				require.Equal(t, r.portal.URL+"/graphql", entry.Upstream)
				require.Equal(t, entry.RequestID, r.portal.last(t).header.Get("X-Request-Id"))
				return
			}
			require.Equal(t, control.Failed, got.Outcome)
			require.Nil(t, got.Token)
			require.Equal(t, string(railsstub.SyncNotPossible), entry.Reason)
			require.Equal(t, "failed: "+c.want, entry.Detail)
			require.Empty(t, r.portal.requests(), "CustomersDot must not be asked")
			_, retried := r.retry()
			require.False(t, retried, "what is only logged is not tried again")
		})
	}
}

func TestGitLabComDoesNotSync(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.11.0"))
	got, err := do[control.SyncResult](r, control.ActionSync, control.SyncRequest{Instance: "gitlab", Force: true})
	require.NoError(t, err)
	require.Equal(t, control.SyncResult{Outcome: control.Failed, Message: "License is not an online cloud license"}, got)
	got, err = do[control.SyncResult](r, control.ActionSeatLink, control.InstanceRequest{Instance: "gitlab"})
	require.NoError(t, err)
	require.Equal(t, control.Skipped, got.Outcome)
	_, err = do[control.SyncResult](r, control.ActionActivate, control.ActivateRequest{Instance: "gitlab"})
	require.EqualError(t, err, "GitLab.com is not activated")
	require.Empty(t, r.portal.requests())
}

// retry returns when a job is to be tried again, if one is. Cron jobs fall due at a whole
// minute of another hour, so nothing else lies within one minute of the start.
func (r *rig) retry() (time.Duration, bool) {
	next, ok := r.jobs.Next()
	wait := next.Sub(r.clock.Now())
	return wait, ok && wait < time.Minute
}

// TestAnswersOfCustomersDot starts with two stored tokens, of which one is still good.
func TestAnswersOfCustomersDot(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t,
		"rails/sync/null-token", "rails/sync/errors-keep", "rails/sync/http-errors-raise", "rails/sync/expires-at",
	)
	const (
		both    = "old, good"
		created = "service_access_tokens: created"
		wiped   = "service_access_tokens: cleanup_all"
	)
	raw := portalToken(t, start, "new")
	serviceToken := func(token, expiresAt string) string {
		return fmt.Sprintf(`{"data":{"cloudConnectorAccess":{"serviceToken":{"token":%s,"expiresAt":%s},"availableServices":[],"catalog":{}}}}`, token, expiresAt)
	}
	quoted := `"` + raw + `"`
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc // nil: connection refused
		tokens  string           // ids of the stored ones
		message string
		reason  token.Reason
		raises  bool
	}{
		{"token, expiry as text", reply(200, serviceToken(quoted, `"2024-03-10T00:00:00Z"`)), "good, new", created, "", false},
		{"token, expiry with an offset", reply(200, serviceToken(quoted, `"2024-03-10T00:00:00+02:00"`)), "good, new", created, "", false},
		{"token, expiry as number", reply(200, serviceToken(quoted, `1710028800`)), "good, new", created, "", false},
		{"token that is no token", reply(200, serviceToken(`"junk"`, `1710028800`)), "good, ", created, "", false},
		{"token null", reply(200, serviceToken(`null`, `null`)), "", wiped, "", false},
		{"token empty", reply(200, serviceToken(`""`, `1710028800`)), "", wiped, "", false},
		{"expiry null", reply(200, serviceToken(quoted, `null`)), "", wiped, "", false},
		{"service token null", reply(200, `{"data":{"cloudConnectorAccess":{"serviceToken":null}}}`), "", wiped, "", false},
		{"access null", reply(200, `{"data":{"cloudConnectorAccess":null}}`), "", wiped, "", false},
		{"data null", reply(200, `{"data":null}`), "", wiped, "", false},
		{"errors empty", reply(200, `{"errors":[],"data":null}`), "", wiped, "", false},
		{"expiry no date", reply(200, serviceToken(quoted, `"tomorrow"`)), both, `invalid xmlschema date: "tomorrow"`, railsstub.StorageFailed, false},
		{"expiry zero", reply(200, serviceToken(quoted, `0`)), both, "Validation failed: Expires at can't be blank", railsstub.StorageFailed, false},
		{"expiry true", reply(200, serviceToken(quoted, `true`)), both, "Validation failed: Expires at can't be blank", railsstub.StorageFailed, false},
		{"expiry far away", reply(200, serviceToken(quoted, `1e300`)), both, "Validation failed: Expires at can't be blank", railsstub.StorageFailed, false},
		{"token a number", reply(200, serviceToken(`7`, `1710028800`)), both, "token: expected a string, got float64", railsstub.StorageFailed, false},
		{
			"GraphQL error", reply(200, `{"errors":[{"message":"Invalid cloud license","path":["cloudConnectorAccess"],"extensions":null}],"data":{"cloudConnectorAccess":null}}`),
			both, `{"message"=>"Invalid cloud license", "path"=>["cloudConnectorAccess"], "extensions"=>nil}`, railsstub.CustomersDotRefused, false,
		},
		{"GraphQL errors as texts", reply(200, `{"errors":["a: b, \"null\"","c"]}`), both, `a: b, "null", c`, railsstub.CustomersDotRefused, false},
		{"422 with errors", reply(422, `{"errors":["no"]}`), both, "no", railsstub.CustomersDotRefused, false},
		{"422 without", reply(422, `{}`), both, "HTTP status code: 422, without errors", railsstub.CustomersDotFailed, true},
		{"errors no list", reply(200, `{"errors":{"base":null}}`), both, "undefined method `join' for {\"base\"=>nil}", railsstub.CustomersDotFailed, true},
		{"500", reply(500, `{}`), both, "HTTP status code: 500 (the job raises, as it expects a list of errors)", railsstub.CustomersDotFailed, true},
		{"402", reply(402, `{}`), both, "HTTP status code: 402 (the job raises, as it expects a list of errors)", railsstub.CustomersDotFailed, true},
		{"bad JSON", reply(200, `{"data":`), both, "the answer of CustomersDot cannot be read: unexpected end of JSON input", railsstub.CustomersDotFailed, true},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<p>maintenance</p>"))
		}, both, "CustomersDot answered something other than JSON", railsstub.CustomersDotFailed, true},
		{"broken off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, both, "Our team has been notified. Please try again.", railsstub.CustomersDotFailed, true},
		{"nobody there", nil, both, "Our team has been notified. Please try again.", railsstub.CustomersDotFailed, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, given("16.9.2"))
			r.hold("old", time.Second)
			r.hold("good", time.Hour)
			require.Len(t, r.stored().Tokens, 2)
			r.clock.Advance(2 * time.Second)
			if c.answer == nil {
				r.portal.close()
			} else {
				r.portal.answers(c.answer)
			}
			got := r.sync(true)
			require.Contains(t, got.Message, c.message)
			require.Equal(t, string(c.reason), r.lastEntry().Reason)
			require.Equal(t, c.reason == "", got.Outcome == control.Succeeded)
			if want := c.tokens; want == both {
				require.Equal(t, []string{"old", "good"}, r.ids(), "nothing changes")
			} else {
				require.Equal(t, want, strings.Join(r.ids(), ", "))
			}
			wait, retried := r.retry()
			require.Equal(t, c.raises, retried, "only a job that raises is tried again")
			if retried {
				require.Equal(t, 15*time.Second, wait)
				require.Contains(t, got.Message, "(try 1 of 3 is due at 2024-03-04T09:00:17Z)")
			}
		})
	}
}

func (r *rig) ids() []string {
	ids := []string{}
	for _, t := range r.stored().Tokens {
		ids = append(ids, t.Token.ID)
	}
	return ids
}

// hold makes acme sync a token of that id.
func (r *rig) hold(id string, lasts time.Duration) control.SyncResult {
	r.t.Helper()
	now := r.clock.Now()
	r.portal.answers(reply(200, access(r.t, portalToken(r.t, now, id), now.Add(lasts).Unix())))
	return r.sync(true)
}

// TestTheLastActiveTokenWins: older tokens stay until they expire.
func TestTheLastActiveTokenWins(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/last-active-wins")
	r := newRig(t, given("16.9.2"))
	r.hold("a", 3*time.Hour)
	require.Equal(t, "b", r.hold("b", time.Hour).Token.ID)
	r.clock.Advance(2 * time.Hour)
	require.Equal(t, 200, r.use("ada").status)
	require.Equal(t, "a", r.lastEntry().Token.ID, "the later one has expired")
	require.Equal(t, []string{"a", "b"}, r.ids(), "expired rows go with the next sync")
}

func TestCatalogOf189(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/catalog-blank")
	const without = `{"data":{"cloudConnectorAccess":{"serviceToken":{"token":"junk","expiresAt":1710028800},"catalog":null}}}`
	w := given("18.9.0")
	w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro"}}
	w.Users[0].Seats = []string{"duo_pro"}
	r := newRig(t, w)
	r.portal.answers(reply(200, without))
	got := r.sync(true)
	require.Equal(t, control.Failed, got.Outcome)
	require.Equal(t, "Catalog can't be blank", got.Message)
	require.NotNil(t, got.Token, "the token is stored all the same")

	r.synced()
	require.Equal(t, 200, r.use("ada").status)
	r.portal.answers(reply(200, without))
	require.Equal(t, control.Succeeded, r.sync(true).Outcome)
	require.Equal(t, 200, r.use("ada").status, "the old catalog stays")

	r.portal.answers(reply(200, `{"data":{"cloudConnectorAccess":{"serviceToken":{"token":"junk","expiresAt":1710028800},"catalog":{"unit_primitives":[{"name":"new_feature_scope","cut_off_date":"soon"}]}}}}`))
	require.Equal(t, control.Succeeded, r.sync(true).Outcome)
	require.Equal(t, 401, r.use("ada").status, "an entry that cannot be understood is not there")
	require.Equal(t, string(railsstub.FeatureUnknown), r.lastEntry().Reason)
}

// TestDeploymentTypes: only a header tells a Dedicated instance apart.
func TestDeploymentTypes(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/headers/realm-dedicated")
	w := given("18.9.0")
	w.Instances[0].Dedicated = true
	w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro"}}
	w.Users[0].Seats = []string{"duo_pro"}
	r := newRig(t, w)
	r.synced()
	require.Equal(t, 200, r.use("ada").status)
	h := r.gateway.last(t).header
	require.Equal(t, "dedicated", h.Get("X-Gitlab-Deployment-Type"))
	require.Equal(t, string(world.SelfManaged), h.Get("X-Gitlab-Realm"))
}
