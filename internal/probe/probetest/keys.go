package probetest

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"time"
)

// key is what an issuer published.
type key struct {
	id, issuer string
	public     *rsa.PublicKey
}

// wireKey is a key as JSON has it.
type wireKey struct{ Kid, N, E string }

func (k wireKey) of(issuer string) key {
	n, e := new(big.Int).SetBytes(decoded(k.N)), new(big.Int).SetBytes(decoded(k.E))
	return key{k.Kid, issuer, &rsa.PublicKey{N: n, E: int(e.Int64())}}
}

// secrets are the forms of a public key that a library may take for a password: those that
// it takes for a key elsewhere.
func (k key) secrets() [][]byte {
	spki, _ := x509.MarshalPKIXPublicKey(k.public)
	pkcs1 := x509.MarshalPKCS1PublicKey(k.public)
	return [][]byte{
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
	}
}

// fetch reads a key set. Of one that cannot be had there are no keys.
func fetch(ctx context.Context, from, issuer string) []key {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
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
		keys[n] = k.of(issuer)
	}
	return keys
}

func decoded(segment string) []byte {
	data, _ := base64.RawURLEncoding.DecodeString(segment)
	return data
}
