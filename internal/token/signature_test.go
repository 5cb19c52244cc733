package token

import (
	"fmt"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

func TestSignaturesAreTheSameRememberedOrNot(t *testing.T) {
	k := &Key{private: testKey(t, "a").private}
	var all sync.WaitGroup
	for n := range 4 * remembered {
		all.Go(func() {
			text := fmt.Sprint("text ", n%(remembered+remembered/2)) // more than are remembered, each twice or thrice
			signature, err := k.sign(text)
			if err != nil || jwt.SigningMethodRS256.Verify(text, signature, k.Public()) != nil {
				t.Errorf("%q has the signature of another text, or none: %v", text, err)
			}
		})
	}
	all.Wait()
	require.Len(t, k.signed.known, remembered)
	require.Len(t, k.signed.oldest, remembered)

	other := &Key{private: testKey(t, "b").private}
	ours, err := k.sign("text")
	require.NoError(t, err)
	theirs, err := other.sign("text")
	require.NoError(t, err)
	require.NotEqual(t, ours, theirs)
	again, err := k.sign("text")
	require.NoError(t, err)
	require.Equal(t, ours, again)
}
