package probetest

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/json"
	"slices"
	"strings"
)

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// signer finds the key that signed, and whose it is.
func (s *Service) signer(ctx context.Context, t unverified, keys []key) (issuer string, signed bool) {
	if _, critical := t.header["crit"]; critical && s.Flaw != CritIgnored {
		return "", false
	}
	kid, named := t.header["kid"]
	if _, isText := kid.(string); named && !isText && s.Flaw != KidIgnored {
		return "", false
	}
	for _, k := range append(slices.Clone(keys), s.brought(ctx, t)...) {
		if named && s.Flaw != KidIgnored && kid != k.id {
			continue
		}
		if s.verifies(t, k) {
			return k.issuer, true
		}
	}
	return "", false
}

// brought are the keys that the token brings along, for whom that is a key of the issuer
// that it names.
func (s *Service) brought(ctx context.Context, t unverified) []key {
	issuer, _ := t.claims["iss"].(string)
	jku, _ := t.header["jku"].(string)
	x5u, _ := t.header["x5u"].(string)
	switch {
	case s.Flaw == KeyByJKU && jku != "":
		return fetch(ctx, jku, issuer)
	case s.Flaw == FetchesX5U && x5u != "":
		fetch(ctx, x5u, issuer)
	case s.Flaw == EmbeddedKey && t.header["jwk"] != nil:
		var k wireKey
		if text, err := json.Marshal(t.header["jwk"]); err == nil && json.Unmarshal(text, &k) == nil {
			k.Kid, _ = t.header["kid"].(string)
			return []key{k.of(issuer)}
		}
	}
	return nil
}

// verifies checks the signature by the algorithms that are allowed.
func (s *Service) verifies(t unverified, k key) bool {
	alg, _ := t.header["alg"].(string)
	anyOne := s.Flaw == AnyAlgorithm
	switch {
	case alg == "RS256" && s.Flaw == NoSignature:
		return true
	case strings.EqualFold(alg, "none") && (anyOne || s.Flaw == AlgNone):
		return len(t.signature) == 0
	case alg == "HS256" && (anyOne || s.Flaw == PublicKeyAsSecret):
		return slices.ContainsFunc(k.secrets(), func(secret []byte) bool {
			mac := hmac.New(crypto.SHA256.New, secret)
			_, _ = mac.Write([]byte(t.signed))
			return hmac.Equal(mac.Sum(nil), t.signature)
		})
	case alg != "RS256" && !anyOne || len(alg) != len("RS256"):
		return false
	}
	hash, known := hashes[alg[2:]]
	if !known {
		return false
	}
	sum := hash.New()
	_, _ = sum.Write([]byte(t.signed))
	if alg[:2] == "PS" {
		return rsa.VerifyPSS(k.public, hash, sum.Sum(nil), t.signature, nil) == nil
	}
	return alg[:2] == "RS" && rsa.VerifyPKCS1v15(k.public, hash, sum.Sum(nil), t.signature) == nil
}
