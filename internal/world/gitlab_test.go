package world_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/world"
)

func TestFlagsAreOnUnlessGiven(t *testing.T) {
	var i world.Instance
	require.True(t, i.FlagOn(world.FlagRESTChat))
	i.FlagsGiven = map[string]bool{world.FlagRESTChat: false, world.FlagChat: true}
	require.False(t, i.FlagOn(world.FlagRESTChat))
	require.True(t, i.FlagOn(world.FlagChat))
}

func TestComplaintsAboutGitLab(t *testing.T) {
	text := `
instances:
  acme:
    realm: self-managed
    feature_flags: {access_rest_chat: false, acces_rest_chat: false}
    settings: {code_suggestions_api_rate_limit: -1, ai_action_api_rate_limit: 0}
    projects: {acme/app: {members: [ada, grace, eve]}}
users:
  ada: {instance: acme}
  grace: {instance: gitlab}
`
	_, err := world.Parse("world.yaml", []byte(text), now, nothingBeside)
	require.Error(t, err)
	for _, want := range []string{
		`instances.acme.feature_flags.acces_rest_chat: unknown feature flag "acces_rest_chat" (did you mean "access_rest_chat"?)`,
		`instances.acme.settings.code_suggestions_api_rate_limit: -1 is not a limit, expected 0 (none) or more`,
		`acme has no user "grace"`,
		`acme has no user "eve"`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), ": 0 is not a limit")
	require.NotContains(t, err.Error(), `has no user "ada"`)
}
