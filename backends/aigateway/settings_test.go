package aigateway_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
)

func TestBypass(t *testing.T) {
	for _, c := range []struct {
		name, bypass string
		change       func(c *call)
		status       int
	}{
		{"external", "external", func(c *call) { c.header["Authorization"] = nil }, 200},
		{"external, a bad token", "external", func(c *call) { c.token = "x" }, 200},
		{"header", "header", func(c *call) { c.header["Authorization"] = nil; c.header.Set("Bypass-Auth", "true") }, 200},
		{"header, another case", "header", func(c *call) { c.header["Authorization"] = nil; c.header.Set("Bypass-Auth", "True") }, 401},
		{"no header", "header", func(c *call) { c.header["Authorization"] = nil }, 401},
		{"the header where it does not count", "", func(c *call) { c.header["Authorization"] = nil; c.header.Set("Bypass-Auth", "true") }, 401},
		{"signature", "signature", func(c *call) { c.signer = tokentest.Key(t, "stranger") }, 200},
		{"signature, expired", "signature", func(c *call) { c.claims["exp"] = now.Unix() - 1 }, 401},
		{"signature, no scope", "signature", func(c *call) { c.claims["scopes"] = []string{} }, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/auth/bypass")
			r := deployed(t, func(a *world.AIGateway) { a.Bypass = c.bypass })
			ask := r.good(t)
			c.change(ask)
			require.Equal(t, c.status, r.send(t, ask).StatusCode)
		})
	}
	t.Run("signature, no keys", func(t *testing.T) {
		r := deployed(t, func(a *world.AIGateway) { a.Bypass = "signature" })
		r.gitlab.SetDown(true)
		r.cdot.SetDown(true)
		require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode, "there are the gateway's own")
	})
}

func TestFeatureFlags(t *testing.T) {
	fidelity.Proves(t, "aigateway/flags/disallowed")
	r := deployed(t, func(a *world.AIGateway) { a.DisallowedFlags = map[string][]string{"saas": {"two"}} })
	ask := func(change func(c *call)) string {
		c := r.good(t)
		c.header.Set("X-Gitlab-Enabled-Feature-Flags", "one, two,,three ")
		change(c)
		return r.send(t, c).body
	}
	require.Contains(t, ask(func(*call) {}), `"enabled_feature_flags":["one","two","three"]`)
	require.Contains(t, ask(func(c *call) { c.saas(t, r) }), `"enabled_feature_flags":["one","three"]`)
}

func TestIDsThatAreNoNumbers(t *testing.T) {
	ask := func(r *rig, name, value string) answer {
		c := r.good(t)
		c.header.Set(name, value)
		return r.send(t, c)
	}
	r, off := newRig(t), deployed(t, func(a *world.AIGateway) { a.NoInternalEvents = true })
	for _, name := range []string{"X-Gitlab-Project-Id", "X-Gitlab-Namespace-Id", "X-Gitlab-Organization-Id"} {
		t.Run(name, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/headers/ids")
			for value, want := range map[string]int{"7": 200, "": 200, "null": 200, " 7 ": 200, "-1": 200, "seven": 500, "7.5": 500, "7,8": 500} {
				require.Equal(t, want, ask(r, name, value).StatusCode, value)
				require.Equal(t, http.StatusOK, ask(off, name, value).StatusCode, value)
			}
			require.Equal(t, "Internal Server Error", ask(r, name, "x").body)
		})
	}
}

// What was otherwise in the release of 2025.
func TestRelease2025(t *testing.T) {
	r := deployed(t, func(a *world.AIGateway) { a.Release = "2025-01" })
	t.Run("code suggestions need completions before all", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/releases/suggestions")
		for _, path := range []string{"/v3/code/completions", "/v4/code/suggestions"} {
			c := r.allowed(t, path, generationBody)
			c.claims["scopes"] = []string{"generate_code"}
			a := r.send(t, c)
			require.Equal(t, http.StatusForbidden, a.StatusCode)
			require.Equal(t, `{"detail":"Unauthorized to access code suggestions"}`, a.body)
			c = r.allowed(t, path, generationBody)
			c.claims["scopes"] = []string{"complete_code"}
			require.Equal(t, http.StatusOK, r.send(t, c).StatusCode)
		}
	})
	t.Run("user tokens are made of the headers", func(t *testing.T) {
		fidelity.Proves(t, "aigateway/releases/user-token")
		c := r.allowed(t, userTokenPath, "")
		c.claims["gitlab_instance_id"], c.claims["duo_seat_count"], c.claims["skip_usage_cutoff"] = c.claims["sub"], 5, true
		a := r.send(t, c)
		require.Equal(t, http.StatusOK, a.StatusCode, a.body)
		var got struct {
			Token string `json:"token"`
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &got))
		d, err := token.Decode(got.Token)
		require.NoError(t, err)
		d.Claims["jti"] = "(random)"
		text, err := json.Marshal(d.Claims)
		require.NoError(t, err)
		goldentest.JSON(t, "user_token_2025.json", string(text))

		for _, name := range []string{"X-Gitlab-Global-User-Id", "X-Gitlab-Instance-Id", "X-Gitlab-Realm"} {
			c := r.allowed(t, userTokenPath, "")
			for _, claim := range []string{"gitlab_realm", "sub"} { // so that authentication does not ask for the header
				delete(c.claims, claim)
			}
			c.header.Del(name)
			a := r.send(t, c)
			require.Equal(t, http.StatusBadRequest, a.StatusCode)
			require.Equal(t, `{"detail":"Missing `+name+` header"}`, a.body)
		}
		c = r.allowed(t, userTokenPath, "")
		c.claims["scopes"] = []string{"ai_gateway_model_provider_proxy"}
		a = r.send(t, c)
		require.Equal(t, http.StatusForbidden, a.StatusCode)
		require.Equal(t, `{"detail":"Unauthorized to create user access token for code suggestions"}`, a.body)
	})
}

// An issuer that is down when the keys are a day old: the library of old lost its keys, later ones keep them.
func TestOldKeySetByRelease(t *testing.T) {
	for release, want := range map[string]int{"2025-01": 401, "2026-08": 200} {
		t.Run(release, func(t *testing.T) {
			fidelity.Proves(t, "aigateway/keys/old-set")
			r := deployed(t, func(a *world.AIGateway) { a.Release = release })
			require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
			r.cdot.SetDown(true)
			r.clock.Advance(24 * time.Hour)
			require.Equal(t, want, r.send(t, r.good(t)).StatusCode)
			r.cdot.SetDown(false)
			r.clock.Advance(24 * time.Hour)
			require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
		})
	}
}
