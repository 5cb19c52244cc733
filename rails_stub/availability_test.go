package railsstub_test

import (
	"net/http"
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

// TestMayUse starts from a user without a seat at an instance that synced, after the
// cut-off, and changes one thing per row.
func TestMayUse(t *testing.T) {
	t.Parallel()
	duoPro := []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
	over := []catalog.Purchase{{AddOn: "duo_pro", Seats: 5, ExpiresOn: start.Truncate(24 * time.Hour)}}
	acme := func(w *world.World) *world.Instance { return &w.Instances[0] }
	for _, c := range []struct {
		name, version string
		change        func(w *world.World)
		path          string // of new_feature_scope if empty
		acme, com     token.Reason
	}{
		{"the caller decides", "17.0.0", nil, "", "", ""},
		{"cut-off passed, nothing bought", "17.1.0", nil, "", railsstub.AddOnMissing, railsstub.AddOnMissing},
		{"before the cut-off", "17.1.0", func(w *world.World) { w.Now = time.Date(2024, 2, 14, 23, 59, 59, 0, time.UTC) }, "", "", ""},
		{"bought, no seat", "17.2.0", func(w *world.World) { buy(w, duoPro) }, "", railsstub.SeatMissing, railsstub.SeatMissing},
		{"bought, seat", "17.2.0", func(w *world.World) { buy(w, duoPro); seat(w, "duo_pro") }, "", "", ""},
		{"seat by its first name", "17.2.0", func(w *world.World) { buy(w, duoPro); seat(w, "code_suggestions") }, "", "", ""},
		{"seat, add-on over today", "17.2.0", func(w *world.World) { buy(w, over); seat(w, "duo_pro") }, "", railsstub.AddOnMissing, railsstub.AddOnMissing},
		{"denied all the same", "17.2.0", func(w *world.World) {
			buy(w, duoPro)
			seat(w, "duo_pro")
			for n := range w.Users {
				w.Users[n].Denied = []string{"new_feature_scope"}
			}
		}, "", railsstub.UserNotAllowed, railsstub.UserNotAllowed},
		{"offline licence", "17.2.0", func(w *world.World) { acme(w).License.Kind = catalog.OfflineCloud }, "", railsstub.LicenseInsufficient, railsstub.AddOnMissing},
		{"no licence", "17.2.0", func(w *world.World) { acme(w).License = nil }, "", railsstub.LicenseInsufficient, railsstub.AddOnMissing},

		{"18.3, cut-off passed", "18.3.0", nil, "", railsstub.AddOnMissing, railsstub.AddOnMissing},
		{"18.3, bought, no seat", "18.3.0", func(w *world.World) { buy(w, duoPro) }, "", railsstub.SeatMissing, railsstub.SeatMissing},
		{"18.3, seat", "18.3.0", func(w *world.World) { buy(w, duoPro); seat(w, "duo_pro") }, "", "", ""},
		{"18.3, no licence", "18.3.0", func(w *world.World) { acme(w).License = nil }, "", railsstub.AddOnMissing, railsstub.AddOnMissing},
		{"18.3, no licence, free", "18.3.0", func(w *world.World) {
			acme(w).License = nil
			w.Now = time.Date(2024, 2, 14, 0, 0, 0, 0, time.UTC)
		}, "", railsstub.LicenseInsufficient, ""},
		{"18.3, free for ever, not in the synced catalog", "18.3.0", nil, "/api/v4/security_scans", railsstub.FeatureUnknown, ""},
		{"17.2, free for ever, not among the synced services", "17.2.0", nil, "/api/v4/security_scans", railsstub.FeatureUnknown, ""},
		{"18.3, Duo Core needs no seat", "18.3.0", func(w *world.World) { buy(w, []catalog.Purchase{{AddOn: "duo_core", Seats: 5}}) }, "/api/v4/code_suggestions/completions", "", railsstub.AddOnMissing},
		{"18.3, Duo Core is not for bots", "18.3.0", func(w *world.World) {
			buy(w, []catalog.Purchase{{AddOn: "duo_core", Seats: 5}})
			w.Users[0].Bot = true
		}, "/api/v4/code_suggestions/completions", railsstub.SeatMissing, railsstub.AddOnMissing},
		{"17.2, Duo Core is not known", "17.2.0", func(w *world.World) { buy(w, []catalog.Purchase{{AddOn: "duo_core", Seats: 5}}) }, "/api/v4/code_suggestions/completions", railsstub.AddOnMissing, railsstub.AddOnMissing},
		{"trial, over, free", "18.9.0", func(w *world.World) {
			acme(w).License.Trial = true
			acme(w).License.StartsAt = start.AddDate(0, -3, 0)
			acme(w).License.ExpiresAt = start.AddDate(0, 0, -1)
		}, "/api/v4/chat/completions", railsstub.LicenseInsufficient, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := given(c.version)
			if c.change != nil {
				c.change(&w)
			}
			r := newRig(t, w)
			r.portal.answers(reply(http.StatusOK, access(t, portalToken(t, w.Now, "x"), w.Now.Add(72*time.Hour).Unix())))
			r.sync(true)
			path := c.path
			if path == "" {
				path = tutorialPath
			}
			const body = `{"content":"q","current_file":{"file_name":"a","content_above_cursor":"b"}}`
			got := r.request(http.MethodPost, "acme", path, body, "Private-Token", "glpat-ada")
			require.Equal(t, string(c.acme), r.lastEntry().Reason, r.lastEntry().Detail)
			requireRefused(t, path, c.acme, got)
			got = r.request(http.MethodPost, "gitlab", path, body, "Private-Token", "glpat-com")
			require.Equal(t, string(c.com), r.lastEntry().Reason, r.lastEntry().Detail)
			requireRefused(t, path, c.com, got)
		})
	}
}

func buy(w *world.World, purchases []catalog.Purchase) {
	for n := range w.Instances {
		w.Instances[n].AddOns = purchases
	}
}

func seat(w *world.World, addOn string) {
	for n := range w.Users {
		w.Users[n].Seats = []string{addOn}
	}
}

func requireRefused(t *testing.T, path string, reason token.Reason, got answered) {
	t.Helper()
	switch {
	case reason == "":
		require.Equal(t, 200, got.status, got.body)
	case path == "/api/v4/chat/completions":
		require.Equal(t, 404, got.status)
		require.JSONEq(t, `{"message":"404 Not Found"}`, got.body)
	default:
		require.Equal(t, 401, got.status)
		require.JSONEq(t, `{"message":"401 Unauthorized"}`, got.body)
		require.Equal(t, "monolith", got.header.Get("X-Gitlab-Error-Origin"))
	}
}

func TestNeverSyncedFeatureIsUnknown(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"17.2.0", "18.9.0"} {
		r := newRig(t, given(version))
		require.Equal(t, 401, r.use("ada").status)
		require.Equal(t, string(railsstub.FeatureUnknown), r.lastEntry().Reason)
	}
}

// TestNoToken holds what versions do without a token.
func TestNoToken(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/token/none-refused", "rails/token/none-empty-bearer")
	for _, c := range []struct {
		version string
		refuses bool
	}{{"16.8.0", true}, {"16.11.0", true}, {"17.2.0", true}, {"18.2.0", true}, {"18.3.0", false}, {"18.9.0", false}} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			w := given(c.version)
			w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
			w.Users[0].Seats = []string{"duo_pro"}
			r := newRig(t, w)
			r.synced()
			r.clock.Advance(72*time.Hour - time.Second)
			require.Equal(t, 200, r.use("ada").status)
			r.clock.Advance(time.Second)
			r.gateway.forget()
			r.gateway.answers(reply(http.StatusUnauthorized, `{"error":"no"}`))

			got := r.use("ada")
			require.Equal(t, 401, got.status)
			if c.refuses {
				require.Equal(t, "monolith", got.header.Get("X-Gitlab-Error-Origin"))
				require.Equal(t, string(token.NoToken), r.lastEntry().Reason)
				require.Equal(t, "the last token that acme synced expired at 2024-03-07T09:00:00Z", r.lastEntry().Detail)
				require.Empty(t, r.gateway.requests())
				return
			}
			require.JSONEq(t, `{"error":"no"}`, got.body)
			require.Empty(t, got.header.Get("X-Gitlab-Error-Origin"))
			require.Empty(t, r.lastEntry().Reason, "it was not GitLab that refused")
			require.Equal(t, []string{"Bearer"}, r.gateway.last(t).header["Authorization"])
		})
	}
}

// TestAccessToken holds the tutorial's AccessService: scopes and extra claims count on
// GitLab.com only.
func TestAccessToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.11.0"))
	ask := func(instance, user string, scopes ...string) control.TokenResult {
		got, err := do[control.TokenResult](r, control.ActionAccessToken, control.AccessTokenRequest{
			Instance: instance, User: user, Scopes: scopes, ExtraClaims: map[string]any{"tier": "gold"},
		})
		require.NoError(t, err)
		return got
	}
	require.Equal(t, control.TokenResult{}, ask("acme", "", "new_feature_scope"), "never synced, no token")

	r.synced()
	got := ask("acme", "ada", "anything", "else")
	require.Equal(t, r.stored().Tokens[0].Token.Claims, got.Token.Claims)
	require.Equal(t, []any{"new_feature_scope"}, got.Token.Claims["scopes"])
	require.NotContains(t, got.Token.Claims, "tier")

	got = ask("gitlab", "", "anything", "else")
	require.Equal(t, []any{"anything", "else"}, got.Token.Claims["scopes"])
	require.Equal(t, "gold", got.Token.Claims["tier"])
	require.Equal(t, got.Token.Digest, r.lastEntry().Issued.Digest)
	require.Len(t, r.lastEntry().Scopes, 2)

	_, err := do[control.TokenResult](r, control.ActionAccessToken, control.AccessTokenRequest{Instance: "nowhere"})
	require.ErrorIs(t, err, control.ErrNotHere)
	_, err = do[control.TokenResult](r, control.ActionAccessToken, control.AccessTokenRequest{Instance: "gitlab", User: "ada"})
	require.EqualError(t, err, "gitlab has no user ada, it has com")
}

// TestAccessTokenByCatalog: from 17.1 on GitLab.com decides by its catalog, for the service
// or the whole.
func TestAccessTokenByCatalog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, version string
		seat          bool
		scopes        []string
		want          []any // nil: no token
		aud           any
	}{
		{"no such service", "17.1.0", true, []string{"no_such_scope"}, nil, nil},
		{"a service by one of its scopes", "17.1.0", true, []string{"generate_code"}, []any{"complete_code", "generate_code"}, "gitlab-ai-gateway"},
		{"no seat", "17.1.0", false, []string{"generate_code"}, []any{}, "gitlab-ai-gateway"},
		{"another audience", "17.1.0", false, []string{"security_scans"}, []any{"security_scans"}, "gitlab-security-gateway"},
		{"whole catalog, without a seat", "18.3.0", false, nil, []any{"complete_code", "generate_code", "new_feature_scope", "security_scans"}, []any{"gitlab-ai-gateway", "gitlab-security-gateway"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := given(c.version)
			w.Instances[1].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
			if c.seat {
				w.Users[1].Seats = []string{"duo_pro"}
			}
			r := newRig(t, w)
			got, err := do[control.TokenResult](r, control.ActionAccessToken, control.AccessTokenRequest{
				Instance: "gitlab", User: "com", Scopes: c.scopes,
			})
			require.NoError(t, err)
			if c.want == nil {
				require.Empty(t, got.Raw)
				return
			}
			require.Subset(t, got.Token.Claims["scopes"], c.want)
			if c.version < "18" {
				require.Equal(t, c.want, got.Token.Claims["scopes"])
			}
			require.Equal(t, c.aud, got.Token.Claims["aud"])
		})
	}
}
