package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeyRoundTrip(t *testing.T) {
	key := testKey(t, "portal")
	again, err := ParseKey(key.PEM())
	require.NoError(t, err)
	require.Equal(t, key.ID(), again.ID())
	require.Len(t, key.ID(), 43)

	der, err := x509.MarshalPKCS8PrivateKey(key.private)
	require.NoError(t, err)
	again, err = ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.NoError(t, err)
	require.Equal(t, key.ID(), again.ID())

	for _, text := range []string{key.String(), fmt.Sprintf("%v", key), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key)} {
		require.Equal(t, "key "+key.ID(), text)
	}
}

// The example key of RFC 7638, section 3.1.
func TestThumbprintOfTheRFC(t *testing.T) {
	raw, err := os.ReadFile("testdata/rfc7638.json")
	require.NoError(t, err)
	key, err := parseJWK(raw)
	require.NoError(t, err)
	id, err := thumbprint(key.public)
	require.NoError(t, err)
	require.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", id)
}

func TestParseKeyRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ecDER, err := x509.MarshalPKCS8PrivateKey(ec)
	require.NoError(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for want, data := range map[string][]byte{
		"found none":                   []byte("x"),
		"found 1 bytes after it":       append(testKey(t, "portal").PEM(), 'x'),
		`got "CERTIFICATE"`:            block("CERTIFICATE", nil),
		"does not hold a usable key":   block("RSA PRIVATE KEY", []byte("x")),
		"expected an RSA key, got":     block("PRIVATE KEY", ecDER),
		"at least 2048 bits, got 1024": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)),
	} {
		_, err := ParseKey(data)
		require.ErrorContains(t, err, want)
	}
}

func TestKeySetJSON(t *testing.T) {
	require.Equal(t, `{"keys":[]}`, string(KeySet{}.JSON()))
	require.Equal(t, `{"keys":[]}`, string(NewKeySet(nil).JSON()))

	a, b := testKey(t, "portal"), testKey(t, "gitlab")
	set := NewKeySet(a, nil, b, a)
	require.Equal(t, []string{a.ID(), b.ID()}, set.IDs())
	ja, jb := NewJWK(a), NewJWK(b)
	require.Equal(t, fmt.Sprintf(
		`{"keys":[{"kty":"RSA","kid":%q,"e":"AQAB","n":%q,"use":"sig","alg":"RS256"},{"kty":"RSA","kid":%q,"e":"AQAB","n":%q,"use":"sig","alg":"RS256"}]}`,
		a.ID(), ja.Modulus, b.ID(), jb.Modulus), string(set.JSON()))

	var back KeySet
	require.NoError(t, json.Unmarshal(set.JSON(), &back))
	require.Equal(t, set, back)
}

func TestKeyring(t *testing.T) {
	a, b, oidc := testKey(t, "portal"), testKey(t, "portal-next"), testKey(t, "gitlab")
	r := NewKeyring()
	_, err := r.Current()
	require.EqualError(t, err, "Cloud Connector: no key found")
	_, err = r.Loaded()
	require.ErrorIs(t, err, ErrNoKey)
	dropped, err := r.Trim()
	require.NoError(t, err)
	require.Nil(t, dropped)
	require.EqualError(t, r.Rotate(), "Key rotation requires exactly 2 keys, found 0")

	r.Create(a)
	r.Create(nil)
	r.PublishAhead(oidc, nil)
	signing := func() (current, loaded string) {
		c, err := r.Current()
		require.NoError(t, err)
		l, err := r.Loaded()
		require.NoError(t, err)
		return c.ID(), l.ID()
	}
	requireSigning := func(current, loaded *Key) {
		t.Helper()
		c, l := signing()
		require.Equal(t, [2]string{current.ID(), loaded.ID()}, [2]string{c, l})
	}
	requireSigning(a, a)
	require.Equal(t, []string{oidc.ID(), a.ID()}, r.KeySet().IDs())
	_, err = r.Trim()
	require.EqualError(t, err, "Refusing to remove single key, as it is in use")
	require.EqualError(t, r.Rotate(), "Key rotation requires exactly 2 keys, found 1")

	r.Create(b)
	requireSigning(a, a)
	require.Equal(t, []string{oidc.ID(), a.ID(), b.ID()}, r.KeySet().IDs())
	require.NoError(t, r.Rotate())
	requireSigning(b, a)
	require.NoError(t, r.Rotate())
	requireSigning(a, a)
	require.NoError(t, r.Rotate())
	r.Reload()
	requireSigning(b, b)

	dropped, err = r.Trim()
	require.NoError(t, err)
	require.Equal(t, a.ID(), dropped.ID())
	require.Equal(t, []*Key{b}, r.Rows())

	r.Replace(oidc, a, b)
	requireSigning(oidc, b)
	require.Equal(t, []string{oidc.ID(), a.ID(), b.ID()}, r.KeySet().IDs(), "published once")
	require.EqualError(t, r.Rotate(), "Key rotation requires exactly 2 keys, found 3")
}

func TestKeyringConcurrently(t *testing.T) {
	a, b := testKey(t, "portal"), testKey(t, "portal-next")
	r := NewKeyring(a)
	var wait sync.WaitGroup
	for n := range 30 {
		wait.Go(func() {
			switch n % 6 {
			case 0:
				r.Create(b)
			case 1:
				_ = r.Rotate() // an error unless there are two
			case 2:
				_, _ = r.Trim() // an error when there is one
			case 3:
				r.Reload()
			default:
				if len(r.KeySet().Keys) == 0 {
					t.Error("nothing published")
				}
				if _, err := r.Loaded(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}
