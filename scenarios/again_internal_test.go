package scenarios

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/feature"
)

func TestAgainRunsOneTest(t *testing.T) {
	t.Parallel()
	require.Equal(t, `CCMOCK_SEED=7 go test -count=1 github.com/ccmock/ccmock/scenarios -run '^TestFlows$/^a\.b\+c$'`, again("TestFlows/a.b+c", 7))
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"a/b-c_d.yaml": "a/b-c_d.yaml", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "^a$": "'^a$'",
	} {
		require.Equal(t, want, ShellWord(word))
	}
}

func TestUnderTestHeedsTheEnvironment(t *testing.T) {
	t.Parallel()
	features := fstest.MapFS{"shine.yaml": {Data: []byte("text")}}
	under := func(vars map[string]string) (uint64, *Capsules, error) {
		return UnderTest(func(name string) string { return vars[name] }, 5, features)
	}
	seed, capsules, err := under(nil)
	require.NoError(t, err)
	require.Nil(t, capsules)
	require.Equal(t, uint64(5), seed)

	seed, capsules, err = under(map[string]string{SeedVariable: "0", CapsulesVariable: "/left"})
	require.NoError(t, err)
	require.Zero(t, seed)
	require.Equal(t, "/left", capsules.Dir)
	text, err := capsules.Feature(feature.Feature{File: "shine.yaml"})
	require.NoError(t, err)
	require.Equal(t, "text", string(text))

	_, _, err = under(map[string]string{SeedVariable: "seven"})
	require.EqualError(t, err, `CCMOCK_SEED: expected a number from 0 on, got "seven"`)
}

func TestCapsulesOfFlowsThatAreCalledTheSame(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a", "a-2", "a-2-2", "derived-x-token-a", "a-3"}, capsuleNames([]Flow{
		{File: "one/a.yaml"}, {File: "two/a.yaml"}, {File: "a-2.yaml"}, {File: "derived/x/token/a.yaml"}, {File: "a.yml"},
	}))
}
