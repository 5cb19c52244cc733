package railsstub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// tokenSync is CloudConnector::SyncServiceTokenWorker.
var tokenSync = &job{name: "sync_service_token", retries: 3, backoff: sidekiq, work: (*Instance).syncToken}

// syncToken asks CustomersDot for the instance's token and stores it, if the licence
// allows and, where the version syncs hourly, if the token at hand does not last.
func (i *Instance) syncToken(ctx context.Context, w work) result {
	rel, now := i.installed(), i.service.Clock().Now()
	i.mu.RLock()
	held, lasts := cmp.Or(i.stale, i.license), i.synced.lasts(now)
	i.mu.RUnlock()
	if rel.hourly && !w.force && lasts {
		return result{outcome: control.Skipped, message: "skipping token refresh"}
	}
	complaints := held.complaints(now, rel.trials)
	if i.given.Realm == world.SaaS {
		complaints = []string{"License is not an online cloud license"} // GitLab.com runs on a legacy one
	}
	if len(complaints) > 0 {
		return failed(SyncNotPossible, "%s", strings.Join(complaints, ", "))
	}
	got, err := i.ask(ctx, w.requestID, graphqlPath, accessQuery(held.key, rel), rel.connector)
	if err != nil {
		return i.of(graphqlPath, i.noList("%s: %v", connectivity, err))
	}
	return i.of(graphqlPath, i.store(got, rel))
}

// noList is a failure that the client reports as a text, while the job expects a list of
// errors: it raises, unless the instance's settings have it otherwise.
func (i *Instance) noList(format string, args ...any) result {
	r := failed(CustomersDotFailed, format, args...)
	if r.raised = !i.given.Settings.SyncFailuresLogged; r.raised {
		r.message += " (the job raises, as it expects a list of errors)"
	}
	return r
}

// of names the endpoint of CustomersDot that a result came from.
func (i *Instance) of(path string, r result) result {
	r.upstream = i.portalURL(path)
	return r
}

const graphqlPath = "/graphql"

// query is a GraphQL request. Rails sends no operationName.
type query struct {
	Query     string `json:"query"`
	Variables any    `json:"variables"`
}

// accessQuery asks for what this version of GitLab knows to ask for.
func accessQuery(licenseKey string, rel *release) query {
	var q strings.Builder
	q.WriteString("query cloudConnectorAccess($licenseKey: String!, $gitlabVersion: String!) {\n" +
		"  cloudConnectorAccess(licenseKey: $licenseKey, gitlabVersion: $gitlabVersion) {\n" +
		"    serviceToken {\n      token\n      expiresAt\n    }\n")
	if rel.services != "" {
		q.WriteString("    availableServices {\n")
		for field := range strings.FieldsSeq(rel.services) {
			q.WriteString("      " + field + "\n")
		}
		q.WriteString("    }\n")
	}
	if rel.catalog {
		q.WriteString("    catalog\n")
	}
	q.WriteString("  }\n}\n")
	return query{q.String(), struct {
		LicenseKey    string `json:"licenseKey"`
		GitLabVersion string `json:"gitlabVersion"`
	}{licenseKey, rel.text}}
}

// accessAnswer is the part of CustomersDot's answer that Rails reads.
type accessAnswer struct {
	Data *struct {
		Access *struct {
			ServiceToken *struct {
				Token     any `json:"token"`
				ExpiresAt any `json:"expiresAt"`
			} `json:"serviceToken"`
			AvailableServices json.RawMessage `json:"availableServices"`
			Catalog           json.RawMessage `json:"catalog"`
		} `json:"cloudConnectorAccess"`
	} `json:"data"`
	Errors json.RawMessage `json:"errors"`
}

// store does with an answer what Rails does. It raises on what the real code stumbles
// over: the client reports anything but GraphQL errors as a text, of which the job then
// wants to join the items.
func (i *Instance) store(got answer, rel *release) result {
	if !got.ok() && got.status != http.StatusUnprocessableEntity {
		return i.noList("HTTP status code: %d", got.status)
	}
	if !got.json {
		return raised("CustomersDot answered something other than JSON")
	}
	var read accessAnswer
	if err := json.Unmarshal(got.body, &read); err != nil {
		return raised("the answer of CustomersDot cannot be read: %v", err)
	}
	switch message, given, err := joinErrors(read.Errors); {
	case err != nil:
		return raised("%v", err)
	case given:
		return failed(CustomersDotRefused, "%s", message)
	case !got.ok():
		return raised("HTTP status code: %d, without errors", got.status)
	}
	return i.storeAnswer(read, rel)
}

func (i *Instance) storeAnswer(read accessAnswer, rel *release) result {
	var token, expiresAt any
	var services, catalog json.RawMessage
	if read.Data != nil && read.Data.Access != nil {
		access := read.Data.Access
		services, catalog = access.AvailableServices, access.Catalog
		if access.ServiceToken != nil {
			token, expiresAt = access.ServiceToken.Token, access.ServiceToken.ExpiresAt
		}
	}
	i.mu.Lock()
	now := i.service.Clock().Now()
	action, tokenErr := i.synced.storeToken(token, expiresAt, now)
	warnings, accessErr := i.synced.storeAccess(services, catalog, rel.syncRule, now)
	i.mu.Unlock()
	for _, warning := range warnings {
		i.service.Log().Warn("CustomersDot's answer is partly unusable", "instance", i.name, "error", warning)
	}
	if err := errors.Join(tokenErr, accessErr); err != nil {
		return failed(StorageFailed, "%s", strings.ReplaceAll(err.Error(), "\n", ", "))
	}
	return result{outcome: control.Succeeded, message: "service_access_tokens: " + action}
}

// joinErrors joins GraphQL errors as Ruby does: a text as it is, anything else as Ruby
// shows it. The error is what happens to errors that are no list.
func joinErrors(raw json.RawMessage) (message string, given bool, _ error) {
	if isNull(raw) {
		return "", false, nil
	}
	var all any
	if err := json.Unmarshal(raw, &all); err != nil || blank(all) {
		return "", false, err
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return "", false, fmt.Errorf("undefined method `join' for %s", inspect(raw))
	}
	texts := make([]string, len(list))
	for n, item := range list {
		if json.Unmarshal(item, &texts[n]) != nil {
			texts[n] = inspect(item)
		}
	}
	return strings.Join(texts, ", "), true, nil
}

// inspect shows JSON as Ruby shows the same value: {"message"=>"no", "path"=>nil}.
func inspect(raw json.RawMessage) string {
	var out bytes.Buffer
	inText, escaped := false, false
	for _, c := range compact(raw) {
		switch {
		case inText:
			out.WriteByte(c)
			inText = escaped || c != '"'
			escaped = !escaped && c == '\\'
		case c == '"':
			inText = true
			out.WriteByte(c)
		case c == ':':
			out.WriteString("=>")
		case c == ',':
			out.WriteString(", ")
		case c == 'n': // of null, the only word of JSON with an n at its start
			out.WriteString("nil")
		case strings.IndexByte("ul", c) >= 0 && bytes.HasSuffix(out.Bytes(), []byte("nil")):
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}
