package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

// gatewayCall is one call that a row of the table changes.
type gatewayCall struct {
	t       *testing.T
	w       *testWorld
	key     *Key
	head    map[string]any
	claims  map[string]any
	payload []byte // in place of the claims
	raw     string // in place of the token
	headers http.Header
}

func newGatewayCall(t *testing.T, w *testWorld) *gatewayCall {
	c := &gatewayCall{t: t, w: w, key: testKey(t, "portal"), claims: w.claims()}
	c.head = w.header(c.key)
	c.headers = http.Header{
		AuthTypeHeader: {"oidc"}, InstanceHeader: {testInstance}, RealmHeader: {"self-managed"}, UserHeader: {testUser},
	}
	return c
}

// token is the call's token as changed so far.
func (c *gatewayCall) token() string {
	if c.raw != "" {
		return c.raw
	}
	head, err := json.Marshal(c.head)
	require.NoError(c.t, err)
	payload := c.payload
	if payload == nil {
		payload, err = json.Marshal(c.claims)
		require.NoError(c.t, err)
	}
	raw, err := ForgeBytes(c.key, head, payload)
	require.NoError(c.t, err)
	return raw
}

func (c *gatewayCall) claim(name string, value any) { c.claims[name] = value }

// text puts members into the payload as written.
func (c *gatewayCall) text(format string, args ...any) {
	payload, err := json.Marshal(c.claims)
	require.NoError(c.t, err)
	c.payload = append(payload[:len(payload)-1], []byte(","+fmt.Sprintf(format, args...)+"}")...)
}

// pad changes the length of the payload until it leaves that rest by 3.
func (c *gatewayCall) pad(rest int) {
	for {
		payload, err := json.Marshal(c.claims)
		require.NoError(c.t, err)
		if len(payload)%3 == rest {
			return
		}
		c.claims["pad"] = fmt.Sprint(c.claims["pad"]) + "x"
	}
}

func (c *gatewayCall) hs256(secret []byte) {
	c.head["alg"] = "HS256"
	head, body, _ := strings.Cut(c.token(), ".")
	body, _, _ = strings.Cut(body, ".")
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(head + "." + body))
	c.raw = head + "." + body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verdict sends the call through a real server, which strips and folds as they do.
func (c *gatewayCall) verdict(v *AIGatewayVerifier) Verdict {
	if _, ok := c.headers["Authorization"]; !ok {
		c.headers.Set("Authorization", "Bearer "+c.token())
	}
	var verdict Verdict
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		verdict = v.Check(r.Context(), r.Header, testScope)
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, server.URL, nil)
	require.NoError(c.t, err)
	req.Header = c.headers
	res, err := server.Client().Do(req)
	require.NoError(c.t, err)
	require.NoError(c.t, res.Body.Close())
	return verdict
}

func (c *gatewayCall) authorization(values ...string) { c.headers["Authorization"] = values }

// gatewayChanges builds the rows of the table by name.
func gatewayChanges() map[string]func(c *gatewayCall) {
	without := func(claim string) func(c *gatewayCall) { return func(c *gatewayCall) { delete(c.claims, claim) } }
	claim := func(name string, value any) func(c *gatewayCall) {
		return func(c *gatewayCall) { c.claim(name, value) }
	}
	head := func(name string, value any) func(c *gatewayCall) {
		return func(c *gatewayCall) { c.head[name] = value }
	}
	unsigned := func(alg string) func(c *gatewayCall) {
		return func(c *gatewayCall) { c.head["alg"], c.key = alg, nil }
	}
	header := func(name string, values ...string) func(c *gatewayCall) {
		return func(c *gatewayCall) { c.headers[name] = values }
	}
	raw := func(text string) func(c *gatewayCall) { return func(c *gatewayCall) { c.raw = text } }
	payload := func(text string) func(c *gatewayCall) {
		return func(c *gatewayCall) { c.payload = []byte(text) }
	}
	now := testNow.Unix()
	m := map[string]func(c *gatewayCall){
		"good self-managed": func(*gatewayCall) {},
		"good saas": func(c *gatewayCall) {
			c.key = testKey(c.t, "gitlab")
			c.head = c.w.header(c.key)
			c.claim("iss", c.w.gitlab.URL)
			c.claim("gitlab_realm", "saas")
			c.headers.Set(RealmHeader, "saas")
		},
		"no authorization header": header("Authorization"),
		"empty bearer":            header("Authorization", "Bearer "),
		"bearer without space":    header("Authorization", "Bearer"),
		"basic scheme":            header("Authorization", "Basic YTpi"),
		"lower-case bearer":       func(c *gatewayCall) { c.authorization("bearer " + c.token()) },
		"trailing space":          func(c *gatewayCall) { c.authorization("Bearer " + c.token() + " ") },

		"authentication type missing": header(AuthTypeHeader),
		"authentication type empty":   header(AuthTypeHeader, ""),
		"authentication type api-key": header(AuthTypeHeader, "api-key"),

		"one segment": raw("abc"),
		"four segments": func(c *gatewayCall) { // with a payload at which the two in the middle still decode
			c.pad(1)
			c.raw = c.token() + ".x"
		},
		"garbage":        raw("garbage"),
		"not base64":     raw("a.b.c"),
		"payload a list": payload("[]"),
		"changed signature": func(c *gatewayCall) {
			good := c.token()
			c.raw = good[:len(good)-8] + "AAAAAAAA"
		},

		"alg 'none' with good signature": head("alg", "none"),
		"alg 'NONE' unsigned":            unsigned("NONE"),
		"alg 'nOnE' unsigned":            unsigned("nOnE"),
		"alg '' unsigned":                unsigned(""),
		"alg absent":                     func(c *gatewayCall) { delete(c.head, "alg") },
		"HS256 keyed with n of jwk":      func(c *gatewayCall) { c.hs256([]byte(NewJWK(c.key).Modulus)) },
		"HS256 keyed with empty":         func(c *gatewayCall) { c.hs256(nil) },
		"alg RS384, issuer's key":        head("alg", "RS384"),
		"alg RS512, issuer's key":        head("alg", "RS512"),
		"alg rs256 lower case":           head("alg", "rs256"),
		"stranger's key, own kid": func(c *gatewayCall) {
			c.key = testKey(c.t, "stranger")
			c.head = c.w.header(c.key)
		},
		"kid of the other issuer": func(c *gatewayCall) { c.head["kid"] = testKey(c.t, "gitlab").ID() },
		"kid sql":                 head("kid", "x' UNION SELECT 'k"),
		"kid number":              head("kid", 7),
		"kid null":                head("kid", nil),
		"typ odd":                 head("typ", "odd"),
		"crit exp":                head("crit", []string{"exp"}),
		"crit unknown":            head("crit", []string{"unknown"}),
		"b64 false":               head("b64", false),

		"exp second ago": claim("exp", now-1),
		"exp 60 s ago":   claim("exp", now-60),
		"exp null":       claim("exp", nil),
		"exp word":       claim("exp", "tomorrow"),
		"exp bool":       claim("exp", true),
		"nbf word":       claim("nbf", "now"),
		"iat absent":     without("iat"),
		"iat string":     claim("iat", strconv.FormatInt(now, 10)),
		"iat word":       claim("iat", "now"),
		"iat float":      claim("iat", float64(now)+0.5),

		"aud other":           claim("aud", "elsewhere"),
		"aud null":            claim("aud", nil),
		"aud empty":           claim("aud", ""),
		"aud list without it": claim("aud", []string{"a", "b"}),
		"aud prefix":          claim("aud", testAudience[:8]),
		"aud suffix":          claim("aud", testAudience+"-x"),
		"aud upper case":      claim("aud", strings.ToUpper(testAudience)),
		"aud space padded":    claim("aud", " "+testAudience+" "),
		"aud list with null":  claim("aud", []any{testAudience, nil}),

		"iss absent":             without("iss"),
		"iss other":              claim("iss", "https://elsewhere.example"),
		"iss the other issuer's": func(c *gatewayCall) { c.claim("iss", c.w.gitlab.URL) },
		"iss null":               claim("iss", nil),
		"iss list":               func(c *gatewayCall) { c.claim("iss", []string{c.w.portal.URL}) },
		"iss the service itself": claim("iss", testAudience),
		"iss the service itself, sub the user": func(c *gatewayCall) {
			c.claim("iss", testAudience)
			c.claim("sub", testUser)
		},

		"scopes absent":      without("scopes"),
		"scopes null":        claim("scopes", nil),
		"scopes empty":       claim("scopes", []string{}),
		"scopes other":       claim("scopes", []string{"other_scope"}),
		"scopes string list": claim("scopes", testScope+" other_scope"),
		"scopes upper case":  claim("scopes", []string{strings.ToUpper(testScope)}),
		"scopes object":      claim("scopes", map[string]any{testScope: 1}),
		"scopes prefix":      claim("scopes", []string{testScope + "_2", testScope[:5]}),

		"gitlab_realm claim null":        claim("gitlab_realm", nil),
		"gitlab_realm claim upper case":  claim("gitlab_realm", "SELF-MANAGED"),
		"gitlab_realm claim number":      claim("gitlab_realm", 7),
		"sub absent":                     without("sub"),
		"sub empty":                      claim("sub", ""),
		"sub null":                       claim("sub", nil),
		"sub upper case":                 claim("sub", strings.ToUpper(testInstance)),
		"sub number":                     claim("sub", 7),
		"jti number":                     claim("jti", 7),
		"jti absent":                     without("jti"),
		"jti empty":                      claim("jti", ""),
		"at_hash present":                claim("at_hash", "x"),
		"gitlab_instance_id claim other": claim("gitlab_instance_id", "other"),
		"seat claim, other header": func(c *gatewayCall) {
			c.claim("duo_seat_count", 10)
			c.headers.Set("X-Gitlab-Duo-Seat-Count", "5")
		},

		"header X-Gitlab-Instance-Id missing":  header(InstanceHeader),
		"header X-Gitlab-Realm missing":        header(RealmHeader),
		"header X-Gitlab-Realm empty":          header(RealmHeader, ""),
		"header X-Gitlab-Global-User-Id empty": header(UserHeader, ""),
		"header X-Gitlab-Realm padded":         header(RealmHeader, "  self-managed "),
		"headers in lower case": func(c *gatewayCall) {
			lower := http.Header{"authorization": {"Bearer " + c.token()}}
			for name, values := range c.headers {
				lower[strings.ToLower(name)] = values
			}
			c.headers = lower
			c.headers["Authorization"] = nil // already there
		},
		"header instance id twice, good last":  header(InstanceHeader, "other", testInstance),
		"header instance id twice, good first": header(InstanceHeader, testInstance, "other"),
		"authorization twice, good first":      func(c *gatewayCall) { c.authorization("Bearer "+c.token(), "Bearer other") },

		"duplicate claim scopes, bad last": func(c *gatewayCall) { c.text(`"scopes":[]`) },
		"duplicate claim scopes, good last": func(c *gatewayCall) {
			c.claim("scopes", []string{})
			c.text(`"scopes":[%q]`, testScope)
		},
		"payload with bom":     payload("\ufeff{}"),
		"payload deep nesting": func(c *gatewayCall) { c.text(`"deep":%s%s`, strings.Repeat("[", 5000), strings.Repeat("]", 5000)) },
		"20 KiB token":         claim("extra", strings.Repeat("x", 15<<10)),
		"padded base64": func(c *gatewayCall) {
			c.pad(1)
			parts := strings.Split(c.token(), ".")
			for n, p := range parts {
				parts[n] = p + strings.Repeat("=", (4-len(p)%4)%4)
			}
			c.raw = strings.Join(parts, ".")
		},
		"standard base64 alphabet": func(c *gatewayCall) {
			parts := strings.Split(c.token(), ".")
			parts[2] = strings.NewReplacer("-", "+", "_", "/").Replace(parts[2])
			c.raw = strings.Join(parts, ".")
		},
	}
	for name, secret := range map[string]func(k *Key) []byte{
		"spki pem":          func(k *Key) []byte { return pemBlock("PUBLIC KEY", spki(k)) },
		"spki pem stripped": func(k *Key) []byte { return bytes.TrimSpace(pemBlock("PUBLIC KEY", spki(k))) },
		"spki der":          spki,
		"pkcs1 pem":         func(k *Key) []byte { return pemBlock("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(k.Public())) },
		"pkcs1 der":         func(k *Key) []byte { return x509.MarshalPKCS1PublicKey(k.Public()) },
	} {
		m["HS256 keyed with "+name] = func(c *gatewayCall) { c.hs256(secret(c.key)) }
	}
	return m
}

func spki(k *Key) []byte {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		panic(err)
	}
	return der
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// gatewayReasons are ours for the rows that are refused, where the text does not
// settle them.
var gatewayReasons = map[string]Reason{
	"No authorization header presented":                          NoToken,
	"Invalid authorization header":                               WrongScheme,
	"Invalid authentication token type - only OIDC is supported": WrongAuthType,
	"Header mismatch 'X-Gitlab-Realm'":                           RealmMismatch,
	"Header mismatch 'X-Gitlab-Instance-Id'":                     InstanceMismatch,
	"Header mismatch 'X-Gitlab-Global-User-Id'":                  UserMismatch,
	"Unauthorized to access new_feature_scope":                   MissingScope,
	"Internal Server Error":                                      Malformed,

	"JWTError: The specified alg value is not allowed":        WrongAlgorithm,
	"JWTError: No algorithm was specified in the JWS header.": WrongAlgorithm,
	"JWTError: Signature verification failed.":                BadSignature,
	"ExpiredSignatureError: Signature has expired.":           Expired,
	"JWTClaimsError: Invalid audience":                        WrongAudience,
	"empty bearer":                                            NoToken,
	"bearer without space":                                    NoToken,
	"stranger's key, own kid":                                 UnknownKey,
	"header X-Gitlab-Instance-Id missing":                     MissingHeader,
	"header X-Gitlab-Realm missing":                           MissingHeader,
}

func (w *testWorld) gatewayVerifier(o AIGatewayKeysOptions) *AIGatewayVerifier {
	return &AIGatewayVerifier{
		Keys: NewAIGatewayKeys(w.clock, nil, []Issuer{
			{Name: "gitlab.com", URL: w.gitlab.URL}, {Name: "customersdot", URL: w.portal.URL},
		}, o),
		Service: testAudience, Clock: w.clock,
	}
}

func TestAIGatewayVerdicts(t *testing.T) {
	fidelity.Proves(t,
		"verifier/verdicts/all", "verifier/issuer/unchecked", "verifier/audience/optional",
		"verifier/expiry/optional", "verifier/kid/ignored", "verifier/algorithm/rs256-only",
		"verifier/scopes/substring", "verifier/scopes/null", "verifier/scheme/case",
	)
	table, err := os.ReadFile("testdata/aigateway_verdicts.tsv")
	require.NoError(t, err)
	changes := gatewayChanges()
	rows := 0
	for line := range strings.Lines(string(table)) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || row[0] == "changed" {
			continue
		}
		require.Len(t, row, 4)
		rows++
		change, ok := changes[row[0]]
		require.True(t, ok, "no change %q", row[0])
		delete(changes, row[0])
		t.Run(row[0], func(t *testing.T) {
			w := newTestWorld(t)
			c := newGatewayCall(t, w)
			change(c)
			got := c.verdict(w.gatewayVerifier(AIGatewayKeysOptions{}))
			require.Equal(t, row[1:], []string{strconv.Itoa(got.Status), got.Says, got.Log}, got.Detail)
			require.Equal(t, got.Status == 200, got.OK())
			if got.OK() {
				require.Equal(t, Verdict{Status: 200}, got)
				return
			}
			want := Malformed
			for _, key := range []string{row[2], row[3], row[0]} {
				if r, ok := gatewayReasons[key]; ok {
					want = r
				}
			}
			require.Equal(t, want, got.Reason)
			require.NotEmpty(t, got.Detail)
			require.NotContains(t, got.Detail, c.token()[:min(40, len(c.token()))]+".")
		})
	}
	require.Equal(t, 105, rows)
	for name := range maps.Keys(changes) {
		t.Errorf("change %q is in no row", name)
	}
}
