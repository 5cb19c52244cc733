package probe_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
)

// flaws are what a service does wrong.
type flaws struct {
	noExpiry, noNotBefore, noAudience, anyAlgorithm, hmacWithPublicKey bool
	scopeBySubstring, noScope, keyOfHeader, noSignature, noHeaders     bool
	anyIssuer, crashes, refusesAll                                     bool
}

// service is a backend in a few lines, with flaws. Its issuers are set before it is called.
type service struct {
	flaws
	issuers []string
}

type key struct {
	id, issuer string
	public     *rsa.PublicKey
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.crashes && r.Method == http.MethodPost {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(s.status(r))
}

func (s *service) status(r *http.Request) int {
	const unauthorized = http.StatusUnauthorized
	authorization := r.Header.Values("Authorization")
	if s.refusesAll || len(authorization) != 1 || !strings.HasPrefix(strings.ToLower(authorization[0]), "bearer ") {
		return unauthorized
	}
	parts := strings.Split(authorization[0][len("bearer "):], ".")
	if len(parts) != 3 {
		return unauthorized
	}
	var header struct {
		Alg string
		Kid string
		Jku string
		JWK *wireKey
		X5u string
		// Crit is refused, whatever it asks.
		Crit []string
	}
	var claims map[string]any
	if !decode(parts[0], &header) || !decode(parts[1], &claims) || header.Crit != nil || strings.Count(decoded(parts[1]), `"scopes"`) > 1 {
		return unauthorized
	}
	found, signed := s.signer(header.Alg, header.Kid, header.Jku, header.JWK, parts)
	if !signed || len(decoded(parts[1])) > 16<<10 {
		return unauthorized
	}
	issuer, _ := claims["iss"].(string)
	if !s.anyIssuer && issuer != found.issuer {
		return unauthorized
	}
	now := float64(clock.Real{}.Now().UnixNano()) / 1e9
	if exp, ok := claims["exp"].(float64); !s.noExpiry && (!ok || now >= exp) {
		return unauthorized
	}
	if nbf, ok := claims["nbf"].(float64); !s.noNotBefore && ok && now < nbf {
		return unauthorized
	}
	if !s.noAudience && !slices.Contains(texts(claims["aud"], true), "gitlab-foo") {
		return unauthorized
	}
	for name, claim := range map[string]string{"X-Gitlab-Realm": "gitlab_realm", "X-Gitlab-Instance-Id": "sub"} {
		if values := r.Header.Values(name); !s.noHeaders && (len(values) != 1 || values[0] != claims[claim]) {
			return unauthorized
		}
	}
	if kind := r.Header.Get("X-Gitlab-Authentication-Type"); kind != "" && kind != "oidc" {
		return unauthorized
	}
	scopes := texts(claims["scopes"], false)
	granted := s.noScope || slices.Contains(scopes, "new_feature_scope") ||
		s.scopeBySubstring && slices.ContainsFunc(scopes, func(g string) bool { return strings.Contains(g, "new_feature_scope") })
	if !granted {
		return http.StatusForbidden
	}
	return http.StatusOK
}

// signer finds the key that signed.
func (s *service) signer(alg, kid, jku string, jwk *wireKey, parts []string) (key, bool) {
	keys := s.keys()
	if s.keyOfHeader {
		if jku != "" {
			keys = append(keys, fetch(jku, s.issuers[1])...)
		}
		if jwk != nil {
			keys = append(keys, key{kid, s.issuers[1], jwk.public()})
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil && !s.noSignature {
		return key{}, false
	}
	signed := []byte(parts[0] + "." + parts[1])
	sum := sha256.Sum256(signed)
	for _, k := range keys {
		switch {
		case kid != "" && kid != k.id:
		case s.noSignature && alg == "RS256", s.anyAlgorithm && strings.EqualFold(alg, "none"):
			return k, true
		case s.hmacWithPublicKey && alg == "HS256":
			der, _ := x509.MarshalPKIXPublicKey(k.public)
			mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			_, _ = mac.Write(signed)
			if hmac.Equal(mac.Sum(nil), signature) {
				return k, true
			}
		case alg == "RS256" && rsa.VerifyPKCS1v15(k.public, crypto.SHA256, sum[:], signature) == nil:
			return k, true
		}
	}
	return key{}, false
}

func (s *service) keys() []key {
	var all []key
	for _, issuer := range s.issuers {
		all = append(all, fetch(issuer+"/oauth/discovery/keys", issuer)...)
	}
	return all
}

type wireKey struct{ Kid, N, E string }

func (k wireKey) public() *rsa.PublicKey {
	n, e := new(big.Int).SetBytes([]byte(decoded(k.N))), new(big.Int).SetBytes([]byte(decoded(k.E)))
	return &rsa.PublicKey{N: n, E: int(e.Int64())}
}

func fetch(from, issuer string) []key {
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), client.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	var set struct{ Keys []wireKey }
	if json.NewDecoder(resp.Body).Decode(&set) != nil {
		return nil
	}
	keys := make([]key, len(set.Keys))
	for n, k := range set.Keys {
		keys[n] = key{k.Kid, issuer, k.public()}
	}
	return keys
}

func decoded(segment string) string {
	text, _ := base64.RawURLEncoding.DecodeString(segment)
	return string(text)
}

func decode(segment string, v any) bool { return json.Unmarshal([]byte(decoded(segment)), v) == nil }

// texts are those of a list, or the one text where that is fine too.
func texts(v any, one bool) []string {
	var all []string
	switch v := v.(type) {
	case string:
		if one {
			all = []string{v}
		}
	case []any:
		for _, item := range v {
			text, _ := item.(string)
			all = append(all, text)
		}
	}
	return all
}
