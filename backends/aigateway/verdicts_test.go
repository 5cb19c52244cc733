package aigateway_test

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
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

// gatewayCall is one call that a row of the table changes.
type gatewayCall struct {
	t       *testing.T
	r       *rig
	key     *token.Key
	head    map[string]any
	claims  map[string]any
	payload []byte // in place of the claims
	raw     string // in place of the token
	headers http.Header
}

func newGatewayCall(t *testing.T, r *rig) *gatewayCall {
	good := r.good(t)
	c := &gatewayCall{t: t, r: r, key: good.signer, head: good.jose, claims: good.claims, headers: good.header}
	c.headers.Del("X-Request-Id")
	return c
}

// sub is the instance that the call comes from, and user the person.
func (c *gatewayCall) sub() string  { return c.r.instance("acme").UUID }
func (c *gatewayCall) user() string { return c.r.ada() }

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
	raw, err := token.ForgeBytes(c.key, head, payload)
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

// send sends the call, with a key that is no header's canonical name as it is.
func (c *gatewayCall) send() answer {
	c.t.Helper()
	if _, ok := c.headers["Authorization"]; !ok {
		c.headers.Set("Authorization", "Bearer "+c.token())
	}
	return c.r.send(c.t, &call{method: http.MethodPost, path: "/new_feature_endpoint", body: "{}", header: c.headers, token: "sent"})
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
	now := now.Unix()
	m := map[string]func(c *gatewayCall){
		"good self-managed": func(*gatewayCall) {},
		"good saas": func(c *gatewayCall) {
			c.key = tokentest.Key(c.t, "gitlab")
			c.head["kid"] = c.key.ID()
			c.claim("iss", c.r.gitlab.URL)
			c.claim("gitlab_realm", "saas")
			c.headers.Set(token.RealmHeader, "saas")
		},
		"no authorization header": header("Authorization"),
		"empty bearer":            header("Authorization", "Bearer "),
		"bearer without space":    header("Authorization", "Bearer"),
		"basic scheme":            header("Authorization", "Basic YTpi"),
		"lower-case bearer":       func(c *gatewayCall) { c.authorization("bearer " + c.token()) },
		"trailing space":          func(c *gatewayCall) { c.authorization("Bearer " + c.token() + " ") },

		"authentication type missing": header(token.AuthTypeHeader),
		"authentication type empty":   header(token.AuthTypeHeader, ""),
		"authentication type api-key": header(token.AuthTypeHeader, "api-key"),

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
		"HS256 keyed with n of jwk":      func(c *gatewayCall) { c.hs256([]byte(token.NewJWK(c.key).Modulus)) },
		"HS256 keyed with empty":         func(c *gatewayCall) { c.hs256(nil) },
		"alg RS384, issuer's key":        head("alg", "RS384"),
		"alg RS512, issuer's key":        head("alg", "RS512"),
		"alg rs256 lower case":           head("alg", "rs256"),
		"stranger's key, own kid": func(c *gatewayCall) {
			c.key = tokentest.Key(c.t, "stranger")
			c.head["kid"] = c.key.ID()
		},
		"kid of the other issuer": func(c *gatewayCall) { c.head["kid"] = tokentest.Key(c.t, "gitlab").ID() },
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
		"aud prefix":          claim("aud", verdictAudience[:8]),
		"aud suffix":          claim("aud", verdictAudience+"-x"),
		"aud upper case":      claim("aud", strings.ToUpper(verdictAudience)),
		"aud space padded":    claim("aud", " "+verdictAudience+" "),
		"aud list with null":  claim("aud", []any{verdictAudience, nil}),

		"iss absent":             without("iss"),
		"iss other":              claim("iss", "https://elsewhere.example"),
		"iss the other issuer's": func(c *gatewayCall) { c.claim("iss", c.r.gitlab.URL) },
		"iss null":               claim("iss", nil),
		"iss list":               func(c *gatewayCall) { c.claim("iss", []string{c.r.cdot.URL}) },
		"iss the service itself": claim("iss", verdictAudience),
		"iss the service itself, sub the user": func(c *gatewayCall) {
			c.claim("iss", verdictAudience)
			c.claim("sub", c.user())
		},

		"scopes absent":      without("scopes"),
		"scopes null":        claim("scopes", nil),
		"scopes empty":       claim("scopes", []string{}),
		"scopes other":       claim("scopes", []string{"other_scope"}),
		"scopes string list": claim("scopes", verdictScope+" other_scope"),
		"scopes upper case":  claim("scopes", []string{strings.ToUpper(verdictScope)}),
		"scopes object":      claim("scopes", map[string]any{verdictScope: 1}),
		"scopes prefix":      claim("scopes", []string{verdictScope + "_2", verdictScope[:5]}),

		"gitlab_realm claim null":        claim("gitlab_realm", nil),
		"gitlab_realm claim upper case":  claim("gitlab_realm", "SELF-MANAGED"),
		"gitlab_realm claim number":      claim("gitlab_realm", 7),
		"sub absent":                     without("sub"),
		"sub empty":                      claim("sub", ""),
		"sub null":                       claim("sub", nil),
		"sub upper case":                 func(c *gatewayCall) { c.claim("sub", strings.ToUpper(c.sub())) },
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

		"header X-Gitlab-Instance-Id missing":  header(token.InstanceHeader),
		"header X-Gitlab-Realm missing":        header(token.RealmHeader),
		"header X-Gitlab-Realm empty":          header(token.RealmHeader, ""),
		"header X-Gitlab-Global-User-Id empty": header(token.UserHeader, ""),
		"header X-Gitlab-Realm padded":         header(token.RealmHeader, "  self-managed "),
		"headers in lower case": func(c *gatewayCall) {
			lower := http.Header{"authorization": {"Bearer " + c.token()}}
			for name, values := range c.headers {
				lower[strings.ToLower(name)] = values
			}
			c.headers = lower
			c.headers["Authorization"] = nil // already there
		},
		"header instance id twice, good last":  func(c *gatewayCall) { c.headers[token.InstanceHeader] = []string{"other", c.sub()} },
		"header instance id twice, good first": func(c *gatewayCall) { c.headers[token.InstanceHeader] = []string{c.sub(), "other"} },
		"authorization twice, good first":      func(c *gatewayCall) { c.authorization("Bearer "+c.token(), "Bearer other") },

		"duplicate claim scopes, bad last": func(c *gatewayCall) { c.text(`"scopes":[]`) },
		"duplicate claim scopes, good last": func(c *gatewayCall) {
			c.claim("scopes", []string{})
			c.text(`"scopes":[%q]`, verdictScope)
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
	for name, secret := range map[string]func(k *token.Key) []byte{
		"spki pem":          func(k *token.Key) []byte { return pemBlock("PUBLIC KEY", spki(k)) },
		"spki pem stripped": func(k *token.Key) []byte { return bytes.TrimSpace(pemBlock("PUBLIC KEY", spki(k))) },
		"spki der":          spki,
		"pkcs1 pem":         func(k *token.Key) []byte { return pemBlock("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(k.Public())) },
		"pkcs1 der":         func(k *token.Key) []byte { return x509.MarshalPKCS1PublicKey(k.Public()) },
	} {
		m["HS256 keyed with "+name] = func(c *gatewayCall) { c.hs256(secret(c.key)) }
	}
	return m
}

func spki(k *token.Key) []byte {
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
var gatewayReasons = map[string]token.Reason{
	"No authorization header presented":                          token.NoToken,
	"Invalid authorization header":                               token.WrongScheme,
	"Invalid authentication token type - only OIDC is supported": token.WrongAuthType,
	"Header mismatch 'X-Gitlab-Realm'":                           token.RealmMismatch,
	"Header mismatch 'X-Gitlab-Instance-Id'":                     token.InstanceMismatch,
	"Header mismatch 'X-Gitlab-Global-User-Id'":                  token.UserMismatch,
	"Unauthorized to access new_feature_scope":                   token.MissingScope,
	"Internal Server Error":                                      token.Malformed,

	"JWTError: The specified alg value is not allowed":        token.WrongAlgorithm,
	"JWTError: No algorithm was specified in the JWS header.": token.WrongAlgorithm,
	"JWTError: Signature verification failed.":                token.BadSignature,
	"ExpiredSignatureError: Signature has expired.":           token.Expired,
	"JWTClaimsError: Invalid audience":                        token.WrongAudience,
	"empty bearer":                                            token.NoToken,
	"bearer without space":                                    token.NoToken,
	"stranger's key, own kid":                                 token.UnknownKey,
	"header X-Gitlab-Instance-Id missing":                     token.MissingHeader,
	"header X-Gitlab-Realm missing":                           token.MissingHeader,
}

const (
	verdictAudience = "gitlab-ai-gateway"
	verdictScope    = "new_feature_scope"
)

// verdictRow is a row of the measured table.
type verdictRow struct{ name, status, says, log string }

func verdictRows(t testing.TB) []verdictRow {
	table, err := os.ReadFile("testdata/verdicts.tsv")
	require.NoError(t, err)
	var rows []verdictRow
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || cells[0] == "changed" {
			continue
		}
		require.Len(t, cells, 4)
		rows = append(rows, verdictRow{cells[0], cells[1], cells[2], cells[3]})
	}
	require.Len(t, rows, 105)
	return rows
}

// fact is the id of a row's fact.
func (v verdictRow) fact(n int) string {
	return fmt.Sprintf("verdicts/calls/%03d-%s", n+1, strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(v.name), "-"), "-"))
}

// The facts of the rows are made from the table, so that none is missing and none says something else.
func TestVerdictFactsAreThoseOfTheTable(t *testing.T) {
	var text strings.Builder
	text.WriteString("# Made from the measured table by go test ./backends/aigateway -run VerdictFacts -update.\nfacts:\n")
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	for n, row := range verdictRows(t) {
		kind, fact := "rule", fmt.Sprintf("A good call, changed so: %s. It is answered %s", row.name, row.status)
		if strings.HasPrefix(row.name, "good ") {
			fact = fmt.Sprintf("A good call of %s is answered %s", strings.TrimPrefix(row.name, "good "), row.status)
		}
		if row.says != "" {
			kind, fact = "message", fact+fmt.Sprintf(" %q", row.says)
		}
		if row.log != "" {
			fact += fmt.Sprintf(", and its log says %q", row.log)
		}
		fmt.Fprintf(&text, "  - id: %s\n    kind: %s\n    fact: %s\n    versions: 'late 2024'\n    source: measured\n    from: %s\n",
			row.fact(n), kind, quoted(fact), quoted("measured on the AI gateway's own authentication module with python-jose"))
	}
	goldentest.Text(t, "../../../internal/fidelity/facts/verdicts.yaml", text.String())
}

func TestMeasuredVerdicts(t *testing.T) {
	r := newRig(t, declare("new_feature_scope", "POST /new_feature_endpoint", verdictScope, nil))
	changes := gatewayChanges()
	for n, row := range verdictRows(t) {
		change, ok := changes[row.name]
		require.True(t, ok, "no change %q", row.name)
		delete(changes, row.name)
		t.Run(row.name, func(t *testing.T) {
			fidelity.Proves(t, row.fact(n))
			c := newGatewayCall(t, r)
			change(c)
			got := c.send()
			require.Equal(t, row.status, strconv.Itoa(got.StatusCode), got.entry.Detail)
			if got.StatusCode == http.StatusOK {
				require.Empty(t, got.entry.Reason)
				return
			}
			require.Equal(t, row.says, said(t, got))
			if row.log != "" {
				require.Contains(t, got.entry.Detail, "(its log: "+row.log+")")
			} else {
				require.NotContains(t, got.entry.Detail, "(its log: ")
			}
			want := token.Malformed
			for _, key := range []string{row.says, row.log, row.name} {
				if r, ok := gatewayReasons[key]; ok {
					want = r
				}
			}
			require.Equal(t, string(want), got.entry.Reason)
			require.NotContains(t, got.entry.Detail, c.token()[:min(40, len(c.token()))]+".")
		})
	}
	for name := range maps.Keys(changes) {
		t.Errorf("change %q is in no row", name)
	}
}

// said is what an answer says: the error of a 401, the detail of a 403, the text of a 500.
func said(t testing.TB, a answer) string {
	t.Helper()
	member := map[int]string{http.StatusUnauthorized: "error", http.StatusForbidden: "detail"}[a.StatusCode]
	if member == "" {
		require.Equal(t, "text/plain; charset=utf-8", a.Header.Get("Content-Type"))
		return a.body
	}
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	var body map[string]string
	require.NoError(t, json.Unmarshal([]byte(a.body), &body))
	require.Len(t, body, 1)
	return body[member]
}
