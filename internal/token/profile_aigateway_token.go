package token

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Exceptions of python-jose, as the gateway's log names them.
const (
	jwtError      = "JWTError"
	claimsError   = "JWTClaimsError"
	expiredError  = "ExpiredSignatureError"
	forbiddenText = "Forbidden by auth provider"
	crashText     = "Internal Server Error"
)

// joseToken is a token taken apart as python-jose does.
type joseToken struct {
	header       map[string]any
	payload      []byte
	signature    []byte
	signingInput []byte
}

// refuseToken is the 401 for all that python-jose finds wrong.
func refuseToken(reason Reason, class, text, detail string) *Verdict {
	return &Verdict{Status: 401, Says: forbiddenText, Log: class + ": " + text, Reason: reason, Detail: detail}
}

func malformedToken(class, text string) *Verdict {
	return refuseToken(Malformed, class, text, text)
}

// crash is the 500 for an exception that the gateway does not catch.
func crash(reason Reason, detail string) *Verdict {
	return &Verdict{Status: 500, Says: crashText, Reason: reason, Detail: detail}
}

// joseLoad takes the last segment as the signature and the first as the header;
// whatever lies between is the payload. The exception for bad base64 is a kind of the
// one for too few segments, so a bad header is reported as those.
func joseLoad(raw string) (*joseToken, *Verdict) {
	notEnough := malformedToken(jwtError, "Not enough segments")
	if raw == "" {
		notEnough.Reason, notEnough.Detail = NoToken, "the token is empty"
	}
	token := []byte(raw)
	last := bytes.LastIndexByte(token, '.')
	if last < 0 {
		return nil, notEnough
	}
	head, body, found := bytes.Cut(token[:last], []byte("."))
	if !found {
		return nil, notEnough
	}
	headData, ok := pyBase64(head)
	if !ok {
		return nil, notEnough
	}
	header, err := pyJSON(headData)
	if errors.Is(err, errTypeError) {
		return nil, crash(Malformed, "the header nests too deep")
	}
	if err != nil {
		return nil, malformedToken(jwtError, "Invalid header string: "+err.Error())
	}
	t := &joseToken{signingInput: token[:last]}
	if t.header, ok = header.(map[string]any); !ok {
		return nil, malformedToken(jwtError, "Invalid header string: must be a json object")
	}
	if t.payload, ok = pyBase64(body); !ok {
		return nil, malformedToken(jwtError, "Invalid payload padding")
	}
	if t.signature, ok = pyBase64(token[last+1:]); !ok {
		return nil, malformedToken(jwtError, "Invalid crypto padding")
	}
	return t, nil
}

// checkSignature tries every key of the set in turn: kid, typ and crit do not matter.
// A key that is no RSA key, reached before one that fits, is an uncaught exception.
func (t *joseToken) checkSignature(set *gatewaySet) *Verdict {
	alg := t.header["alg"]
	if !pyTrue(alg) {
		return refuseToken(WrongAlgorithm, jwtError, "No algorithm was specified in the JWS header.", "expected alg \"RS256\", got none")
	}
	if alg != any(algorithm) {
		name, _ := alg.(string)
		return refuseToken(WrongAlgorithm, jwtError, "The specified alg value is not allowed", fmt.Sprintf("expected alg %q, got %q", algorithm, short(name)))
	}
	sum := sha256.Sum256(t.signingInput)
	for _, k := range set.keys {
		if k.public == nil {
			return crash(KeysUnavailable, fmt.Sprintf("key %q in the key set is not a usable RSA key", short(k.id)))
		}
		if rsa.VerifyPKCS1v15(k.public, crypto.SHA256, sum[:], t.signature) == nil {
			return nil
		}
	}
	return t.explainSignature(set)
}

// explainSignature finds the reason that the gateway's one text hides: the key is
// known and did not sign, or it is not in the set, and then perhaps because its
// issuer could not be asked.
func (t *joseToken) explainSignature(set *gatewaySet) *Verdict {
	const text = "Signature verification failed."
	kid, hasKid := t.header["kid"].(string)
	ids := make([]string, 0, len(set.keys))
	for _, k := range set.keys {
		ids = append(ids, k.id)
	}
	if payload, err := pyJSON(t.payload); err == nil {
		claims, _ := payload.(map[string]any)
		iss, _ := claims["iss"].(string)
		for _, failed := range set.failed {
			if failed.issuer.identifier() == iss && !slices.Contains(ids, kid) {
				return refuseToken(KeysUnavailable, jwtError, text, fmt.Sprintf("no keys of %s since the set was fetched: %v", failed.issuer.Name, failed.err))
			}
		}
	}
	there := strings.Join(shortAll(ids), ", ")
	if hasKid && !slices.Contains(ids, kid) {
		return refuseToken(UnknownKey, jwtError, text, fmt.Sprintf("no key with kid %q in the set (keys there: %s)", short(kid), there))
	}
	return refuseToken(BadSignature, jwtError, text, "the signature is by none of the keys "+there)
}

// joseClaims reads the payload and checks the claims in python-jose's order: iat,
// nbf, exp, aud, sub, jti, at_hash. A claim that is absent passes every check.
func joseClaims(payload []byte, audience string, now time.Time) (map[string]any, *Verdict) {
	v, err := pyJSON(payload)
	if errors.Is(err, errTypeError) {
		return nil, crash(Malformed, "the payload nests too deep")
	}
	if err != nil {
		return nil, malformedToken(jwtError, "Invalid payload string: "+err.Error())
	}
	claims, ok := v.(map[string]any)
	if !ok {
		return nil, malformedToken(jwtError, "Invalid payload string: must be a json object")
	}
	for _, check := range []func(map[string]any) *Verdict{
		func(c map[string]any) *Verdict { return joseTimes(c, now) },
		func(c map[string]any) *Verdict { return joseAudience(c, audience) },
		func(c map[string]any) *Verdict { return joseText(c, "sub", "Subject") },
		func(c map[string]any) *Verdict { return joseText(c, "jti", "JWT ID") },
		joseAtHash,
	} {
		if verdict := check(claims); verdict != nil {
			return nil, verdict
		}
	}
	return claims, nil
}

func joseTimes(claims map[string]any, now time.Time) *Verdict {
	seconds := big.NewInt(now.Unix())
	for _, c := range []struct {
		claim, name string
		wrong       func(at *big.Int) *Verdict
	}{
		{"iat", "Issued At", func(*big.Int) *Verdict { return nil }},
		{"nbf", "Not Before", func(at *big.Int) *Verdict {
			if at.Cmp(seconds) <= 0 {
				return nil
			}
			return refuseToken(NotYetValid, claimsError, "The token is not yet valid (nbf)", fmt.Sprintf("nbf %s is after now %s", shortInt(at), seconds))
		}},
		// A token is still good in the second of its exp, other than by RFC 7519.
		{"exp", "Expiration Time", func(at *big.Int) *Verdict {
			if at.Cmp(seconds) >= 0 {
				return nil
			}
			return refuseToken(Expired, expiredError, "Signature has expired.", fmt.Sprintf("token expired: exp %s is before now %s", shortInt(at), seconds))
		}},
	} {
		v, ok := claims[c.claim]
		if !ok {
			continue
		}
		at, err := pyInt(v)
		if errors.Is(err, errTypeError) {
			return crash(Malformed, fmt.Sprintf("claim %s cannot be made an integer", c.claim))
		}
		if err != nil {
			return malformedToken(claimsError, fmt.Sprintf("%s claim (%s) must be an integer.", c.name, c.claim))
		}
		if verdict := c.wrong(at); verdict != nil {
			return verdict
		}
	}
	return nil
}

// shortInt writes a time for a detail; nobody needs thousands of digits.
func shortInt(n *big.Int) string {
	if n.IsInt64() {
		return n.String()
	}
	return "beyond all bounds"
}

func joseAudience(claims map[string]any, audience string) *Verdict {
	v, ok := claims["aud"]
	if !ok {
		return nil
	}
	list, ok := stringList(v)
	switch {
	case !ok:
		return malformedToken(claimsError, "Invalid claim format in token")
	case !slices.Contains(list, audience):
		return refuseToken(WrongAudience, claimsError, "Invalid audience", fmt.Sprintf("audience %q does not hold %q", shortAll(list), audience))
	}
	return nil
}

func joseText(claims map[string]any, claim, name string) *Verdict {
	v, ok := claims[claim]
	if _, isText := v.(string); !ok || isText {
		return nil
	}
	return malformedToken(claimsError, name+" must be a string.")
}

func joseAtHash(claims map[string]any) *Verdict {
	if _, ok := claims["at_hash"]; !ok {
		return nil
	}
	return malformedToken(claimsError, "No access_token provided to compare against at_hash claim.")
}
