package railsstub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

const chatPath = "/api/v4/chat/completions"

// restChat reports whether the feature is Duo Chat, and not just another use of the chat
// endpoints of the AI gateway.
func (e *endpoint) restChat() bool { return e.kind == chat && e.Rails.Endpoint.Path == chatPath }

// The chat agents of the AI gateway.
const (
	firstAgent = "/v1/chat/agent"
	laterAgent = "/v2/chat/agent"
)

// agent is how a version asks the chat agent. It can only move on to the later agent if
// the feature's file has that one.
func (e *endpoint) agent(rel *release) (chatProtocol, string) {
	switch {
	case e.Backend.Endpoint.Path != laterAgent:
		return promptComponents, e.Backend.Endpoint.Path
	case rel.chatAgent == promptComponents:
		return promptComponents, firstAgent
	}
	return rel.chatAgent, laterAgent
}

// duoChat is the feature that aiAction asks, nil if there is none.
func (s *Stub) duoChat() *endpoint {
	for _, f := range s.features {
		if f.restChat() {
			return f
		}
	}
	return nil
}

// chatResources are what a question may be about.
var chatResources = []string{"issue", "epic", "group", "project", "merge_request", "commit", "build", "work_item"}

// completeChat answers "POST /api/v4/chat/completions": it waits for the answer and sends
// that, or what chat says in place of one, as a bare JSON string.
func (i *Instance) completeChat(f *endpoint) stub.Handler {
	return func(r *http.Request) (stub.Reply, error) {
		rel, now := i.installed(), i.service.Clock().Now()
		p, err := i.authenticate(r)
		if err != nil {
			return stub.Reply{}, err
		}
		if !i.given.FlagOn(world.FlagRESTChat) {
			return stub.Reply{}, i.chatNotFound(FlagOff, "the feature flag "+world.FlagRESTChat+" is off")
		}
		q, err := readQuestion(r)
		if err != nil {
			return stub.Reply{}, err
		}
		if !i.knows(q.ResourceType, q.resourceID(), p) {
			return stub.Reply{}, &stub.Error{
				Status: http.StatusNotFound, Message: "404 Not found", Reason: string(ProjectUnknown),
				Detail: fmt.Sprintf("%s can see no %s %s", p.Name, q.ResourceType, q.resourceID()),
			}
		}
		right, err := i.mayUse(p, f, rel, now)
		if err != nil {
			return stub.Reply{}, err
		}
		t := i.talks.legacy(p.Name)
		if q.CleanHistory {
			i.talks.clear(t)
		}
		c := conversation{instance: i, feature: f, rel: rel, person: p, right: right, client: r.Header, thread: t}
		entry := journal.Of(r.Context())
		said, met := c.ask(r.Context(), q, entry.RequestID, i.stub.env.Random.UUID())
		met.note(entry)
		if q.CleanHistory {
			i.talks.clear(t)
		}
		return stub.JSON(http.StatusCreated, said.Content), nil
	}
}

func (i *Instance) chatNotFound(reason token.Reason, detail string) error {
	return &stub.Error{Status: http.StatusNotFound, Message: notFound, Reason: string(reason), Detail: detail}
}

// question is what a user asks, with all that goes with it.
type question struct {
	Content        string          `json:"content"`
	ResourceType   string          `json:"resource_type"`
	ResourceID     json.RawMessage `json:"resource_id"` // a number or a text
	CleanHistory   bool            `json:"with_clean_history"`
	CurrentFile    *currentFile    `json:"current_file"`
	ContextEntries []contextEntry  `json:"additional_context"`
}

type currentFile struct {
	Name         string `json:"file_name"`
	Above        string `json:"content_above_cursor"`
	Below        string `json:"content_below_cursor"`
	SelectedText string `json:"selected_text"`
}

// contextEntry is a piece of additional context, here as it goes on to the AI gateway.
type contextEntry struct {
	Category string          `json:"category"`
	ID       string          `json:"id"`
	Content  string          `json:"content"`
	Metadata json.RawMessage `json:"metadata"`
}

func (q question) resourceID() string {
	var text string
	if json.Unmarshal(q.ResourceID, &text) == nil {
		return text
	}
	return string(q.ResourceID)
}

// readQuestion reads and checks the parameters of chat.
func readQuestion(r *http.Request) (question, error) {
	params, err := readParams(r)
	if err != nil {
		return question{}, err
	}
	var found []string
	if err := checkText(params, "", "content", maxQuestion); err != nil {
		found = append(found, err.Error())
	}
	if raw := params["resource_type"]; !isNull(raw) {
		var name string
		if json.Unmarshal(raw, &name) != nil || !slices.Contains(chatResources, name) {
			found = append(found, "resource_type does not have a valid value")
		}
	}
	var q question
	for _, field := range []struct {
		name string
		into any
	}{
		{"content", &q.Content},
		{"resource_type", &q.ResourceType},
		{"resource_id", &q.ResourceID},
		{"with_clean_history", &q.CleanHistory},
		{"current_file", &q.CurrentFile},
		{"additional_context", &q.ContextEntries},
	} {
		raw := params[field.name]
		if isNull(raw) || field.name == "content" && len(found) > 0 {
			continue
		}
		if json.Unmarshal(raw, field.into) != nil && !slices.ContainsFunc(found, func(said string) bool { return strings.HasPrefix(said, field.name) }) {
			found = append(found, field.name+" is invalid")
		}
	}
	for n, entry := range q.ContextEntries {
		if entry.Category == "" || entry.ID == "" || entry.Content == "" {
			found = append(found, fmt.Sprintf("additional_context[%d] lacks category, id or content", n))
		}
		if isNull(entry.Metadata) {
			q.ContextEntries[n].Metadata = json.RawMessage(`{}`)
		}
	}
	if len(found) > 0 {
		return question{}, badRequest(strings.Join(found, ", "))
	}
	return q, nil
}

// knows reports whether there is such a resource. Without one, a question is about the
// user; of the rest, the stub has projects only, numbered by their paths.
func (i *Instance) knows(kind, id string, p *person) bool {
	if kind == "" || id == "" {
		return true
	}
	number, err := strconv.Atoi(id)
	paths := sortedPaths(i.given.Projects)
	return err == nil && kind == "project" && number >= 1 && number <= len(paths) && p.sees(i.given.Projects[paths[number-1]])
}

// chatTimeout is how long GitLab waits for the AI gateway, in real time.
const chatTimeout = 60 * time.Second
