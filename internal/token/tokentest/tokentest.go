// Package tokentest gives tests keys and an issuer that publishes them. Only tests import it.
package tokentest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/token"
)

var pool = sync.OnceValue(func() *token.Pool {
	p, err := token.NewPool("")
	if err != nil {
		panic(err)
	}
	return p
})

// Pool holds the keys of the whole test binary, in memory, as making one takes long. Nothing changes a key.
func Pool() *token.Pool { return pool() }

// Key is the key of that name in Pool, made when first asked for.
func Key(t testing.TB, name string) *token.Key {
	t.Helper()
	k, err := Pool().Get(name)
	require.NoError(t, err)
	return k
}
