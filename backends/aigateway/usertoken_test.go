package aigateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

const userTokenPath = "/v1/code/user_access_token"

// userToken gets a token for the caller of c.
func (r *rig) userToken(t testing.TB, c *call) (string, *token.Decoded) {
	t.Helper()
	a := r.send(t, c.to(userTokenPath, ""))
	require.Equal(t, http.StatusOK, a.StatusCode, a.body)
	var got struct {
		Token     string `json:"token"`
		ExpiresAt int64  `json:"expires_at"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &got))
	d, err := token.Decode(got.Token)
	require.NoError(t, err)
	exp, _ := d.Time("exp")
	require.Equal(t, exp.Unix(), got.ExpiresAt)
	require.Equal(t, r.clock.Now().Add(time.Hour).Unix(), got.ExpiresAt)
	require.Equal(t, token.Digest(got.Token), a.entry.Issued.Digest)
	require.Equal(t, "code.user_access_token", a.entry.Route)
	return got.Token, d
}

func TestUserTokenClaims(t *testing.T) {
	fidelity.Proves(t, "aigateway/user-token/claims")
	r := newRig(t)
	for _, c := range []struct {
		golden string
		change func(c *call)
	}{
		{"user_token_self_managed", func(c *call) {
			c.claims["gitlab_instance_id"], c.claims["gitlab_instance_uid"] = c.claims["sub"], "uid-1"
			c.claims["duo_seat_count"], c.claims["skip_usage_cutoff"] = 5, true
			c.claims["scopes"] = []string{"ai_gateway_model_provider_proxy", "duo_chat", "complete_code"}
		}},
		{"user_token_saas", func(c *call) {
			c.saas(t, r)
			c.claims["gitlab_root_namespace_id"] = 42
			c.header.Set("X-Gitlab-Root-Namespace-Id", "43")
			c.header.Set("X-Gitlab-Project-Id", "1")
			c.header.Set("X-Gitlab-Namespace-Id", "2")
		}},
		{"user_token_saas_header_only", func(c *call) {
			c.saas(t, r)
			c.claims["duo_seat_count"] = ""
			c.header.Set("X-Gitlab-Root-Namespace-Id", "43")
		}},
		{"user_token_saas_bad_namespace", func(c *call) {
			c.saas(t, r)
			c.header.Set("X-Gitlab-Root-Namespace-Id", "-43")
		}},
		{"user_token_no_user", func(c *call) { c.header.Del("X-Gitlab-Global-User-Id") }},
	} {
		t.Run(c.golden, func(t *testing.T) {
			ask := r.good(t)
			c.change(ask)
			_, d := r.userToken(t, ask)
			require.Equal(t, map[string]any{"alg": "RS256", "typ": "JWT"}, d.Header, "no kid")
			require.Regexp(t, `^[0-9a-f-]{36}$`, d.Claims["jti"])
			d.Claims["jti"] = "(random)"
			text, err := json.Marshal(d.Claims)
			require.NoError(t, err)
			goldentest.JSON(t, c.golden+".json", string(text))
		})
	}
}

func TestUserTokenIsUsed(t *testing.T) {
	fidelity.Proves(t, "aigateway/user-token/not-for-itself", "aigateway/user-token/user")
	r := newRig(t)
	raw, _ := r.userToken(t, r.good(t))
	use := func(change func(c *call)) answer {
		c := r.good(t)
		c.token = raw
		change(c)
		return r.send(t, c)
	}
	for _, c := range []struct {
		name   string
		change func(c *call)
		status int
		body   string // "" for an answer
		reason token.Reason
	}{
		{"completions", func(*call) {}, 200, "", ""},
		{"the older path", func(c *call) { c.path = "/v2/completions" }, 200, "", ""},
		{"another user", func(c *call) { c.header.Set("X-Gitlab-Global-User-Id", "eve") }, 401, `{"error":"Header mismatch 'X-Gitlab-Global-User-Id'"}`, token.UserMismatch},
		{"no user", func(c *call) { c.header.Del("X-Gitlab-Global-User-Id") }, 401, `{"error":"Header mismatch 'X-Gitlab-Global-User-Id'"}`, token.MissingHeader},
		{"another realm", func(c *call) { c.header.Set("X-Gitlab-Realm", "saas") }, 401, `{"error":"Header mismatch 'X-Gitlab-Realm'"}`, token.RealmMismatch},
		{"another instance, which nothing names", func(c *call) { c.header.Set("X-Gitlab-Instance-Id", "other") }, 200, "", ""},
		{"for another user token", func(c *call) { c.to(userTokenPath, "") }, 403, `{"detail":"Unauthorized to create user access token"}`, token.UserTokenNotAllowed},
		{"generations", func(c *call) { c.path = "/v2/code/generations" }, 403, `{"detail":"Unauthorized to access code generations"}`, token.UserTokenNotAllowed},
		{"chat", func(c *call) { c.to("/v1/chat/agent", chatBody) }, 403, `{"detail":"Unauthorized to access duo_chat"}`, token.MissingScope},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := use(c.change)
			require.Equal(t, c.status, a.StatusCode, a.entry.Detail)
			require.Equal(t, string(c.reason), a.entry.Reason)
			if c.body == "" {
				require.Contains(t, a.body, "text_completion")
			} else {
				require.Equal(t, c.body, a.body)
			}
		})
	}
	t.Run("an hour later", func(t *testing.T) {
		r.clock.Advance(time.Hour + time.Second)
		require.Equal(t, string(token.Expired), use(func(*call) {}).entry.Reason)
	})
}

func TestUserTokenIsRefused(t *testing.T) {
	fidelity.Proves(t, "aigateway/user-token/scope")
	r := newRig(t)
	c := r.good(t).to(userTokenPath, "")
	c.claims["scopes"] = []string{"generate_code", "duo_chat"}
	a := r.send(t, c)
	require.Equal(t, http.StatusForbidden, a.StatusCode)
	require.Equal(t, `{"detail":"Unauthorized to create user access token"}`, a.body)
	require.Equal(t, string(token.MissingScope), a.entry.Reason)
	require.Nil(t, a.entry.Issued)

	c = r.good(t).to(userTokenPath, "")
	c.claims["scopes"] = nil
	require.Equal(t, http.StatusInternalServerError, r.send(t, c).StatusCode)

	c = r.good(t)
	c.header.Del("X-Gitlab-Global-User-Id")
	raw, _ := r.userToken(t, c)
	c = r.good(t)
	c.token = raw
	a = r.send(t, c)
	require.Equal(t, `{"error":"Forbidden by auth provider"}`, a.body, "a token for nobody is good for nothing")
}

func TestInstanceIDOfAUserToken(t *testing.T) {
	r := newRig(t)
	c := r.good(t)
	c.claims["gitlab_instance_id"] = c.claims["sub"]
	raw, _ := r.userToken(t, c)
	c = r.good(t)
	c.token = raw
	c.header.Set("X-Gitlab-Instance-Id", "other")
	a := r.send(t, c)
	require.Equal(t, `{"error":"Header mismatch 'X-Gitlab-Instance-Id'"}`, a.body)
}

func TestKeysOfUserTokens(t *testing.T) {
	r := newRig(t)
	step := func(name string) control.KeysResult {
		t.Helper()
		k, err := r.RotateKeys(name)
		require.NoError(t, err)
		return k
	}
	use := func(raw string) int {
		c := r.good(t)
		c.token = raw
		return r.send(t, c).StatusCode
	}
	first := step("list")
	require.Len(t, first.Published, 1)
	old, _ := r.userToken(t, r.good(t))
	both := step("create")
	require.Len(t, both.Published, 2)
	require.Equal(t, first.Signing, both.Signing)
	require.NotEqual(t, first.Signing, step("rotate").Signing)
	fresh, _ := r.userToken(t, r.good(t))
	require.Equal(t, http.StatusOK, use(old), "the validation key still counts")
	require.Equal(t, http.StatusOK, use(fresh))
	step("trim")
	require.Equal(t, http.StatusUnauthorized, use(old))
	require.Equal(t, http.StatusOK, use(fresh))
	require.NoError(t, r.Seed(r.world))
	require.Equal(t, first, step("list"), "a new world begins with the first key")
	require.Equal(t, http.StatusOK, use(old))

	step("create")
	_, err := r.RotateKeys("create")
	require.ErrorContains(t, err, "trim first")
	_, err = r.RotateKeys("turn")
	require.ErrorContains(t, err, `unknown step "turn", expected create, rotate, trim or list`)
}

func TestForgedUserTokens(t *testing.T) {
	r := newRig(t)
	use := func(in control.SignRequest, change func(c *call)) answer {
		t.Helper()
		in.Service = "ai"
		got, err := r.Sign(in)
		require.NoError(t, err)
		if got.Token != nil {
			require.Equal(t, token.Digest(got.Raw), got.Token.Digest)
		}
		c := r.good(t)
		c.token = got.Raw
		change(c)
		return r.send(t, c)
	}
	none := func(*call) {}
	require.Equal(t, http.StatusOK, use(control.SignRequest{Instance: "acme"}, none).StatusCode)
	require.Equal(t, string(token.BadSignature), use(control.SignRequest{Instance: "acme", Stranger: true}, none).entry.Reason)
	require.Equal(t, string(token.UserMismatch), use(control.SignRequest{Instance: "acme", Claims: map[string]any{"sub": "eve"}}, none).entry.Reason)
	require.Equal(t, http.StatusOK, use(control.SignRequest{Instance: "acme", Claims: map[string]any{"exp": nil}}, none).StatusCode)
	require.Equal(t, string(token.WrongAlgorithm), use(control.SignRequest{Instance: "acme", Header: map[string]any{"alg": nil}}, none).entry.Reason)
	gitlab := r.instance(world.GitLabCom)
	require.Equal(t, http.StatusOK, use(control.SignRequest{}, func(c *call) {
		c.header.Set("X-Gitlab-Realm", "saas")
		c.header.Set("X-Gitlab-Instance-Id", gitlab.UUID)
		c.header.Set("X-Gitlab-Global-User-Id", gitlab.UUID) // it has no users
	}).StatusCode)
	_, err := r.Sign(control.SignRequest{Service: "ai", Instance: "nowhere"})
	require.EqualError(t, err, `instance: no instance "nowhere"`)
}

func TestManyAtOnceWhileEverythingChanges(t *testing.T) {
	r := newRig(t)
	const workers, calls = 4, 15
	done := make(chan error, workers)
	for range workers {
		c := r.good(t).to(userTokenPath, "")
		raw, err := token.Forge(c.signer, c.jose, c.claims)
		require.NoError(t, err)
		c.header.Set("Authorization", "Bearer "+raw)
		go func() {
			for range calls {
				req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, strings.NewReader(""))
				if err != nil {
					done <- err
					return
				}
				req.Header = c.header
				resp, err := r.client.Do(req)
				if err != nil {
					done <- err
					return
				}
				_ = resp.Body.Close()
			}
			done <- nil
		}()
	}
	for range workers {
		require.NoError(t, r.Seed(r.world))
		for _, step := range []string{"create", "rotate", "trim"} {
			_, err := r.RotateKeys(step)
			require.NoError(t, err)
		}
		_, err := r.Sign(control.SignRequest{Service: "ai", Instance: "acme"})
		require.NoError(t, err)
		r.Restart()
		require.NoError(t, <-done)
	}
}
