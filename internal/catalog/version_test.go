package catalog_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
)

func version(t testing.TB, s string) catalog.Version {
	t.Helper()
	v, err := catalog.ParseVersion(s)
	require.NoError(t, err)
	return v
}

func TestVersionAtLeast(t *testing.T) {
	for _, c := range []struct {
		version, minimum string
		want             bool
	}{
		{"16.8", "16.8", true},
		{"16.8.0", "16.8", true},
		{"16.8", "16.8.0", true},
		{"16.7.9", "16.8", false},
		{"16.8.1", "16.8", true},
		{"16.8", "16.8.1", false},
		{"16.9", "16.10", false},
		{"16.10", "16.9", true},
		{"16.10.0", "16.9.9", true},
		{"17.0", "16.11", true},
		{"9.5", "16.0", false},
		{"17", "17.0", true},
		{"17.8.0-ee", "17.8", true},
		{"17.9.0-pre", "17.9", true},
		{"17.9.0-pre", "17.9.1", false},
		{"17.8.9-ee", "17.9", false},
		{"17.9.0-rc42-ee", "17.9.0-ee", true},
		{"17.9.0+build", "17.9", true},
	} {
		require.Equal(t, c.want, version(t, c.version).AtLeast(version(t, c.minimum)), "%s >= %s", c.version, c.minimum)
	}
	require.True(t, version(t, "1.0").AtLeast(catalog.Version{}), "an unset minimum admits all")
	require.False(t, catalog.Version{}.AtLeast(version(t, "1.0")), "an unknown version reaches no minimum")
	require.True(t, catalog.Version{}.AtLeast(catalog.Version{}))
}

func TestParseVersionRefuses(t *testing.T) {
	for _, s := range []string{"", "v16.8", "16.x", "latest", "16.8.1.2", "16..8", " 16.8", "16.8 ", "-1.2", "16.8-", "9999999999999999999999.1", "16,8"} {
		_, err := catalog.ParseVersion(s)
		require.ErrorContains(t, err, "expected a GitLab version such as 16.8 or 16.9.2-ee", s)
	}
}

func TestVersionText(t *testing.T) {
	v := version(t, "16.10-ee")
	require.Equal(t, "16.10-ee", v.String())
	require.Equal(t, "16.10.0", v.Core())
	require.Empty(t, catalog.Version{}.Core())
	require.Equal(t, version(t, "16.10-ee"), v)

	type holder struct {
		V catalog.Version `json:"v,omitzero"`
	}
	for _, h := range []holder{{V: v}, {}} {
		text, err := json.Marshal(h)
		require.NoError(t, err)
		var back holder
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, h, back)
	}
	require.Error(t, json.Unmarshal([]byte(`{"v":"x"}`), &holder{}))
}
