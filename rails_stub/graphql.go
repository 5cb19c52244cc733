package railsstub

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// graphql answers "POST /api/graphql": the health check, and what the user interface asks
// of the present user. Errors are answered with 200, as GraphQL's are.
func (i *Instance) graphql(r *http.Request) (stub.Reply, error) {
	var ask struct {
		Query string `json:"query"`
	}
	if err := stub.ReadJSON(r, &ask); err != nil {
		return stub.Reply{}, err
	}
	p, err := i.authenticate(r)
	if err != nil && (r.Header.Get("Private-Token") != "" || r.Header.Get("Authorization") != "") {
		return stub.Reply{}, err
	}
	fields, err := parseSelection(ask.Query)
	if err != nil {
		return graphQLError(r, string(InvalidRequest), err.Error())
	}
	query := object{"currentUser": nil}
	rel := i.installed()
	for _, f := range fields {
		switch {
		case f.name == "currentUser" && p != nil:
			query[f.name] = i.currentUser(p, rel)
		case f.name != "cloudConnectorStatus" || !rel.reports:
		case p == nil || !p.Admin || i.given.Realm == world.SaaS:
			return graphQLError(r, string(UserNotAllowed), notAvailable)
		default:
			query[f.name] = i.status(r.Context(), r, p, rel)
		}
	}
	data, err := pick("Query", query, fields)
	if err != nil {
		return graphQLError(r, string(InvalidRequest), err.Error())
	}
	return stub.JSON(http.StatusOK, struct {
		Data json.RawMessage `json:"data"`
	}{data}), nil
}

// notAvailable is what GitLab says of whatever the user may not see.
const notAvailable = "The resource that you are attempting to access does not exist or you don't have permission to perform this action"

func graphQLError(r *http.Request, reason, message string) (stub.Reply, error) {
	entry := journal.Of(r.Context())
	entry.Reason, entry.Detail = reason, message
	type one struct {
		Message string `json:"message"`
	}
	return stub.JSON(http.StatusOK, struct {
		Errors []one `json:"errors"`
	}{[]one{{message}}}), nil
}

// currentUser is what the user interface asks before it offers a feature: whether the user
// may use it, by what was synced of the catalog. It does not ask for a token.
func (i *Instance) currentUser(p *person, rel *release) typed {
	now := i.service.Clock().Now()
	available := func(wanted func(*endpoint) bool) bool {
		for _, f := range i.stub.features {
			if wanted(f) {
				_, err := i.mayUse(p, f, rel, now)
				return err == nil
			}
		}
		return false
	}
	return typed{name: "CurrentUser", one: object{
		"username":                    p.Name,
		"duoChatAvailable":            available(func(f *endpoint) bool { return f.kind == chat }),
		"duoCodeSuggestionsAvailable": available(func(f *endpoint) bool { return f.to == suggestions }),
	}}
}

// status is the health check of Cloud Connector.
func (i *Instance) status(ctx context.Context, r *http.Request, p *person, rel *release) typed {
	results, good := []object{}, true
	for _, probe := range i.probes(ctx, r, p, rel) {
		result := object{"name": probe.name, "success": probe.err == "", "message": probe.message, "errors": []string{}, "details": probe.details}
		if probe.err != "" {
			good = false
			result["message"], result["errors"] = probe.err, []string{probe.err}
		}
		results = append(results, result)
	}
	return typed{name: "CloudConnectorStatus", one: object{
		"success": good, "probeResults": typed{name: "CloudConnectorProbeResult", list: results},
	}}
}
