package railsstub

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/ccmock/ccmock/internal/graphql"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// root resolves the fields of queries and mutations. The instance is in the context.
type root struct{}

// currentUser is a user as they see themselves.
type currentUser struct {
	*executed
}

// CurrentUser is null for nobody.
func (*root) CurrentUser(ctx context.Context) *currentUser {
	x := executedOf(ctx)
	if x.person == nil {
		return nil
	}
	return &currentUser{x}
}

// ID is a global id.
func (u *currentUser) ID() globalID { return u.person.gid() }

// Username is the name within the world.
func (u *currentUser) Username() string { return u.person.Name }

// DuoChatAvailable tells whether chat would answer.
func (u *currentUser) DuoChatAvailable() bool { return u.may(u.instance.stub.duoChat()) }

// DuoCodeSuggestionsAvailable tells whether Code Suggestions would.
func (u *currentUser) DuoCodeSuggestionsAvailable() bool { return u.suggests() }

// CodeSuggestionsContexts are all of them or none.
func (u *currentUser) CodeSuggestionsContexts() []string {
	if !u.suggests() {
		return []string{}
	}
	return []string{"repository_xray", "open_tabs", "imports"}
}

// DuoChatAvailableFeatures are the kinds of context that the user may give to chat: each
// is a unit primitive.
func (u *currentUser) DuoChatAvailableFeatures() []string {
	found := []string{}
	chat := u.instance.stub.duoChat()
	if !u.may(chat) {
		return found
	}
	for _, name := range u.instance.primitives() {
		if !strings.HasPrefix(name, "include_") || !strings.HasSuffix(name, "_context") {
			continue
		}
		of := *chat
		of.Backend.Scope = name
		if u.may(&of) {
			found = append(found, name)
		}
	}
	return found
}

func (u *currentUser) suggests() bool {
	return u.instance.given.FlagOn(world.FlagCodeSuggestions) && u.may(u.instance.stub.codeSuggestions())
}

func (x *executed) may(f *endpoint) bool {
	if f == nil {
		return false
	}
	_, err := x.instance.mayUse(x.person, f, x.rel, x.instance.service.Clock().Now())
	return err == nil
}

// primitives are the unit primitives of the catalog that comes with GitLab.
func (i *Instance) primitives() []string { return i.catalog.Scopes() }

// messagesArgs are the arguments of aiMessages.
type messagesArgs struct {
	RequestIDs       *[]graphql.ID
	Roles            *[]string
	ConversationType *string
	ThreadID         *globalID
	AgentVersionID   *globalID
	After, Before    *string
	First, Last      *int32
}

// AiMessages is what the caller asked of chat, and was answered.
func (*root) AiMessages(ctx context.Context, args messagesArgs) (*messagePage, error) {
	x := executedOf(ctx)
	if x.person == nil {
		return &messagePage{}, nil
	}
	t, err := x.thread(args.ThreadID, args.ConversationType, false)
	if err != nil || t == nil {
		return &messagePage{}, err
	}
	var found []message
	for _, m := range x.instance.talks.said(t) {
		if args.RequestIDs != nil && !slices.Contains(*args.RequestIDs, graphql.ID(m.RequestID)) ||
			args.Roles != nil && !slices.Contains(*args.Roles, m.Role) {
			continue
		}
		found = append(found, m)
	}
	return page(found, args)
}

// thread finds the caller's thread: the named one, the last one of the type, a new one of
// the type where one is to be written to, or the one of callers who say neither.
func (x *executed) thread(id *globalID, kind *string, write bool) (*thread, error) {
	talks, name := &x.instance.talks, x.person.Name
	switch {
	case id != nil:
		number, err := strconv.Atoi(strings.TrimPrefix(string(*id), threadGID))
		if t := talks.find(name, number); err == nil && t != nil {
			return t, nil
		}
		return nil, words("Thread not found. It may have expired.")
	case kind == nil:
		return talks.legacy(name), nil
	case write:
		return talks.start(name, *kind), nil
	}
	if *kind == legacyKind {
		return talks.legacy(name), nil
	}
	return talks.latest(name, *kind), nil
}

const threadGID = "gid://gitlab/Ai::Conversation::Thread/"

func (p *person) gid() globalID { return globalID("gid://gitlab/User/" + strconv.Itoa(p.ID)) }

// messagePage is a page of messages.
type messagePage struct {
	found    []message
	from, to int // of the page, among what was found
}

// page cuts a page out of what was found. Cursors are positions.
func page(found []message, args messagesArgs) (*messagePage, error) {
	p := &messagePage{found: found, to: len(found)}
	cursor := func(text *string, otherwise int) (int, error) {
		if text == nil {
			return otherwise, nil
		}
		n, err := strconv.Atoi(*text)
		if err != nil || n < 1 || n > len(found) {
			return 0, words("Please provide a valid cursor")
		}
		return n, nil
	}
	after, err := cursor(args.After, 0)
	if err != nil {
		return nil, err
	}
	before, err := cursor(args.Before, len(found)+1)
	if err != nil {
		return nil, err
	}
	p.from, p.to = after, max(after, before-1)
	const most = 100
	if size := p.to - p.from; args.Last != nil && args.First == nil {
		p.from = p.to - min(size, most, max(0, int(*args.Last)))
	} else {
		n := most
		if args.First != nil {
			n = max(0, int(*args.First))
		}
		p.to = p.from + min(size, most, n)
	}
	return p, nil
}

// Nodes are the messages of the page.
func (p *messagePage) Nodes() *[]*messageNode {
	nodes := []*messageNode{}
	for n := p.from; n < p.to; n++ {
		nodes = append(nodes, &messageNode{p.found[n]})
	}
	return &nodes
}

// messageEdge is a message with its cursor.
type messageEdge struct {
	Cursor string
	Node   *messageNode
}

// Edges are the same with cursors.
func (p *messagePage) Edges() *[]*messageEdge {
	edges := []*messageEdge{}
	for n := p.from; n < p.to; n++ {
		edges = append(edges, &messageEdge{strconv.Itoa(n + 1), &messageNode{p.found[n]}})
	}
	return &edges
}

// pageInfo says what else there is.
type pageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

// PageInfo says what else there is.
func (p *messagePage) PageInfo() *pageInfo {
	info := &pageInfo{HasNextPage: p.to < len(p.found), HasPreviousPage: p.from > 0}
	if p.to > p.from {
		start, end := strconv.Itoa(p.from+1), strconv.Itoa(p.to)
		info.StartCursor, info.EndCursor = &start, &end
	}
	return info
}

// messageNode is a message as GraphQL shows it.
type messageNode struct{ m message }

// ID is the message's own.
func (n *messageNode) ID() *graphql.ID { id := graphql.ID(n.m.ID); return &id }

// RequestID is that of the question and its answer.
func (n *messageNode) RequestID() *string { return &n.m.RequestID }

// Content is the text.
func (n *messageNode) Content() *string { return &n.m.Content }

// ContentHTML is the text as GitLab renders it, as far as paragraphs go.
func (n *messageNode) ContentHTML() *string {
	var out strings.Builder
	line := 1
	for text := range strings.SplitSeq(n.m.Content, "\n\n") {
		lines := strings.Split(text, "\n")
		last := lines[len(lines)-1]
		fmt.Fprintf(&out, `<p data-sourcepos="%d:1-%d:%d" dir="auto">%s</p>`,
			line, line+len(lines)-1, max(1, len(last)), html.EscapeString(text))
		line += len(lines) + 1
	}
	rendered := out.String()
	return &rendered
}

// Role is who said it.
func (n *messageNode) Role() string { return n.m.Role }

// Timestamp is when.
func (n *messageNode) Timestamp() instant { return instant{n.m.At} }

// ChunkID is null, as nothing is streamed.
func (*messageNode) ChunkID() *int32 { return nil }

// Errors are what went wrong.
func (n *messageNode) Errors() *[]string {
	errs := append([]string{}, n.m.Errors...)
	return &errs
}

// Type is null: no message is of a tool.
func (*messageNode) Type() *string { return nil }

// messageExtras go with an answer.
type messageExtras struct {
	Sources     *[]anyJSON
	HasFeedback *bool
}

// Extras are empty.
func (*messageNode) Extras() *messageExtras {
	no := false
	return &messageExtras{&[]anyJSON{}, &no}
}

// AgentVersionID is null.
func (*messageNode) AgentVersionID() *globalID { return nil }

// ThreadID is the thread's.
func (n *messageNode) ThreadID() *globalID {
	id := globalID(threadGID + strconv.Itoa(n.m.Thread))
	return &id
}

// forbidden is the error of a mutation or field that is not for the caller.
func (x *executed) forbidden(reason token.Reason, detail string) error {
	x.deny(reason, detail)
	return errUnavailable
}
