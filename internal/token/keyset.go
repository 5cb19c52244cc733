package token

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
)

// JWK is one public RSA key as GitLab's issuers publish it. The members are encoded
// in the order of the fields.
type JWK struct {
	KeyType   string `json:"kty"`
	KeyID     string `json:"kid,omitempty"`
	Exponent  string `json:"e"`
	Modulus   string `json:"n"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
}

// NewJWK describes the public half of k.
func NewJWK(k *Key) JWK {
	public := k.Public()
	return JWK{
		KeyType:   "RSA",
		KeyID:     k.ID(),
		Exponent:  base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		Modulus:   base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		Use:       "sig",
		Algorithm: "RS256",
	}
}

// KeySet is what an issuer publishes: its keys in order (RFC 7517).
type KeySet struct {
	Keys []JWK `json:"keys"`
}

// NewKeySet lists the keys in the order given; nil is dropped and a key that comes
// again is listed once, as Rails does.
func NewKeySet(keys ...*Key) KeySet {
	set := KeySet{Keys: make([]JWK, 0, len(keys))}
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if k == nil || seen[k.ID()] {
			continue
		}
		seen[k.ID()] = true
		set.Keys = append(set.Keys, NewJWK(k))
	}
	return set
}

// IDs lists the key ids in order.
func (s KeySet) IDs() []string {
	ids := make([]string, 0, len(s.Keys))
	for _, k := range s.Keys {
		ids = append(ids, k.KeyID)
	}
	return ids
}

// JSON is the body of the key set document: {"keys":[...]}, never null, and per key
// kty, kid, e, n, use, alg.
func (s KeySet) JSON() []byte {
	if s.Keys == nil {
		s.Keys = []JWK{}
	}
	body, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return body
}
