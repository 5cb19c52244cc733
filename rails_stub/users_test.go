package railsstub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

const tutorialPath = "/api/v4/new_feature_scope"

func TestPersonalAccessTokens(t *testing.T) {
	t.Parallel()
	w := given("16.9.2")
	w.Users = append(w.Users,
		world.User{Name: "reader", Instance: "acme", TokenScopes: []string{"read_api"}},
		world.User{Name: "dev", Instance: "acme", TokenScopes: []string{"ai_features"}},
		world.User{Name: "old", Instance: "acme", TokenExpiresOn: start.Truncate(24 * time.Hour)},
		world.User{Name: "fresh", Instance: "acme", TokenExpiresOn: start.Truncate(24*time.Hour).AddDate(0, 0, 1)},
		world.User{Name: "gone", Instance: "acme", Blocked: true},
		world.User{Name: "kept", Instance: "acme", Denied: []string{"new_feature_scope"}},
	)
	r := newRig(t, w)
	r.synced()
	const unauthorized = `{"message":"401 Unauthorized"}`
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		body    string
		reason  token.Reason
	}{
		{"private token", []string{"Private-Token", "glpat-ada"}, 200, `{"extra":"Feature"}`, ""},
		{"bearer", []string{"Authorization", "Bearer glpat-ada"}, 200, `{"extra":"Feature"}`, ""},
		{"bearer, whatever the case", []string{"Authorization", "bearer glpat-ada"}, 200, `{"extra":"Feature"}`, ""},
		{"private token wins", []string{"Private-Token", "glpat-ada", "Authorization", "Bearer no"}, 200, `{"extra":"Feature"}`, ""},
		{"scope ai_features", []string{"Private-Token", "glpat-dev"}, 200, `{"extra":"Feature"}`, ""},
		{"expires tomorrow", []string{"Private-Token", "glpat-fresh"}, 200, `{"extra":"Feature"}`, ""},
		{"none", nil, 401, unauthorized, railsstub.UserUnauthenticated},
		{"unknown", []string{"Private-Token", "glpat-nobody"}, 401, unauthorized, railsstub.UserUnauthenticated},
		{"of another instance", []string{"Private-Token", "glpat-com"}, 401, unauthorized, railsstub.UserUnauthenticated},
		{"basic", []string{"Authorization", "Basic glpat-ada"}, 401, unauthorized, railsstub.UserUnauthenticated},
		{"empty bearer", []string{"Authorization", "Bearer "}, 401, unauthorized, railsstub.UserUnauthenticated},
		{"expired", []string{"Private-Token", "glpat-old"}, 401, unauthorized, railsstub.UserTokenExpired},
		{
			"insufficient scope",
			[]string{"Private-Token", "glpat-reader"},
			403,
			`{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api ai_features"}`,
			railsstub.UserTokenScope,
		},
		{"blocked", []string{"Private-Token", "glpat-gone"}, 403, `{"message":"403 Forbidden - Your account has been blocked."}`, railsstub.UserBlocked},
		{"denied", []string{"Private-Token", "glpat-kept"}, 401, unauthorized, railsstub.UserNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			r.gateway.forget()
			got := r.request(http.MethodPost, "acme", tutorialPath, "{}", c.headers...)
			require.Equal(t, c.status, got.status)
			require.JSONEq(t, c.body, got.body)
			require.Equal(t, string(c.reason), r.lastEntry().Reason)
			if c.status == http.StatusOK {
				require.Len(t, r.gateway.requests(), 1)
				return
			}
			require.Empty(t, r.gateway.requests(), "a refused call must not go on")
			require.NotEmpty(t, r.lastEntry().Detail)
			if c.status == http.StatusUnauthorized {
				origin := "" // who is not known is not told who says so
				if c.reason == railsstub.UserNotAllowed {
					origin = "monolith"
				}
				require.Equal(t, origin, got.header.Get("X-GitLab-Error-Origin"))
			}
		})
	}
}

func TestSetUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.2"))
	r.synced()
	yes, no := true, false
	for _, c := range []struct {
		set  control.SetUserRequest
		want int
	}{
		{control.SetUserRequest{User: "ada", Blocked: &yes}, 403},
		{control.SetUserRequest{User: "ada", Blocked: &no}, 200},
		{control.SetUserRequest{User: "ada", Denied: []string{"new_feature_scope"}}, 401},
		{control.SetUserRequest{User: "ada"}, 401},
		{control.SetUserRequest{User: "ada", Denied: []string{}}, 200},
	} {
		_, err := do[control.Done](r, control.ActionSetUser, c.set)
		require.NoError(t, err)
		require.Equal(t, c.want, r.use("ada").status, "%+v", c.set)
	}
	_, err := do[control.Done](r, control.ActionSetUser, control.SetUserRequest{User: "eve"})
	require.ErrorIs(t, err, control.ErrNotHere)
}

func TestAssignSeat(t *testing.T) {
	t.Parallel()
	w := given("17.2.0")
	w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 1}}
	w.Users = append(w.Users, world.User{Name: "bob", Instance: "acme"})
	r := newRig(t, w)
	r.synced()
	require.Equal(t, 401, r.use("ada").status)
	require.Equal(t, string(railsstub.SeatMissing), r.lastEntry().Reason)

	seat := func(ask control.SeatRequest) error {
		_, err := do[control.Done](r, control.ActionAssignSeat, ask)
		return err
	}
	require.NoError(t, seat(control.SeatRequest{User: "ada", AddOn: "code_suggestions"}), "Duo Pro by its first name")
	require.Equal(t, 200, r.use("ada").status)
	require.NoError(t, seat(control.SeatRequest{User: "ada", AddOn: "duo_pro"}), "again is no error")
	require.EqualError(t, seat(control.SeatRequest{User: "bob", AddOn: "duo_pro"}), `all 1 seats of "duo_pro" at acme are taken`)
	require.EqualError(t, seat(control.SeatRequest{User: "bob", AddOn: "duo_enterprise"}),
		`acme holds no active purchase of "duo_enterprise" (a purchase reaches it by seat link or activation)`)
	require.EqualError(t, seat(control.SeatRequest{User: "bob"}), "add_on: missing")
	require.ErrorIs(t, seat(control.SeatRequest{User: "eve", AddOn: "duo_pro"}), control.ErrNotHere)

	require.NoError(t, seat(control.SeatRequest{User: "ada", AddOn: "duo_pro", Remove: true}))
	require.Equal(t, 401, r.use("ada").status)
	require.NoError(t, seat(control.SeatRequest{User: "bob", AddOn: "duo_pro"}))
}
