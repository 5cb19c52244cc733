package railsstub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

// keyStep takes one step of a rotation at GitLab.com.
func (r *rig) keyStep(step string, noRestart bool) (control.KeysResult, error) {
	return do[control.KeysResult](r, control.ActionRotateKeys, control.KeysRequest{Service: "gitlab", Step: step, NoRestart: noRestart})
}

func (r *rig) keys(step string) control.KeysResult {
	r.t.Helper()
	got, err := r.keyStep(step, false)
	require.NoError(r.t, err)
	return got
}

func TestKeyRules(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/keys/current", "rails/keys/rotate-swaps", "rails/keys/trim", "rails/keys/trim-refused", "rails/keys/rotate-three")
	r := newRig(t, given("18.9.0"))
	oldest := r.keys("list")
	require.Len(t, oldest.Rows, 1)
	_, err := r.keyStep("trim", false)
	require.EqualError(t, err, "Refusing to remove single key, as it is in use")

	two := r.keys("create")
	require.Equal(t, oldest.Rows[0], two.Rows[0])
	require.Equal(t, oldest.Rows[0], two.Signing, "the oldest signs")
	rotated := r.keys("rotate")
	require.Equal(t, []string{two.Rows[1], two.Rows[0]}, rotated.Rows, "the keys change places, the rows stay")
	require.Equal(t, two.Rows[1], rotated.Signing)
	require.Equal(t, two.Rows, r.keys("rotate").Rows, "once more is the way back")

	require.Len(t, r.keys("create").Rows, 3)
	_, err = r.keyStep("rotate", false)
	require.EqualError(t, err, "Key rotation requires exactly 2 keys, found 3")
	three := r.keys("list")
	require.Equal(t, three.Rows[2], r.keys("trim").Trimmed, "the newest goes")
	require.Equal(t, three.Rows[:2], r.keys("list").Rows)
}

// TestLoadedKey: the processes sign with the key that they have loaded until they restart.
func TestLoadedKey(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/keys/loaded")
	r := newRig(t, given("18.9.0"))
	before := r.keys("create")
	rotated, err := r.keyStep("rotate", true)
	require.NoError(t, err)
	require.Equal(t, before.Rows[0], rotated.Signing)
	require.Equal(t, before.Rows[1], rotated.Rows[0])
	_, err = do[control.Done](r, control.ActionRestart, control.RestartRequest{Service: "gitlab"})
	require.NoError(t, err)
	require.Equal(t, before.Rows[1], r.keys("list").Signing)
}

// TestKeysBehindAFlag: while the feature flag existed, the Cloud Connector keys were in the
// key set only with it.
func TestKeysBehindAFlag(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/keys/exposed")
	published := func(version string, flag bool) int {
		w := given(version)
		w.Instances[1].FlagsGiven = map[string]bool{world.FlagExposeKeys: flag}
		return len(newRig(t, w).keySet("gitlab"))
	}
	require.Equal(t, 2, published("17.9.0", true))
	require.Equal(t, 1, published("17.9.0", false))
	require.Equal(t, 2, published("18.9.0", false), "later ones are always exposed")
}
