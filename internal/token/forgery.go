package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Forgery says how a forged token differs from one that is signed as it should be. The
// zero value is signed by RS256. It is for negative tests, as [Forge] is.
type Forgery struct {
	// Algorithm signs in place of RS256, one of Algorithms. The header says the same,
	// unless it has another "alg" than RS256 already. ES algorithms use a key of their own.
	Algorithm string
	// HMACKey is what HS256 is keyed with: a form of the public key, one of HMACKeys.
	HMACKey string
	// Spoil is what is done to the token, one of Spoils.
	Spoil string
	// Nulls are claims that are null.
	Nulls []string
}

// Algorithms are those that Forgery signs with.
func Algorithms() []string { return slices.Sorted(maps.Keys(algorithms)) }

// HMACKeys are the forms of a public key that HS256 may be keyed with.
func HMACKeys() []string { return slices.Sorted(maps.Keys(hmacKeys)) }

// Spoils are what can be done to a token. Those that change the text of the token come
// after its signature.
func Spoils() []string {
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(names)
	return slices.Compact(names)
}

var algorithms = map[string]jwt.SigningMethod{
	"none": nil, "HS256": jwt.SigningMethodHS256,
	"RS256": jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": jwt.SigningMethodPS256, "PS384": jwt.SigningMethodPS384, "PS512": jwt.SigningMethodPS512,
	"ES256": jwt.SigningMethodES256,
}

// hmacKeys are the encodings in which a careless verifier may hand a public key to HMAC.
var hmacKeys = map[string]func(*Key) ([]byte, error){
	"spki_pem": func(k *Key) ([]byte, error) { return pemOf("PUBLIC KEY", k, pkixDER) },
	"spki_pem_stripped": func(k *Key) ([]byte, error) {
		text, err := pemOf("PUBLIC KEY", k, pkixDER)
		return []byte(strings.TrimSpace(string(text))), err
	},
	"spki_der":  pkixDER,
	"pkcs1_pem": func(k *Key) ([]byte, error) { return pemOf("RSA PUBLIC KEY", k, pkcs1DER) },
	"pkcs1_der": pkcs1DER,
	"n":         func(k *Key) ([]byte, error) { return []byte(NewJWK(k).Modulus), nil },
	"empty":     func(*Key) ([]byte, error) { return []byte{}, nil },
}

func pkixDER(k *Key) ([]byte, error) { return x509.MarshalPKIXPublicKey(k.Public()) }

func pkcs1DER(k *Key) ([]byte, error) { return x509.MarshalPKCS1PublicKey(k.Public()), nil }

func pemOf(kind string, k *Key, der func(*Key) ([]byte, error)) ([]byte, error) {
	data, err := der(k)
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), err
}

// forged is a token in the making: what is encoded and signed.
type forged struct{ header, payload []byte }

// before are the spoils that the signature covers.
var before = map[string]func(*forged, *Key, map[string]any) error{
	"embedded_jwk": func(f *forged, k *Key, _ map[string]any) error {
		jwk, err := json.Marshal(NewJWK(k))
		f.header = withMember(f.header, "jwk", jwk)
		return err
	},
	"payload_list": func(f *forged, _ *Key, _ map[string]any) error {
		f.payload = slices.Concat([]byte("["), f.payload, []byte("]"))
		return nil
	},
	"payload_with_bom": func(f *forged, _ *Key, _ map[string]any) error {
		f.payload = slices.Concat([]byte("\ufeff"), f.payload)
		return nil
	},
	"deep_payload": func(f *forged, _ *Key, _ map[string]any) error {
		f.payload = withMember(f.payload, "deep", []byte(strings.Repeat("[", nesting)+strings.Repeat("]", nesting)))
		return nil
	},
	// The payload becomes one that Base64 pads.
	"padded_base64": func(f *forged, _ *Key, _ map[string]any) error {
		if len(f.payload)%3 == 0 {
			f.payload = withMember(f.payload, "pad", []byte("true"))
		}
		return nil
	},
	"scopes_twice_bad_last": func(f *forged, _ *Key, _ map[string]any) error {
		f.payload = withMember(f.payload, "scopes", []byte("[]"))
		return nil
	},
	"scopes_twice_good_last": func(f *forged, _ *Key, claims map[string]any) error {
		scopes, err := json.Marshal(claims["scopes"])
		without := maps.Clone(claims)
		without["scopes"] = []string{}
		payload, err2 := json.Marshal(without)
		f.payload = withMember(payload, "scopes", scopes)
		return errors.Join(err, err2)
	},
}

// nesting is how many lists deep_payload has in each other. Parsers that recurse have a
// limit below it.
const nesting = 5000

// withMember adds a member to the end of a JSON object, whether it has one of that name
// or not.
func withMember(object []byte, name string, value []byte) []byte {
	return fmt.Appendf(slices.Clone(object[:len(object)-1]), ",%q:%s}", name, value)
}

// after are the spoils of the signed token's three segments.
var after = map[string]func(header, payload, signature string) string{
	"changed_payload": func(h, p, s string) string {
		data, _ := base64.RawURLEncoding.DecodeString(p)
		return h + "." + base64.RawURLEncoding.EncodeToString(withMember(data, "forged", []byte("true"))) + "." + s
	},
	"changed_signature": func(h, p, s string) string { return h + "." + p + "." + changed(s) },
	"no_signature":      func(h, p, _ string) string { return h + "." + p + "." },
	"half_a_signature":  func(h, p, s string) string { return h + "." + p + "." + s[:len(s)/2&^3] },
	"one_segment":       func(h, _, _ string) string { return h },
	"two_segments":      func(h, p, _ string) string { return h + "." + p },
	"four_segments":     func(h, p, s string) string { return h + "." + p + "." + s + ".e30" },
	"garbled_header":    func(_, p, s string) string { return "!!!!." + p + "." + s },
	"garbled_payload":   func(h, _, s string) string { return h + ".!!!!." + s },
	"garbage":           func(string, string, string) string { return "garbage" },
	"padded_base64":     func(h, p, s string) string { return padded(h) + "." + padded(p) + "." + padded(s) },
	"standard_base64": func(h, p, s string) string {
		return h + "." + p + "." + strings.NewReplacer("-", "+", "_", "/").Replace(s)
	},
}

// padded is a segment as Base64 has it that fills up with equals signs.
func padded(segment string) string { return segment + strings.Repeat("=", (4-len(segment)%4)%4) }

// changed flips the first character of a segment, whose bits all count.
func changed(segment string) string {
	if segment == "" {
		return "AAAA"
	}
	first := "A"
	if segment[0] == 'A' {
		first = "B"
	}
	return first + segment[1:]
}

// ForgeAs is [Forge] as f says.
func ForgeAs(k *Key, header, claims map[string]any, f Forgery) (string, error) {
	if f.Algorithm != "" && header["alg"] == algorithm {
		header = maps.Clone(header)
		header["alg"] = f.Algorithm
	}
	head, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("forge token: header: %w", err)
	}
	if len(f.Nulls) > 0 {
		claims = maps.Clone(claims)
		for _, name := range f.Nulls {
			claims[name] = nil
		}
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("forge token: claims: %w", err)
	}
	t := &forged{head, body}
	early, isEarly := before[f.Spoil]
	late, isLate := after[f.Spoil]
	if f.Spoil != "" && !isEarly && !isLate {
		return "", fmt.Errorf("forge token: unknown spoil %q, expected one of %s", f.Spoil, strings.Join(Spoils(), ", "))
	}
	if isEarly {
		if err := early(t, k, claims); err != nil {
			return "", fmt.Errorf("forge token: %w", err)
		}
	}
	signed := base64.RawURLEncoding.EncodeToString(t.header) + "." + base64.RawURLEncoding.EncodeToString(t.payload)
	signature, err := f.sign(k, signed)
	if err != nil {
		return "", fmt.Errorf("forge token: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(signature)
	if isLate {
		head, body, _ := strings.Cut(signed, ".")
		return late(head, body, text), nil
	}
	return signed + "." + text, nil
}

func (f Forgery) sign(k *Key, text string) ([]byte, error) {
	name := f.Algorithm
	if name == "" {
		name = algorithm
	}
	method, known := algorithms[name]
	switch {
	case !known:
		return nil, fmt.Errorf("unknown algorithm %q, expected one of %s", name, strings.Join(Algorithms(), ", "))
	case name != "HS256" && f.HMACKey != "":
		return nil, fmt.Errorf("a key for HMAC goes with HS256, not with %s", name)
	case method == nil:
		return nil, nil
	case name == "HS256":
		form, known := hmacKeys[f.HMACKey]
		if !known {
			return nil, fmt.Errorf("unknown form of a key %q, expected one of %s", f.HMACKey, strings.Join(HMACKeys(), ", "))
		}
		secret, err := form(k)
		if err != nil {
			return nil, err
		}
		return method.Sign(text, secret)
	case name == "ES256":
		curve, err := curveKey()
		if err != nil {
			return nil, err
		}
		return method.Sign(text, curve)
	case name == algorithm:
		return k.sign(text)
	}
	return method.Sign(text, k.private)
}

// curveKey is the key of ES256, which no issuer has: the number one.
func curveKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), 1))
}
