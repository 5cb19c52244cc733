package gateway

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
)

func TestLimiterIsBounded(t *testing.T) {
	clk := clock.NewFrozen(time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC))
	m := newLimiter(clk, Limits{PerUser: 1, PerInstance: 1, PerUnauthorized: 1})
	long := strings.Repeat("x", 1000)
	for n := range maxWindows {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Header.Set("X-Gitlab-Global-User-Id", strconv.Itoa(n)+long)
		r.Header.Set("X-Gitlab-Instance-Id", strconv.Itoa(n)+long)
		r.Header.Set("X-Gitlab-Realm", "self-managed")
		require.NoError(t, m.admit("foo", r))
		m.unauthorized("foo", r)
		if n < 3 {
			require.Error(t, m.admit("foo", r))
		}
	}
	require.Len(t, m.windows, maxWindows)
	require.Equal(t, maxWindows, m.oldest.Len())
}
