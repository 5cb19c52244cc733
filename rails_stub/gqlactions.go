package railsstub

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/graphql"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// resourceInput is what every method of aiAction but chat takes.
type resourceInput struct{ ResourceID globalID }

// explainInput is that of explainVulnerability.
type explainInput struct {
	ResourceID        globalID
	IncludeSourceCode *bool
}

// chatInput is a question.
type chatInput struct {
	ResourceID     *globalID
	NamespaceID    *globalID
	AgentVersionID *globalID
	Content        string
	CurrentFile    *struct {
		FileName           string
		SelectedText       string
		ContentAboveCursor *string
		ContentBelowCursor *string
	}
	AdditionalContext *[]struct {
		ID, Category, Content string
		Metadata              *anyJSON
	}
}

// actionInput is the input of aiAction.
type actionInput struct {
	ClientMutationID     *string
	Chat                 *chatInput
	ExplainVulnerability *explainInput
	ResolveVulnerability *resourceInput
	SummarizeReview      *resourceInput
	ClientSubscriptionID *string
	PlatformOrigin       *string
	ProjectID            *globalID
	RootNamespaceID      *globalID
	ConversationType     *string
	ThreadID             *globalID
}

// methods are the resources that were given, one for each method.
func (in *actionInput) methods() []*globalID {
	var found []*globalID
	if in.Chat != nil {
		found = append(found, in.Chat.ResourceID)
	}
	if in.ExplainVulnerability != nil {
		found = append(found, &in.ExplainVulnerability.ResourceID)
	}
	for _, other := range []*resourceInput{in.ResolveVulnerability, in.SummarizeReview} {
		if other != nil {
			found = append(found, &other.ResourceID)
		}
	}
	return found
}

// actionPayload is the answer of aiAction: not the AI's.
type actionPayload struct {
	ClientMutationID *string
	Errors           []string
	RequestID        *string
	ThreadID         *globalID
}

const notPermitted = "AI features are not enabled or resource is not permitted to be sent."

// AiAction hands a question to a job, whose answer aiMessages has later on.
func (*root) AiAction(ctx context.Context, args struct{ Input actionInput }) (*actionPayload, error) {
	x, in := executedOf(ctx), &args.Input
	i := x.instance
	if err := x.mutates("ai_features"); err != nil {
		return nil, err
	}
	methods := in.methods()
	if len(methods) != 1 {
		x.deny(InvalidRequest, fmt.Sprintf("%d methods were given", len(methods)))
		return nil, words("Only one method argument is required")
	}
	if of := aiActionLimit.orElse(i.given.Settings.AIActionRateLimit); i.limits.throttled("ai_action", x.person.ID, of, i.service.Clock().Now()) {
		x.deny(RateLimited, fmt.Sprintf("%d mutations aiAction pass in %s", of.requests, of.interval))
		return nil, words(tooManyRequests)
	}
	if flag := x.rel.chatFlag; !i.given.FlagOn(flag) {
		x.deny(FlagOff, "the feature flag "+flag+" is off")
		if flag == world.FlagAI {
			return nil, words(fmt.Sprintf("`%s` feature flag is disabled.", flag))
		}
		return nil, words("required feature flag is disabled.")
	}
	if id := methods[0]; id != nil && !i.holds(*id, x.person) {
		return nil, x.forbidden(ProjectUnknown, fmt.Sprintf("%s has no %s that %s can see", i.name, *id, x.person.Name))
	}
	if in.Chat == nil {
		return nil, x.forbidden(ProjectUnknown, i.name+" holds no vulnerabilities and no merge requests")
	}
	if strings.TrimFunc(in.Chat.Content, unicode.IsSpace) == "" {
		x.deny(InvalidRequest, "the content is blank")
		return nil, words("content can't be blank")
	}
	return x.chat(ctx, in)
}

func (x *executed) chat(ctx context.Context, in *actionInput) (*actionPayload, error) {
	i := x.instance
	t, err := x.thread(in.ThreadID, in.ConversationType, true)
	if err != nil {
		return nil, err
	}
	payload := &actionPayload{ClientMutationID: in.ClientMutationID, Errors: []string{}}
	f := i.stub.duoChat()
	if f == nil {
		x.deny(FeatureUnknown, "no feature is called by "+chatPath)
		payload.Errors = []string{notPermitted}
		return payload, nil
	}
	right, err := i.mayUse(x.person, f, x.rel, i.service.Clock().Now())
	if err != nil {
		reason, detail := whyNot(err)
		x.deny(reason, detail)
		payload.Errors = []string{notPermitted}
		return payload, nil
	}
	requestID, threadID := i.stub.env.Random.UUID(), globalID(threadGID+strconv.Itoa(t.number))
	payload.RequestID, payload.ThreadID = &requestID, &threadID
	c := conversation{instance: i, feature: f, rel: x.rel, person: x.person, right: right, client: x.header, thread: t}
	i.enqueue(ctx, func(ctx context.Context) {
		_, met := c.ask(ctx, in.Chat.question(), x.requestID, requestID)
		entry := journal.Entry{Route: "job:llm_completion", RequestID: x.requestID}
		met.note(&entry)
		i.service.Record(entry)
	})
	return payload, nil
}

// question is what goes on to the AI gateway.
func (in *chatInput) question() question {
	q := question{Content: in.Content}
	if f := in.CurrentFile; f != nil {
		q.CurrentFile = &currentFile{Name: f.FileName, SelectedText: f.SelectedText}
	}
	if in.AdditionalContext != nil {
		for _, given := range *in.AdditionalContext {
			entry := contextEntry{Category: strings.ToLower(given.Category), ID: given.ID, Content: given.Content, Metadata: []byte(`{}`)}
			if given.Metadata != nil {
				if text, err := encode(given.Metadata); err == nil {
					entry.Metadata = text
				}
			}
			q.ContextEntries = append(q.ContextEntries, entry)
		}
	}
	return q
}

// mutates checks that the caller may send mutations, with scopes beside api that will do.
func (x *executed) mutates(scopes ...string) error {
	switch {
	case x.person == nil:
		return x.forbidden(UserUnauthenticated, "the request carries no personal access token")
	case !x.person.hasScope(append(scopes, "api")...):
		return x.forbidden(UserTokenScope, fmt.Sprintf("the personal access token of %q has the scopes %q", x.person.Name, x.person.TokenScopes))
	}
	return nil
}

// holds reports whether the instance has a resource that the user can see: themselves and
// projects.
func (i *Instance) holds(id globalID, p *person) bool {
	kind, number, _ := strings.Cut(strings.TrimPrefix(string(id), "gid://gitlab/"), "/")
	return id == p.gid() || kind == "Project" && number != "" && i.knows("project", number, p)
}

// whyNot takes the reason out of a refusal.
func whyNot(err error) (token.Reason, string) {
	if refusal := refusalOf(err); refusal != nil {
		return token.Reason(refusal.Reason), refusal.Detail
	}
	return UserNotAllowed, err.Error()
}

// enqueue performs work of Sidekiq at once, or keeps it until jobs are run again.
func (i *Instance) enqueue(ctx context.Context, work func(ctx context.Context)) {
	i.mu.Lock()
	if i.halted {
		i.queue = append(i.queue, work)
		i.mu.Unlock()
		return
	}
	i.mu.Unlock()
	work(ctx)
}

// resume performs what has been kept.
func (i *Instance) resume(ctx context.Context) {
	i.mu.Lock()
	kept := i.queue
	i.queue = nil
	i.mu.Unlock()
	for _, work := range kept {
		work(ctx)
	}
}

// currentLicense is an instance's licence as GraphQL shows it.
type currentLicense struct {
	ID        graphql.ID
	Type      string
	Plan      string
	StartsAt  *date
	ExpiresAt *date
	// ActivatedAt is today.
	ActivatedAt *date
	LastSync    *instant
}

// futureEntry is a subscription that has not begun. The stub holds none.
type futureEntry struct {
	Type, Plan          string
	StartsAt, ExpiresAt *date
}

// activatePayload is the answer of gitlabSubscriptionActivate.
type activatePayload struct {
	ClientMutationID    *string
	Errors              []string
	License             *currentLicense
	FutureSubscriptions *[]futureEntry
}

// GitlabSubscriptionActivate types an activation code in.
func (*root) GitlabSubscriptionActivate(ctx context.Context, args struct {
	Input struct {
		ClientMutationID *string
		ActivationCode   string
	}
},
) (*activatePayload, error) {
	x := executedOf(ctx)
	i := x.instance
	if err := x.mutates(); err != nil {
		return nil, err
	}
	if !x.person.Admin {
		return nil, x.forbidden(UserNotAllowed, x.person.Name+" is no administrator")
	}
	payload := &activatePayload{ClientMutationID: args.Input.ClientMutationID, Errors: []string{}, FutureSubscriptions: &[]futureEntry{}}
	if i.given.Realm == world.SaaS {
		payload.Errors = []string{"Not self-managed instance"}
		return payload, nil
	}
	w := work{at: i.stub.env.Clock.Now(), requestID: x.requestID, code: args.Input.ActivationCode}
	r := i.perform(ctx, activation, w)
	if r.outcome != control.Succeeded {
		x.deny(r.reason, r.message)
		payload.Errors = r.errors
		if len(payload.Errors) == 0 {
			payload.Errors = []string{r.message}
		}
		return payload, nil
	}
	payload.License = i.shownLicense(i.service.Clock().Now())
	return payload, nil
}

// shownLicense is the licence that the instance holds now.
func (i *Instance) shownLicense(now time.Time) *currentLicense {
	i.mu.RLock()
	defer i.mu.RUnlock()
	l := i.license
	if l == nil {
		return nil
	}
	shown := &currentLicense{
		ID: graphql.ID("gid://gitlab/License/" + strconv.Itoa(l.file.ID)), Type: string(l.Kind), Plan: l.Plan,
		StartsAt: dateOf(l.StartsAt), ExpiresAt: dateOf(l.ExpiresAt), ActivatedAt: dateOf(now),
	}
	if !i.reported.IsZero() {
		shown.LastSync = &instant{i.reported}
	}
	return shown
}
