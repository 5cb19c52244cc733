package railsstub_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

const (
	completions       = "/api/v4/code_suggestions/completions"
	enabled           = "/api/v4/code_suggestions/enabled"
	connectionDetails = "/api/v4/code_suggestions/connection_details"
	suggest           = `{"current_file":{"file_name":"a.rb","content_above_cursor":"def x"}}`
)

// TestOrderOfChecks: each endpoint of Code Suggestions looks at the caller first, then at
// the feature flag, then at the right, and only then at what was sent.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/suggestions/order", "rails/suggestions/flag", "rails/errors/unauthenticated")
	const (
		unauthorized = `{"message":"401 Unauthorized"}`
		missing      = `{"message":"404 Not Found"}`
	)
	for _, path := range []string{completions, directAccess, enabled, connectionDetails} {
		t.Run(path[strings.LastIndex(path, "/")+1:], func(t *testing.T) {
			t.Parallel()
			check := func(r *rig, user string, status int, body, origin string, reason token.Reason) {
				t.Helper()
				got := r.post(user, path, `{"project_path":1}`)
				require.Equal(t, status, got.status, got.body)
				if body != "" {
					require.JSONEq(t, body, got.body)
				}
				require.Equal(t, origin, got.header.Get("X-Gitlab-Error-Origin"))
				r.refused(reason)
			}
			off := withSeatsIn(t, "18.9.0", func(w *world.World) {
				acme(w).FlagsGiven = map[string]bool{"ai_duo_code_suggestions_switch": false}
				user(w, "ada").Seats = nil
			})
			check(off, "", 401, unauthorized, "", railsstub.UserUnauthenticated)
			check(off, "ada", 404, missing, "monolith", railsstub.FlagOff)
			on := withSeatsIn(t, "18.9.0", func(w *world.World) { user(w, "ada").Seats = nil })
			check(on, "ada", 401, unauthorized, "monolith", railsstub.SeatMissing)
		})
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/limits/body", "rails/limits/completions", "rails/limits/direct-access", "rails/limits/connection-details")
	const body = `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`
	for _, c := range []struct {
		name, version, path string
		requests            int
		interval            time.Duration
		retry, origin       string
	}{
		{"completions", "16.9.2", completions, 60, time.Minute, "60", "monolith"},
		{"completions, 18.9", "18.9.0", completions, 60, time.Minute, "60", "monolith"},
		{"direct access, 17.0", "17.0.0", directAccess, 10, 5 * time.Minute, "300", ""},
		{"direct access, 18.9", "18.9.0", directAccess, 50, time.Minute, "60", ""},
		{"connection details", "18.3.0", connectionDetails, 10, time.Minute, "60", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := withSeatsIn(t, c.version, func(w *world.World) {
				w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme", Seats: []string{"duo_pro"}})
			})
			r.gateway.answers(reply(200, `{"token":"ujwt","expires_at":1}`))
			for range c.requests {
				require.Less(t, r.post("ada", c.path, suggest).status, 300)
			}
			got := r.post("ada", c.path, suggest)
			require.Equal(t, 429, got.status)
			require.JSONEq(t, body, got.body)
			require.Equal(t, c.retry, got.header.Get("Retry-After"))
			require.Equal(t, c.origin, got.header.Get("X-Gitlab-Error-Origin"))
			r.refused(railsstub.RateLimited)
			require.Less(t, r.post("bob", c.path, suggest).status, 300, "each user has requests of their own")
			r.clock.Advance(c.interval)
			require.Less(t, r.post("ada", c.path, suggest).status, 300)
		})
	}
	limited := func(n int) *rig {
		return withSeatsIn(t, "18.9.0", func(w *world.World) { acme(w).Settings.CodeSuggestionsRateLimit = &n })
	}
	two, none := limited(2), limited(0)
	require.Equal(t, 400, two.post("ada", completions, `{}`).status, "what is not in order does not count")
	for n, want := range []int{200, 200, 429} {
		require.Equal(t, want, two.post("ada", completions, suggest).status, n)
	}
	for range 70 {
		require.Equal(t, 200, none.post("ada", completions, suggest).status)
	}
}

func TestDefaultGroup(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/suggestions/default-group")
	without := func(version string) *rig {
		r := withSeatsIn(t, version, func(w *world.World) { user(w, "com").NoDuoGroup, user(w, "ada").NoDuoGroup = true, true })
		r.gateway.answers(reply(200, `{"token":"ujwt","expires_at":1}`))
		return r
	}
	r := without("18.4.0")
	got := r.post("com", completions, suggest)
	require.Equal(t, 422, got.status)
	r.refused(railsstub.DefaultGroupMissing)
	require.Empty(t, r.gateway.requests())
	goldentest.Text(t, "golden/client/default_group.txt", showAnswer(got))
	require.Equal(t, got.body, r.post("com", directAccess, ``).body)
	require.Len(t, r.gateway.requests(), 1, "direct access asks for its token first")
	require.Equal(t, 200, r.post("ada", completions, suggest).status, "only GitLab.com has groups to choose from")
	require.Equal(t, 200, without("18.3.0").post("com", completions, suggest).status)
}

func TestEnabled(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/enabled/answers")
	r := withSeatsIn(t, "17.6.0", func(w *world.World) {
		w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme", Seats: []string{"duo_pro"}})
		acme(w).Projects = map[string]world.Project{
			"acme/app": {}, "acme/quiet": {DuoDisabled: true}, "acme/secret": {Members: []string{"bob"}},
		}
	})
	var out strings.Builder
	for _, c := range []struct {
		body   string
		status int
		reason token.Reason
	}{
		{`{"project_path":"acme/app"}`, 200, ""},
		{`{"project_path":"Acme/App"}`, 200, ""},
		{`{"project_path":"acme/quiet"}`, 403, railsstub.DuoDisabled},
		{`{"project_path":"acme/secret"}`, 404, railsstub.ProjectUnknown},
		{`{"project_path":"acme/none"}`, 404, railsstub.ProjectUnknown},
		{`{"project_path":""}`, 404, railsstub.ProjectUnknown},
		{`{}`, 400, railsstub.InvalidRequest},
		{`{"project_path":[]}`, 400, railsstub.InvalidRequest},
		{`{`, 400, railsstub.InvalidRequest},
	} {
		got := r.post("ada", enabled, c.body)
		require.Equal(t, c.status, got.status, c.body)
		r.refused(c.reason)
		out.WriteString(c.body + "\n" + showAnswer(got))
	}
	goldentest.Text(t, "golden/client/enabled.txt", out.String())
	require.Equal(t, 200, r.post("bob", enabled, `{"project_path":"acme/secret"}`).status)
	form := r.request("POST", "acme", enabled, "project_path=acme%2Fapp", "Private-Token", "glpat-ada", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 200, form.status)
	require.Equal(t, 200, r.request("POST", "acme", enabled+"?project_path=acme/app", "", "Private-Token", "glpat-ada").status)
	require.Equal(t, 400, r.request("POST", "acme", enabled, "%zz", "Private-Token", "glpat-ada", "Content-Type", "application/x-www-form-urlencoded").status)
}

func TestConnectionDetails(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/connection-details/answer")
	r := withSeatsIn(t, "18.9.0", nil)
	goldentest.Text(t, "golden/client/connection_details.txt",
		"self-managed\n"+showAnswer(r.post("ada", connectionDetails, ``))+"saas\n"+showAnswer(r.post("com", connectionDetails, ``)))
	require.Empty(t, r.gateway.requests())

	old := withSeatsIn(t, "18.2.0", nil)
	got := old.post("ada", connectionDetails, ``)
	require.Equal(t, 404, got.status)
	require.JSONEq(t, `{"error":"404 Not Found"}`, got.body)
	old.refused(railsstub.EndpointUnknown)
}

func TestDirectAccessForbidden(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/direct-access/disabled")
	r := withSeatsIn(t, "17.2.0", func(w *world.World) { acme(w).Settings.DisabledDirectCodeSuggestions = true })
	got := r.post("ada", directAccess, ``)
	require.Equal(t, 403, got.status)
	require.JSONEq(t, `{"message":"403 Forbidden - Direct connections are disabled"}`, got.body)
	r.refused(railsstub.DirectAccessDisabled)
	require.Empty(t, r.gateway.requests())
	for range 20 {
		require.Equal(t, 403, r.post("ada", directAccess, ``).status, "what is forbidden is not counted")
	}
}

// TestOtherChoices: where it is inferred what GitLab does, a setting makes it do otherwise.
func TestOtherChoices(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/choices/missing-user-token", "rails/choices/add-on-names", "rails/choices/sync-failures")
	for _, other := range []bool{false, true} {
		r := withSeatsIn(t, "18.9.0", func(w *world.World) {
			for n := range w.Instances {
				w.Instances[n].Settings = world.GitLabSettings{MissingUserToken503: other, RawAddOnNames: other, SyncFailuresLogged: other}
			}
		})
		r.gateway.answers(reply(201, `{}`))
		require.Equal(t, map[bool]int{false: 201, true: 503}[other], r.post("ada", directAccess, ``).status)

		r.gateway.answers(reply(200, `{}`))
		require.Equal(t, 200, r.post("com", completions, suggest).status)
		d, err := token.Decode(bearer(r.gateway.last(t)))
		require.NoError(t, err)
		if other {
			require.NotContains(t, d.Claims["scopes"], "complete_code")
		} else {
			require.Contains(t, d.Claims["scopes"], "complete_code")
		}

		r.portal.answers(reply(500, `{}`))
		require.Equal(t, !other, strings.Contains(r.sync(true).Message, "is due at"))
	}
}
