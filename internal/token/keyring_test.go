package token_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func TestStaleKeySetIsThatBeforeTheLastChange(t *testing.T) {
	pool := tokentest.Pool()
	key := func(name string) *token.Key {
		k, err := pool.Get(name)
		require.NoError(t, err)
		return k
	}
	other, old, next := key("other"), key("old"), key("next")
	ring := token.NewKeyring(old)
	ring.PublishAhead(other)
	stale := func() []string {
		set, ok := ring.StaleKeySet()
		require.True(t, ok)
		return set.IDs()
	}
	_, ok := ring.StaleKeySet()
	require.False(t, ok, "nothing has changed yet")
	ring.Create(next)
	require.Equal(t, []string{other.ID(), old.ID()}, stale())
	require.NoError(t, ring.Rotate())
	require.Equal(t, []string{other.ID(), old.ID()}, stale(), "the same keys are published")
	_, err := ring.Trim()
	require.NoError(t, err)
	require.Equal(t, []string{other.ID(), next.ID(), old.ID()}, stale())
}
