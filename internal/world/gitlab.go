package world

import (
	"fmt"
	"slices"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// GitLabSettings are an instance's settings, by the names of GitLab's own, and the choices
// that can be made where it is only inferred what GitLab does.
type GitLabSettings struct {
	// DisabledDirectCodeSuggestions forbids direct access to the AI gateway.
	DisabledDirectCodeSuggestions bool `json:"disabled_direct_code_suggestions,omitempty" yaml:"disabled_direct_code_suggestions"`
	// CodeSuggestionsRateLimit is how many completions a user may ask for in a minute, 60
	// unless it is given; 0 limits nothing.
	CodeSuggestionsRateLimit *int `json:"code_suggestions_api_rate_limit,omitempty" yaml:"code_suggestions_api_rate_limit"`
	// AIActionRateLimit is how many aiAction mutations a user may send in eight hours, 160
	// unless it is given; 0 limits nothing.
	AIActionRateLimit *int `json:"ai_action_api_rate_limit,omitempty" yaml:"ai_action_api_rate_limit"`

	// MissingUserToken503 has direct access answer 503 where the gateway answers with 2xx and
	// no token; else it answers with the gateway's status (18.3 and later).
	MissingUserToken503 bool `json:"missing_user_token_503,omitempty" yaml:"missing_user_token_503"`
	// RawAddOnNames has GitLab.com compare Duo Pro by the name that its database has,
	// code_suggestions, so that what the catalog lists for duo_pro is not granted (18.3 and
	// later).
	RawAddOnNames bool `json:"raw_add_on_names,omitempty" yaml:"raw_add_on_names"`
	// SyncFailuresLogged has a token sync that cannot reach CustomersDot log that; else the
	// job stumbles over it and is tried again.
	SyncFailuresLogged bool `json:"sync_failures_logged,omitempty" yaml:"sync_failures_logged"`
}

// Project is a project of an instance.
type Project struct {
	// DuoDisabled says that GitLab Duo is turned off in the project's settings.
	DuoDisabled bool `json:"duo_disabled,omitempty" yaml:"duo_disabled"`
	// Members are the users who can see the project; everybody if empty.
	Members []string `json:"members,omitempty" yaml:"members"`
}

// The feature flags of GitLab that the stub looks at. All are on unless an instance says
// otherwise.
const (
	FlagCodeSuggestions      = "ai_duo_code_suggestions_switch"
	FlagChat                 = "ai_duo_chat_switch"          // aiAction, 17.0 and later
	FlagAI                   = "ai_global_switch"            // aiAction, up to 16.11
	FlagRESTChat             = "access_rest_chat"            // POST /api/v4/chat/completions
	FlagCloudConnectorStatus = "cloud_connector_status"      // 17.3 to 17.11
	FlagExposeKeys           = "cloud_connector_expose_keys" // 17.9 to 18.2
)

// FeatureFlags lists the feature flags that an instance may turn on and off.
func FeatureFlags() []string {
	return []string{FlagCodeSuggestions, FlagChat, FlagAI, FlagRESTChat, FlagCloudConnectorStatus, FlagExposeKeys}
}

// FlagOn reports whether a feature flag is on.
func (i Instance) FlagOn(name string) bool {
	on, given := i.FlagsGiven[name]
	return on || !given
}

// complainAboutGitLab looks at what the instance says of its flags, settings and projects.
func (i Instance) complainAboutGitLab(at string, complain func(path, hint, format string, args ...any)) {
	for _, name := range sortedKeys(i.FlagsGiven) {
		if !slices.Contains(FeatureFlags(), name) {
			p := strictyaml.Unknown("feature flag", name, FeatureFlags())
			complain(at+".feature_flags."+name, p.Hint, "%s", p.Message)
		}
	}
	for _, limit := range []struct {
		name  string
		value *int
	}{
		{"code_suggestions_api_rate_limit", i.Settings.CodeSuggestionsRateLimit},
		{"ai_action_api_rate_limit", i.Settings.AIActionRateLimit},
	} {
		if limit.value != nil && *limit.value < 0 {
			complain(at+".settings."+limit.name, "", "%d is not a limit, expected 0 (none) or more", *limit.value)
		}
	}
}

// complainAboutMembers looks for members of projects that are no users of the instance.
func (w *World) complainAboutMembers(i Instance, complain func(path, hint, format string, args ...any)) {
	for _, path := range sortedKeys(i.Projects) {
		for n, name := range i.Projects[path].Members {
			if u, ok := w.User(name); !ok || u.Instance != i.Name {
				complain(fmt.Sprintf("instances.%s.projects.%s.members[%d]", i.Name, path, n), "", "%s has no user %q", i.Name, name)
			}
		}
	}
}
