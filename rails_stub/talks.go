package railsstub

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/world"
)

// talks are the threads of an instance's users: what they asked of chat and what they were
// answered.
type talks struct {
	mu      sync.Mutex
	threads map[string][]*thread // by user
	last    int                  // number of the newest thread
}

// thread is one conversation.
type thread struct {
	number   int
	kind     string
	messages []message
}

// message is a question or an answer. It is not changed once it is in a thread.
type message struct {
	ID, RequestID, Role, Content string
	Errors                       []string
	At                           time.Time
	Thread                       int
}

// The roles of messages.
const (
	roleUser      = "USER"
	roleAssistant = "ASSISTANT"
)

// legacyKind is the kind of the thread of callers who name none.
const legacyKind = "DUO_CHAT_LEGACY"

// What one user keeps: GitLab drops threads after a month, and the stub the oldest.
const (
	maxThreads  = 100
	maxMessages = 200
)

// legacy is the thread of callers who name none.
func (t *talks) legacy(user string) *thread {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.newest(user, legacyKind); found != nil {
		return found
	}
	return t.add(user, legacyKind)
}

// newest is the user's last thread of a kind, nil if there is none. The caller holds t.mu.
func (t *talks) newest(user, kind string) *thread {
	for _, found := range slices.Backward(t.threads[user]) {
		if found.kind == kind {
			return found
		}
	}
	return nil
}

// latest is the user's last thread of a kind, nil if there is none.
func (t *talks) latest(user, kind string) *thread {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newest(user, kind)
}

// start begins a thread.
func (t *talks) start(user, kind string) *thread {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(user, kind)
}

func (t *talks) add(user, kind string) *thread {
	if t.threads == nil {
		t.threads = map[string][]*thread{}
	}
	t.last++
	begun := &thread{number: t.last, kind: kind}
	all := append(t.threads[user], begun)
	t.threads[user] = all[max(0, len(all)-maxThreads):]
	return begun
}

// find is the user's thread of a number, nil if there is none.
func (t *talks) find(user string, number int) *thread {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, found := range t.threads[user] {
		if found.number == number {
			return found
		}
	}
	return nil
}

// keep puts a message into a thread.
func (t *talks) keep(in *thread, m message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.Thread = in.number
	all := append(in.messages, m)
	in.messages = slices.Clone(all[max(0, len(all)-maxMessages):])
}

// clear forgets what was said in a thread.
func (t *talks) clear(in *thread) {
	t.mu.Lock()
	defer t.mu.Unlock()
	in.messages = nil
}

// said is what was said in a thread, oldest first.
func (t *talks) said(in *thread) []message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return in.messages
}

// maxHistory is how much of a thread goes along with a question, in messages.
const maxHistory = 40

// answered are the last questions of a thread that were answered well, each with its
// answer.
func (t *talks) answered(in *thread) []message {
	all := t.said(in)
	answers := map[string]message{}
	for _, m := range all {
		if m.Role == roleAssistant && len(m.Errors) == 0 {
			answers[m.RequestID] = m
		}
	}
	var found []message
	for _, q := range all {
		if a, ok := answers[q.RequestID]; ok && q.Role == roleUser {
			found = append(found, q, a)
		}
	}
	return found[max(0, len(found)-maxHistory):]
}

func sortedPaths(projects map[string]world.Project) []string {
	return slices.Sorted(maps.Keys(projects))
}
