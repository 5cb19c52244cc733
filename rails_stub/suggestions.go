package railsstub

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

const (
	enabledPath           = suggestionsPath + "enabled"
	connectionDetailsPath = suggestionsPath + "connection_details"
)

// admit is what comes before every endpoint of Code Suggestions: who is it, is there Code
// Suggestions at all, may they.
func (i *Instance) admit(r *http.Request, f *endpoint, rel *release, now time.Time) (*person, grant, error) {
	p, err := i.authenticate(r)
	if err != nil {
		return nil, grant{}, err
	}
	if f.to == suggestions && !i.given.FlagOn(world.FlagCodeSuggestions) {
		return nil, grant{}, &stub.Error{
			Status: http.StatusNotFound, Message: notFound, Header: errorOrigin,
			Reason: string(FlagOff), Detail: "the feature flag " + world.FlagCodeSuggestions + " is off",
		}
	}
	right, err := i.mayUse(p, f, rel, now)
	return p, right, err
}

const notFound = "404 Not Found"

// defaultGroupMissing is the answer to a user who has to choose a group first.
func (i *Instance) defaultGroupMissing(p *person, rel *release) error {
	if !rel.defaultGroup || !p.NoDuoGroup || i.given.Realm != world.SaaS {
		return nil
	}
	const why = "I'm sorry, you have not selected a default GitLab Duo namespace. " +
		"Please go to GitLab and in user Preferences - Behavior, select a default namespace for GitLab Duo."
	type inner struct {
		Error string `json:"error"`
	}
	return &stub.Error{
		Status: http.StatusUnprocessableEntity, Reason: string(DefaultGroupMissing),
		Detail: p.Name + " has chosen no default group for GitLab Duo",
		Body: struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
			Message     inner  `json:"message"`
		}{"missing_default_duo_group", why, inner{why}},
	}
}

// notYet is the answer of a version that has no such endpoint.
func notYet(rel *release, what string) error {
	return &stub.Error{
		Status: http.StatusNotFound, Body: map[string]string{"error": notFound},
		Reason: string(EndpointUnknown), Detail: "GitLab " + rel.text + " has no " + what + " yet",
	}
}

// enabled answers "POST /api/v4/code_suggestions/enabled": may the project have Code
// Suggestions.
func (i *Instance) enabled(f *endpoint) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		p, _, err := i.admit(r, f, i.installed(), i.service.Clock().Now())
		if err != nil {
			return stub.Reply{}, err
		}
		params, err := readParams(r)
		if err != nil {
			return stub.Reply{}, err
		}
		raw, given := params["project_path"]
		var path string
		switch {
		case !given:
			return stub.Reply{}, badRequest("project_path is missing")
		case json.Unmarshal(raw, &path) != nil:
			return stub.Reply{}, badRequest("project_path is invalid")
		}
		project, found := i.project(path, p)
		switch {
		case !found:
			return stub.Reply{}, &stub.Error{
				Status: http.StatusNotFound, Message: notFound, Reason: string(ProjectUnknown),
				Detail: p.Name + " can see no project " + strconv.Quote(path),
			}
		case project.DuoDisabled:
			return stub.Reply{}, &stub.Error{
				Status: http.StatusForbidden, Message: "403 Forbidden", Reason: string(DuoDisabled),
				Detail: "GitLab Duo is turned off in " + path,
			}
		}
		return stub.Reply{}, nil
	}
}

// project finds a project that a user can see. Paths do not tell upper from lower case.
func (i *Instance) project(path string, p *person) (world.Project, bool) {
	for name, project := range i.given.Projects {
		if strings.EqualFold(name, path) {
			return project, p.sees(project)
		}
	}
	return world.Project{}, false
}

// connectionDetails answers "POST /api/v4/code_suggestions/connection_details": what an
// editor tells of the instance in its telemetry.
func (i *Instance) connectionDetails(f *endpoint) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		rel, now := i.installed(), i.service.Clock().Now()
		if !rel.connectionDetails {
			return stub.Reply{}, notYet(rel, "connection details")
		}
		p, right, err := i.admit(r, f, rel, now)
		if err != nil {
			return stub.Reply{}, err
		}
		if err := i.limitRate("connection_details", p, connectionDetailsLimit, nil); err != nil {
			return stub.Reply{}, err
		}
		h := i.header(suggestions, rel, p, right, accessToken{}, now, r)
		return stub.JSON(http.StatusCreated, struct {
			InstanceID        string `json:"instance_id"`
			InstanceVersion   string `json:"instance_version"`
			Realm             string `json:"realm"`
			GlobalUserID      string `json:"global_user_id"`
			HostName          string `json:"host_name"`
			EnablementType    string `json:"feature_enablement_type"`
			DuoProNamespaceID []int  `json:"saas_duo_pro_namespace_ids"`
		}{
			h.Get("X-Gitlab-Instance-Id"), rel.version.Core(), h.Get("X-Gitlab-Realm"), h.Get("X-Gitlab-Global-User-Id"),
			h.Get("X-Gitlab-Host-Name"), h.Get("X-Gitlab-Feature-Enablement-Type"),
			numbers(h.Get("X-Gitlab-Saas-Duo-Pro-Namespace-Ids")),
		}), nil
	}
}

// numbers reads a list of numbers with commas between them.
func numbers(list string) []int {
	found := []int{}
	for text := range strings.SplitSeq(list, ",") {
		if n, err := strconv.Atoi(text); err == nil {
			found = append(found, n)
		}
	}
	return found
}

// directForbidden is the answer where the AI gateway is not to be called by editors.
func (i *Instance) directForbidden() error {
	if !i.given.Settings.DisabledDirectCodeSuggestions {
		return nil
	}
	return &stub.Error{
		Status: http.StatusForbidden, Message: "403 Forbidden - Direct connections are disabled",
		Reason: string(DirectAccessDisabled), Detail: "the setting disabled_direct_code_suggestions is on",
	}
}

// limitCompletions is what stands between the parameters of a completion and its token.
func (i *Instance) limitCompletions(p *person, f *endpoint, rel *release) error {
	if f.to != suggestions {
		return nil
	}
	of := completionsLimit.orElse(i.given.Settings.CodeSuggestionsRateLimit)
	if err := i.limitRate("completions", p, of, errorOrigin); err != nil {
		return err
	}
	return i.defaultGroupMissing(p, rel)
}

// noTokenFor refuses a call that has no token, in versions that look at it.
func (i *Instance) noTokenFor(t accessToken, rel *release) error {
	if t.raw == "" && !rel.emptyBearer {
		return unauthorized(token.NoToken, i.noToken())
	}
	return nil
}
