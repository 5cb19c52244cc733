package railsstub_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

const directAccess = "/api/v4/code_suggestions/direct_access"

// withSeats is a world in which Code Suggestions are open to ada and com.
func withSeats(t testing.TB, version string) *rig {
	t.Helper()
	w := given(version)
	for n := range w.Instances {
		w.Instances[n].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
	}
	for n := range w.Users {
		w.Users[n].Seats = []string{"duo_pro"}
	}
	r := newRig(t, w)
	r.synced()
	return r
}

func TestDirectAccess(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/direct-access/endpoint")
	r := withSeats(t, "18.9.0")
	r.gateway.answers(reply(200, `{"token":"ujwt","expires_at":1709546400}`))
	got := r.request(http.MethodPost, "acme", directAccess, ``, "Private-Token", "glpat-ada")
	require.Equal(t, 201, got.status)
	var body struct {
		BaseURL   string `json:"base_url"`
		Token     string
		ExpiresAt json.Number `json:"expires_at"`
		Headers   map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(got.body), &body))
	require.Equal(t, r.gateway.URL+"/ai", body.BaseURL)
	require.Equal(t, "ujwt", body.Token)
	require.Equal(t, json.Number("1709546400"), body.ExpiresAt)
	require.Equal(t, []string{
		"X-Gitlab-Authentication-Type", "X-Gitlab-Deployment-Type", "X-Gitlab-Enabled-Feature-Flags",
		"X-Gitlab-Enabled-Instance-Verbose-Ai-Logs", "X-Gitlab-Feature-Enabled-By-Namespace-Ids",
		"X-Gitlab-Feature-Enablement-Type", "X-Gitlab-Global-User-Id", "X-Gitlab-Host-Name", "X-Gitlab-Instance-Id",
		"X-Gitlab-Is-Team-Member", "X-Gitlab-Model-Prompt-Cache-Enabled", "X-Gitlab-Realm", "X-Gitlab-User-Id", "X-Gitlab-Version",
	}, slices.Sorted(maps.Keys(body.Headers)))
	require.Equal(t, "oidc", body.Headers["X-Gitlab-Authentication-Type"])

	up := r.gateway.last(t)
	require.Equal(t, "/auth/v1/code/user_access_token", up.path)
	require.Empty(t, up.body)
	require.Equal(t, body.Headers["X-Gitlab-Global-User-Id"], up.header.Get("X-Gitlab-Global-User-Id"))
	entry := r.lastEntry()
	require.Equal(t, "code_suggestions.direct_access", entry.Route)
	require.Equal(t, r.gateway.URL+"/auth/v1/code/user_access_token", entry.Upstream)
	require.Equal(t, "first", entry.Token.ID)
}

func TestDirectAccessRefused(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/direct-access/refused")
	const failed = `{"message":"Token creation failed"}`
	for _, c := range []struct {
		name, version string
		answer        http.HandlerFunc // nil: nobody there
		status        int
		want          string
		reason        token.Reason
	}{
		{"not there yet", "16.11.0", reply(200, `{"token":"x"}`), 404, `{"error":"404 Not Found"}`, railsstub.EndpointUnknown},
		{"gateway refuses", "18.2.0", reply(403, `{"detail":"no"}`), 503, failed, railsstub.GatewayRefused},
		{"no token in it", "18.2.0", reply(200, `{}`), 503, failed, railsstub.GatewayRefused},
		{"nobody there", "17.0.0", nil, 503, failed, railsstub.GatewayUnreachable},
		{"nobody there, 18.9", "18.9.0", nil, 503, failed, railsstub.GatewayUnreachable},
		{
			"gateway refuses, 18.9", "18.9.0", reply(402, `{"error":"insufficient_credits","error_code":"USAGE_QUOTA_EXCEEDED","message":"none left"}`), 402,
			`{"message":"Token creation failed","error_description":"none left","error_code":"USAGE_QUOTA_EXCEEDED","error":"insufficient_credits"}`, railsstub.GatewayRefused,
		},
		{
			"gateway refuses in HTML, 18.9", "18.9.0", reply(502, `<p>`), 502,
			`{"message":"Token creation failed","error_description":null,"error_code":null,"error":null}`, railsstub.GatewayRefused,
		},
		{
			"no token in it, 18.9", "18.9.0", reply(200, `{}`), 200,
			`{"message":"Token is missing in response","error_description":null,"error_code":null,"error":null}`, railsstub.GatewayRefused,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := withSeats(t, c.version)
			if c.answer == nil {
				r.gateway.close()
			} else {
				r.gateway.answers(c.answer)
			}
			got := r.request(http.MethodPost, "acme", directAccess, ``, "Private-Token", "glpat-ada")
			require.Equal(t, c.status, got.status)
			require.JSONEq(t, c.want, got.body)
			require.Equal(t, string(c.reason), r.lastEntry().Reason)
		})
	}
	for _, c := range []struct {
		version string
		status  int
	}{{"17.2.0", 503}, {"18.9.0", 401}} {
		r := withSeats(t, c.version)
		r.clock.Advance(73 * 3600e9)
		r.gateway.answers(reply(401, `{"error":"Forbidden by auth provider"}`))
		require.Equal(t, c.status, r.request(http.MethodPost, "acme", directAccess, ``, "Private-Token", "glpat-ada").status)
		require.Equal(t, c.status == 401, len(r.gateway.requests()) == 1, "18.9 asks with an empty bearer")
	}
	r := newRig(t, given("17.2.0"))
	require.Equal(t, 401, r.request(http.MethodPost, "acme", directAccess, ``).status)
	require.Equal(t, 401, r.request(http.MethodPost, "acme", directAccess, ``, "Private-Token", "glpat-ada").status, "no seat")
}
