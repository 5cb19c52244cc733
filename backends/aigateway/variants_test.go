package aigateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

// The rules behind the measured verdicts, tried on what the table of them does not list. What Python's own readers make of
// odd bytes was measured too, call by call: package token.
func TestTheRulesBehindTheVerdicts(t *testing.T) {
	type variant struct {
		name   string
		change func(c *gatewayCall)
		status int
		reason token.Reason
	}
	claims := func(name string, status int, reason token.Reason, values ...any) []variant {
		var all []variant
		for _, v := range values {
			all = append(all, variant{fmt.Sprintf("%s %.40v", name, v), func(c *gatewayCall) { c.claim(name, v) }, status, reason})
		}
		return all
	}
	heads := func(name string, status int, reason token.Reason, values ...any) []variant {
		var all []variant
		for _, v := range values {
			all = append(all, variant{fmt.Sprintf("%s %.40v", name, v), func(c *gatewayCall) { c.head[name] = v }, status, reason})
		}
		return all
	}
	without := func(status int, reason token.Reason, names ...string) []variant {
		var all []variant
		for _, name := range names {
			all = append(all, variant{"no " + name, func(c *gatewayCall) { delete(c.claims, name) }, status, reason})
		}
		return all
	}
	join := func(lists ...[]variant) (all []variant) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	one := func(name string, status int, reason token.Reason, change func(c *gatewayCall)) []variant {
		return []variant{{name, change, status, reason}}
	}
	r := newRig(t, declare("new_feature_scope", "POST /new_feature_endpoint", verdictScope, nil))
	at := r.clock.Now().Unix()
	for _, rule := range []struct {
		fact     string
		variants []variant
	}{
		{"verifier/issuer/unchecked", claims("iss", 200, "", "", "gitlab.com", "http://localhost:3000/", 7, 1.5, true, false, []any{}, map[string]any{"a": 1}, strings.Repeat("i", 5000))},
		{"verifier/audience/optional", join(
			without(200, "", "aud"),
			claims("aud", 200, "", verdictAudience, []any{verdictAudience}, []any{"x", verdictAudience, "y"}),
			claims("aud", 401, token.WrongAudience, "gitlab-duo-workflow-service", []any{}, []any{verdictAudience + "2"}),
			claims("aud", 401, token.Malformed, 7, true, map[string]any{verdictAudience: 1}, []any{verdictAudience, 7}, []any{[]any{verdictAudience}}),
		)},
		{"verifier/expiry/optional", join(
			without(200, "", "exp", "nbf", "iat"),
			claims("exp", 200, "", at+1, float64(at)+60.5, fmt.Sprint(at+60)),
			claims("exp", 401, token.Expired, 0, -1, false, at-1, fmt.Sprint(at-60), 1.5),
			claims("exp", 401, token.Malformed, "", "soon", "1.5", "0x10"),
			claims("exp", 500, token.Malformed, nil, []any{}, map[string]any{}),
		)},
		{"verifier/not-before/now", join(
			claims("nbf", 200, "", at, at-1, 0, true, fmt.Sprint(at)),
			claims("nbf", 401, token.NotYetValid, at+1, at+3600, fmt.Sprint(at+60)),
			claims("iat", 200, "", at+3600, 0, true, "7"),
			claims("iat", 401, token.Malformed, "then", ""),
		)},
		{"verifier/kid/ignored", heads("kid", 200, "", "", "../../etc/passwd", 1.5, true, []any{"a"}, map[string]any{}, strings.Repeat("k", 5000))},
		{"verifier/header/ignored", join(
			heads("typ", 200, "", "", nil, 7, "at+jwt", "JWE"),
			heads("crit", 200, "", nil, "exp", []any{}, []any{"b64", 7}, true),
			heads("jwk", 200, "", map[string]any{"kty": "oct", "k": "YQ"}),
			heads("jku", 200, "", "https://elsewhere.example/keys"),
			heads("x5u", 200, "", "https://elsewhere.example/cert"),
		)},
		{"verifier/algorithm/rs256-only", join(
			heads("alg", 401, token.WrongAlgorithm, "RS512 ", "RS256 ", " RS256", "ES256", "PS256", "EdDSA", "HS512", "dir", nil, 0, false),
			one("HS384", 401, token.WrongAlgorithm, func(c *gatewayCall) { c.hs256([]byte("k")); c.head["alg"] = "HS384"; c.raw = "" }),
			one("unsigned", 401, token.WrongAlgorithm, func(c *gatewayCall) { c.head["alg"], c.key = "none", nil }),
		)},
		{"verifier/scopes/substring", join(
			claims("scopes", 200, "", "a "+verdictScope+"_b", verdictScope, []any{verdictScope, 7, nil}, map[string]any{verdictScope: nil}),
			claims("scopes", 403, token.MissingScope, "", verdictScope[:10], []any{"x" + verdictScope}, []any{[]any{verdictScope}}, map[string]any{"a": verdictScope}, []any{7}),
		)},
		{"verifier/scopes/null", claims("scopes", 500, token.Malformed, nil, 7, 1.5, true, false)},
		{"verifier/scheme/case", join(
			one("upper case", 200, "", func(c *gatewayCall) { c.authorization("BEARER " + c.token()) }),
			one("mixed case", 200, "", func(c *gatewayCall) { c.authorization("bEaReR " + c.token()) }),
			one("two spaces", 401, token.Malformed, func(c *gatewayCall) { c.authorization("Bearer  x") }),
			one("the token alone", 401, token.WrongScheme, func(c *gatewayCall) { c.authorization(c.token()) }),
			one("a colon", 401, token.WrongScheme, func(c *gatewayCall) { c.authorization("Bearer: " + c.token()) }),
			one("digest", 401, token.WrongScheme, func(c *gatewayCall) { c.authorization("Digest " + c.token()) }),
			one("empty", 401, token.WrongScheme, func(c *gatewayCall) { c.authorization("") }),
		)},
		{"verifier/auth-type/exact", func() (all []variant) {
			for _, kind := range []string{"OIDC", "oidc2", "o", "jwt"} {
				all = append(all, variant{kind, func(c *gatewayCall) { c.headers.Set(token.AuthTypeHeader, kind) }, 401, token.WrongAuthType})
			}
			return append(all, variant{"padded", func(c *gatewayCall) { c.headers.Set(token.AuthTypeHeader, " oidc ") }, 200, ""})
		}()},
		{"verifier/claims/text", join(
			claims("sub", 401, token.Malformed, nil, 7, true, []any{}, map[string]any{}),
			claims("jti", 401, token.Malformed, nil, 1.5, false, []any{"a"}),
			claims("at_hash", 401, token.Malformed, "", nil, 7),
			claims("nonce", 200, "", "x", nil),
			claims("azp", 200, "", "x"),
		)},
		{"verifier/headers/empty-claim", join(
			claims("gitlab_realm", 200, "", nil, "", false, 0, []any{}, map[string]any{}),
			without(200, "", "gitlab_realm", "sub"),
			claims("gitlab_instance_id", 200, "", nil, "", 0),
			claims("sub", 200, "", ""),
		)},
		{"verifier/headers/exact", join(
			claims("gitlab_realm", 401, token.RealmMismatch, "saas", " self-managed", true, []any{"self-managed"}),
			claims("gitlab_instance_id", 401, token.InstanceMismatch, "x", 7, true),
			claims("sub", 401, token.InstanceMismatch, "x"),
			one("a realm that is not Latin", 401, token.RealmMismatch, func(c *gatewayCall) {
				c.claim("gitlab_realm", "réalm")
				c.headers.Set(token.RealmHeader, "réalm") // UTF-8, which the server reads byte by byte
			}),
		)},
		{"verifier/signature/any-key", join(
			one("GitLab's key for CustomersDot's token", 200, "", func(c *gatewayCall) { c.key = tokentest.Key(c.t, "gitlab") }),
			one("a stranger's key under a known kid", 401, token.BadSignature, func(c *gatewayCall) { c.key = tokentest.Key(c.t, "stranger") }),
			one("no signature", 401, token.BadSignature, func(c *gatewayCall) { c.raw = c.token()[:strings.LastIndexByte(c.token(), '.')+1] }),
		)},
	} {
		t.Run(rule.fact, func(t *testing.T) {
			fidelity.Proves(t, rule.fact)
			for _, v := range rule.variants {
				t.Run(v.name, func(t *testing.T) {
					c := newGatewayCall(t, r)
					v.change(c)
					got := c.send()
					require.Equal(t, v.status, got.StatusCode, got.entry.Detail)
					require.Equal(t, string(v.reason), got.entry.Reason, got.entry.Detail)
					switch v.status {
					case http.StatusInternalServerError:
						require.Equal(t, "Internal Server Error", said(t, got))
					case http.StatusForbidden:
						require.Equal(t, "Unauthorized to access "+verdictScope, said(t, got))
					}
				})
			}
		})
	}
}
