package railsstub

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
)

func TestGenerationOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, token, sync, api string }{
		{"15.0", "16.8", "16.8", "16.8"},
		{"16.8.0", "16.8", "16.8", "16.8"},
		{"16.10.9-ee", "16.8", "16.8", "16.8"},
		{"16.11", "16.8", "16.11", "16.8"},
		{"17.0.0-pre", "17.0", "16.11", "17.0"},
		{"17.4.6", "17.1", "16.11", "17.3"},
		{"17.8.9", "17.5", "16.11", "17.3"},
		{"17.10.0", "17.9", "17.9", "17.3"},
		{"18.2.99", "17.11", "18.0", "17.3"},
		{"18.8.0", "18.3", "18.0", "18.3"},
		{"18.9.0-pre", "18.9", "18.9", "18.9"},
		{"19.4.1", "18.9", "18.9", "18.9"},
	} {
		v, err := catalog.ParseVersion(c.version)
		require.NoError(t, err)
		g := generationOf(v)
		require.Equal(t, since(c.token), g.tokenRule.since, c.version)
		require.Equal(t, since(c.sync), g.syncRule.since, c.version)
		require.Equal(t, since(c.api), g.apiRule.since, c.version)
	}
}

// TestTablesAreInOrder: the last row that a version has reached is the one that holds, so a
// row out of order would hide others.
func TestTablesAreInOrder(t *testing.T) {
	t.Parallel()
	ordered := func(name string, rows []since) {
		for n := 1; n < len(rows); n++ {
			require.True(t, rows[n-1].reached(milestoneOf(string(rows[n]))) && rows[n-1] != rows[n], "%s: %s before %s", name, rows[n-1], rows[n])
		}
	}
	var tokens, syncs, apis []since
	for _, r := range tokenRules {
		tokens = append(tokens, r.since)
	}
	for _, r := range syncRules {
		syncs = append(syncs, r.since)
	}
	for _, r := range apiRules {
		apis = append(apis, r.since)
	}
	ordered("token", tokens)
	ordered("sync", syncs)
	ordered("api", apis)
}

// TestHeaderNames: rows are put into http.Header as they stand, so they must be canonical.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	old, err := catalog.ParseVersion("15.11")
	require.NoError(t, err)
	set := newHeaderSet(&caller{version: old}, aiClients)
	require.Contains(t, set.fixed, "X-Gitlab-Realm", "older than the first row is like the first row")
	for _, h := range append(append([]header{}, instanceHeaders...), callHeaders...) {
		require.Equal(t, h.name, http.CanonicalHeaderKey(h.name))
		require.NotEmpty(t, h.since)
	}
}

func TestEveryReasonIsListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Reasons() {
		require.False(t, seen[string(r)], "%s", r)
		require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, string(r))
		seen[string(r)] = true
	}
}
