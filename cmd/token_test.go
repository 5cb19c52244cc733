package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const mintedAt = "2024-02-14T23:00:00Z"

func TestTokenRoundTrip(t *testing.T) {
	raw := ok(t, "token", "mint", "--scope", "new_feature_scope", "--at", mintedAt, "--claim", "extra={\"deep\": [1, 2]}")
	require.Len(t, strings.Fields(raw), 1, "the token and nothing else")
	require.Equal(t, raw, ok(t, "token", "mint", "--scope", "new_feature_scope", "--at", mintedAt, "--claim", "extra={\"deep\": [1, 2]}"),
		"the same flags make the same token")

	golden(t, "token_decode", ok(t, "token", "decode", strings.TrimSpace(raw), "--at", "2024-02-16 01:30:00 UTC"))
	for name, r := range map[string]result{
		"input":       ccmockIn(t, raw, "token", "decode", "--at", mintedAt),
		"dash":        ccmockIn(t, raw, "token", "decode", "-", "--at", mintedAt),
		"with scheme": ccmockIn(t, "Bearer "+raw, "token", "decode", "--at", mintedAt),
	} {
		require.Equal(t, 0, r.code, name)
		require.Contains(t, r.out, "expires in 3 days", name)
	}
	expired := ok(t, "token", "decode", strings.TrimSpace(raw), "--at", "2024-02-18T00:00:00Z")
	require.Contains(t, expired, "2024-02-17 23:00:00 UTC, expired 1 h ago")

	var decoded struct {
		Header, Claims map[string]any
		Digest         string
		Times          map[string]struct{ At, Words string }
	}
	require.NoError(t, json.Unmarshal([]byte(ok(t, "token", "decode", strings.TrimSpace(raw), "--json", "--at", mintedAt)), &decoded))
	require.Equal(t, "RS256", decoded.Header["alg"])
	require.Equal(t, []any{"new_feature_scope"}, decoded.Claims["scopes"])
	require.Len(t, decoded.Digest, 12)
	require.Equal(t, "2024-02-17T23:00:00Z", decoded.Times["exp"].At)
	require.Equal(t, "now", decoded.Times["iat"].Words)
	signature := raw[strings.LastIndex(raw, ".")+1:]
	require.NotContains(t, ok(t, "token", "decode", strings.TrimSpace(raw)), signature[:20])
}

func TestTokenMintSaysWhatTheFlagsSay(t *testing.T) {
	for _, c := range []struct {
		name, args string
		header     map[string]any
		claims     map[string]any // nil: absent
	}{
		{"CustomersDot by default", "", nil, map[string]any{
			"iss": "http://127.0.0.1:5000", "aud": []any{"gitlab-ai-gateway"}, "gitlab_realm": "self-managed", "scopes": []any{},
			"iat": 1707951600.0, "nbf": 1707951595.0, "exp": 1708210800.0,
		}},
		{"GitLab.com signs for itself", "--instance gitlab --scope duo_chat", map[string]any{"kid": nil}, map[string]any{
			"iss": "http://127.0.0.1:3000", "aud": "gitlab-ai-gateway", "gitlab_realm": "saas", "exp": 1707955200.0, "scopes": []any{"duo_chat"},
		}},
		{"of a kind", "--instance dedicated", nil, map[string]any{"gitlab_realm": "self-managed"}},
		{"another issuer", "--issuer dedicated", nil, map[string]any{"iss": "http://127.0.0.1:3002"}},
		{"an issuer elsewhere", "--issuer http://customers.test/", nil, map[string]any{"iss": "http://customers.test/"}},
		{"everything", "--subject s --audience a --audience b --realm saas --ttl 2d --kid other", map[string]any{"kid": "other"}, map[string]any{
			"sub": "s", "aud": []any{"a", "b"}, "gitlab_realm": "saas", "exp": 1708124400.0,
		}},
		{"no kid", "--kid none", map[string]any{"kid": nil}, nil},
		{"claims", `--claim exp=null --claim scopes=x --claim n=1 --claim iss="quoted"`, nil, map[string]any{
			"exp": nil, "scopes": "x", "n": 1.0, "iss": "quoted",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got struct {
				Token          string
				Header, Claims map[string]any
			}
			args := append([]string{"token", "mint", "--json", "--at", mintedAt}, strings.Fields(c.args)...)
			require.NoError(t, json.Unmarshal([]byte(ok(t, args...)), &got))
			require.NotEmpty(t, got.Token)
			for of, want := range map[string]map[string]any{"header": c.header, "claims": c.claims} {
				have := map[string]map[string]any{"header": got.Header, "claims": got.Claims}[of]
				for name, value := range want {
					require.Equal(t, value, have[name], name)
				}
			}
		})
	}
}

func TestMintedTokensAreTakenByARunningEcosystem(t *testing.T) {
	world := write(t, map[string]string{"world.yaml": `
instances:
  gitlab: {realm: saas, gitlab_version: 18.3.0}
  acme: {realm: self-managed, license: {kind: online_cloud}}
users:
  ada: {instance: acme}
`})
	file := filepath.Join(world, "world.yaml")
	u := up(t, "--world", file)
	call := func(realm, raw string) answer {
		decoded := struct{ Claims struct{ Sub string } }{}
		require.NoError(t, json.Unmarshal([]byte(ok(t, "token", "decode", "--json", raw)), &decoded))
		return send(t, http.MethodPost, u.url(t, "gateway")+"/foo/new_feature_endpoint", "{}", map[string]string{
			"Authorization": "Bearer " + raw, "X-Gitlab-Instance-Id": decoded.Claims.Sub, "X-Gitlab-Realm": realm,
		})
	}
	mint := func(args ...string) string {
		return strings.TrimSpace(ok(t, append([]string{"token", "mint", "--world", file, "--scope", "new_feature_scope"}, args...)...))
	}
	got := call("self-managed", mint("--issuer", u.url(t, "customersdot")))
	require.Equal(t, 200, got.status, got.body)
	got = call("saas", mint("--instance", "gitlab", "--claim", "iss="+u.url(t, "gitlab")))
	require.Equal(t, 200, got.status, got.body)

	require.Equal(t, 401, call("self-managed", mint("--issuer", u.url(t, "customersdot"), "--kid", "stranger")).status)
	require.Equal(t, 401, call("self-managed", mint("--issuer", u.url(t, "gitlab"))).status, "signed by CustomersDot")
	require.Equal(t, 401, call("self-managed", mint("--issuer", u.url(t, "customersdot"), "--claim", "exp=1")).status)
}

func TestTokensThatCannotBeReadOrMade(t *testing.T) {
	for _, c := range []struct {
		args, want string
	}{
		{"decode", "there is no token"},
		{"decode a.b", "not a token: expected 3 segments, got 2"},
		{"decode a.b.c d", "takes one token, got 2"},
		{"decode --at x a.b.c", "--at: expected a time"},
		{"mint --instance amce", `unknown instance "amce"`},
		{"mint --issuer customrsdot", `did you mean "customersdot"?`},
		{"mint --claim x", `--claim is "x", expected NAME=VALUE`},
		{"mint --ttl long", "--ttl: expected a duration"},
		{"mint extra", `takes no arguments, got "extra"`},
		{"mnt", `did you mean "mint"?`},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := ccmock(t, append([]string{"token"}, strings.Fields(c.args)...)...)
			require.Equal(t, 2, r.code)
			require.Contains(t, r.err, c.want)
			require.Empty(t, r.out)
		})
	}
}

func TestAHostileTokenDoesNotSteerTheTerminal(t *testing.T) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	raw := part(`{"alg":"\u001b[2J"}`) + "." + part(`{"iss":"\u001b]0;x\u0007","\u202e":[{"a":"\u009b"}],"aud":["a","\u001b"]}`) + "."
	for r := range strings.SplitSeq(ok(t, "token", "decode", raw), "") {
		require.NotContains(t, []string{"\x1b", "\a", "\u009b", "\u202e"}, r)
	}
}
