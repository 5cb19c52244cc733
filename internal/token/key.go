package token

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// keyBits is the size that GitLab and CustomersDot use.
const keyBits = 2048

// Key is an RSA-2048 private key with its id, neither of which ever changes. It is safe for
// concurrent use.
type Key struct {
	private *rsa.PrivateKey
	id      string
	signed  signatures
}

// GenerateKey makes a new key from the system's randomness.
func GenerateKey() (*Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("generate RSA key: %w", err)
	}
	return newKey(private)
}

// ParseKey reads an RSA private key from one PEM block, PKCS #1 ("RSA PRIVATE KEY")
// or PKCS #8 ("PRIVATE KEY"). A key of another kind or under 2048 bits is an error;
// so is anything after the block.
func ParseKey(data []byte) (*Key, error) {
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, errors.New("expected a PEM block with an RSA private key, found none")
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("expected one PEM block, found %d bytes after it", len(rest))
	}
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("expected PEM block %q, got %q", "RSA PRIVATE KEY", short(block.Type))
	}
	if err != nil {
		// The parser's own text may quote what it read.
		return nil, fmt.Errorf("the PEM block %q does not hold a usable key", block.Type)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("expected an RSA key, got %T", parsed)
	}
	return newKey(private)
}

func newKey(private *rsa.PrivateKey) (*Key, error) {
	if bits := private.N.BitLen(); bits < keyBits {
		return nil, fmt.Errorf("expected an RSA key of at least %d bits, got %d", keyBits, bits)
	}
	id, err := thumbprint(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	return &Key{private: private, id: id}, nil
}

// ID is the key id that goes into "kid": the RFC 7638 SHA-256 thumbprint of the
// public key, base64url without padding (43 characters), as GitLab computes it.
func (k *Key) ID() string { return k.id }

// Public returns the public half.
func (k *Key) Public() *rsa.PublicKey { return &k.private.PublicKey }

// PEM returns the private key as a PKCS #1 PEM block, the form in which Rails keeps it.
func (k *Key) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k.private)})
}

// String names the key by its id; it never prints the key.
func (k *Key) String() string { return "key " + k.id }

// GoString keeps %#v from printing the key.
func (k *Key) GoString() string { return k.String() }

func thumbprint(public *rsa.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint of the public key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
