package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/gateway"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
)

// as are the headers of a request of a user on an instance.
func as(realm, instance, user string) []string {
	return []string{"X-Gitlab-Realm", realm, "X-Gitlab-Instance-Id", instance, "X-Gitlab-Global-User-Id", user}
}

func TestRateLimits(t *testing.T) {
	fidelity.Proves(t, "gateway/limits/refused", "gateway/limits/groups")
	origin := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/401" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	routes := map[string]string{"foo": newOrigin(t, origin), "bar": newOrigin(t, origin)}
	type call struct {
		after  time.Duration // moves the clock first
		target string
		header []string
		want   int
		retry  string
	}
	const ok, no = http.StatusOK, http.StatusTooManyRequests
	ada, bob := as("self-managed", "acme", "ada"), as("self-managed", "acme", "bob")
	for _, c := range []struct {
		name   string
		limits gateway.Limits
		calls  []call
		detail string // of the first refusal
	}{
		{"per user, for each route, until the window ends", gateway.Limits{PerUser: 2}, []call{
			{0, "/foo", ada, ok, ""},
			{20 * time.Second, "/foo/x", ada, ok, ""},
			{0, "/foo", ada, no, "40"},
			{0, "/bar", ada, ok, ""},
			{0, "/foo", bob, ok, ""},
			{0, "/foo", as("saas", "gitlab", "ada"), no, "40"},
			{39*time.Second + time.Millisecond, "/foo", ada, no, "1"},
			{time.Second, "/foo", ada, ok, ""},
			{0, "/foo", ada, ok, ""},
			{0, "/foo", ada, no, "60"},
		}, `user "ada" sent foo 2 requests within 1m0s, and 2 is the limit; free again in 40s`},
		{"per instance, self-managed only", gateway.Limits{PerInstance: 1, Window: time.Hour}, []call{
			{0, "/foo", ada, ok, ""},
			{0, "/foo", bob, no, "3600"},
			{0, "/foo", as("self-managed", "other", "bob"), ok, ""},
			{0, "/foo", as("saas", "gitlab", "eve"), ok, ""},
			{0, "/foo", as("saas", "gitlab", "eve"), ok, ""},
			{0, "/foo", nil, ok, ""},
			{0, "/foo", nil, ok, ""},
		}, `instance "acme" sent foo 1 requests within 1h0m0s, and 1 is the limit; free again in 1h0m0s`},
		{"repeated 401s of the origin", gateway.Limits{PerUnauthorized: 2}, []call{
			{0, "/foo/401", ada, http.StatusUnauthorized, ""},
			{0, "/foo", ada, ok, ""},
			{0, "/foo", ada, ok, ""},
			{5 * time.Second, "/foo/401", ada, http.StatusUnauthorized, ""},
			{0, "/foo", ada, no, "55"},
			{0, "/foo", bob, ok, ""},
			{0, "/bar", ada, ok, ""},
			{55 * time.Second, "/foo", ada, ok, ""},
		}, `refused caller was answered 401 by foo 2 times within 1m0s, and 2 is the limit; free again in 55s`},
		{"the refused count for nobody", gateway.Limits{PerUser: 3, PerInstance: 1}, []call{
			{0, "/foo", ada, ok, ""},
			{0, "/foo", ada, no, "60"},
			{0, "/foo", ada, no, "60"},
			{0, "/foo", ada, no, "60"},
			{0, "/foo", as("saas", "gitlab", "ada"), ok, ""},
			{0, "/foo", as("saas", "gitlab", "ada"), ok, ""},
			{0, "/foo", as("saas", "gitlab", "ada"), no, "60"},
		}, `instance "acme" sent foo 1 requests within 1m0s, and 1 is the limit; free again in 1m0s`},
		{"a clock that is set back does not lock anybody out", gateway.Limits{PerUser: 1}, []call{
			{0, "/foo", ada, ok, ""},
			{0, "/foo", ada, no, "60"},
			{-24 * time.Hour, "/foo", ada, ok, ""},
		}, `user "ada" sent foo 1 requests within 1m0s, and 1 is the limit; free again in 1m0s`},
		{"off", gateway.Limits{}, []call{
			{0, "/foo/401", ada, http.StatusUnauthorized, ""},
			{0, "/foo/401", ada, http.StatusUnauthorized, ""},
			{0, "/foo", ada, ok, ""},
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEdge(t, gateway.Options{Routes: routes, Limits: c.limits})
			refused := false
			for n, call := range c.calls {
				e.clock.Advance(call.after)
				a := e.send(t, http.MethodPost, call.target, nil, call.header...)
				require.Equal(t, call.want, a.StatusCode, "call %d", n)
				require.Equal(t, call.retry, a.Header.Get("Retry-After"), "call %d", n)
				if call.want != no {
					continue
				}
				require.Equal(t, "error code: 1015", a.body)
				entry := e.last(t, uint64(n+1))
				require.Equal(t, gateway.RateLimited, entry.Reason)
				require.Empty(t, entry.Upstream, "the origin is not asked")
				if !refused {
					require.Equal(t, c.detail, entry.Detail)
				}
				refused = true
			}
			require.Equal(t, c.detail != "", refused)
		})
	}
}

func TestLimitsAreSetSeededAndRestarted(t *testing.T) {
	e := newEdge(t, gateway.Options{
		Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))}, Limits: gateway.Limits{PerUser: 1},
	})
	do := func(action string, args any) error {
		text, err := json.Marshal(args)
		require.NoError(t, err)
		_, err = e.Actions()[action](t.Context(), text)
		return err
	}
	ask := func(want int) {
		t.Helper()
		require.Equal(t, want, e.send(t, http.MethodGet, "/foo", nil, as("saas", "gitlab", "ada")...).StatusCode)
	}
	ask(http.StatusOK)
	ask(http.StatusTooManyRequests)
	require.NoError(t, do(control.ActionLimits, control.Limits{PerUser: 2}))
	ask(http.StatusOK)
	ask(http.StatusOK)
	ask(http.StatusTooManyRequests)
	require.NoError(t, do(control.ActionRestart, control.RestartRequest{Service: "gateway"}))
	ask(http.StatusOK)
	ask(http.StatusOK)
	ask(http.StatusTooManyRequests)
	require.NoError(t, e.Seed(e.world))
	ask(http.StatusOK)
	ask(http.StatusTooManyRequests)
	require.NoError(t, do(control.ActionLimits, control.Limits{}))
	ask(http.StatusOK)
	ask(http.StatusOK)

	require.ErrorContains(t, do(control.ActionLimits, control.Limits{PerInstance: -1}), "per_instance is negative")
	require.ErrorIs(t, do(control.ActionRestart, control.RestartRequest{Service: "foo"}), control.ErrNotHere)
	require.ErrorIs(t, do(control.ActionRestart, control.RestartRequest{}), control.ErrNotHere)
}

func TestLimitsFollowTheGatewaysOwnClock(t *testing.T) {
	e := newEdge(t, gateway.Options{
		Routes: map[string]string{"foo": newOrigin(t, mirror("foo"))}, Limits: gateway.Limits{PerUser: 1},
	})
	ada := as("saas", "gitlab", "ada")
	require.Equal(t, http.StatusOK, e.send(t, http.MethodGet, "/foo", nil, ada...).StatusCode)
	e.Skew("gateway").Set(time.Minute)
	require.Equal(t, http.StatusOK, e.send(t, http.MethodGet, "/foo", nil, ada...).StatusCode)
	require.Equal(t, http.StatusTooManyRequests, e.send(t, http.MethodGet, "/foo", nil, ada...).StatusCode)
	require.Nil(t, e.Skew(fmt.Sprintf("%s2", gateway.Name)))
}
