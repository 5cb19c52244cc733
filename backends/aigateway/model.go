package aigateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// said is what a model answers to a prompt.
type said struct {
	chunks []string
	fail   *world.ModelFailure // after the chunks
	told   bool                // by the scenario, not made up
}

func (s said) text() string { return strings.Join(s.chunks, "") }

// ask gives a model a prompt. What it answers depends on the prompt alone, unless the scenario says otherwise: an answer
// made up begins with what it is and ends with what it is of.
func (g *Gateway) ask(r *request, what, of string, prompt ...string) said {
	if told, ok := g.models.answer(r.route.name, strings.Join(prompt, "\n")); ok {
		s := said{chunks: told.Chunks, fail: told.Fail, told: true}
		if told.Answer != "" {
			s.chunks = strings.SplitAfter(told.Answer, " ")
		}
		if s.fail != nil { // also where the answer has begun, and nobody refuses
			journal.Of(r.Context()).Detail = "the model fails: " + failure(*s.fail)
		}
		return s
	}
	return said{chunks: strings.SplitAfter(fmt.Sprintf("%s %s of %s", what, fingerprint(append([]string{of}, prompt...)...), of), " ")}
}

// fingerprint stands for a model's answer: the same for the same prompt.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:4])
}

// tokens is how many tokens a model would count.
func tokens(text string) int { return len(strings.Fields(text)) }

// failure names a failure.
func failure(f world.ModelFailure) string {
	if f.NoAnswer != "" {
		return "no answer, " + f.NoAnswer
	}
	return fmt.Sprintf("%d %s", f.Status, reasonPhrase(f))
}

// reasonPhrase is the text of a provider's failure.
func reasonPhrase(f world.ModelFailure) string {
	switch {
	case f.Message != "":
		return f.Message
	case f.Status == overloaded:
		return "Overloaded"
	}
	return http.StatusText(f.Status)
}

// overloaded is the status with which Anthropic says overloaded_error.
const overloaded = 529

// inferenceFailed is how most endpoints word a failed model. Release 2025-01 had no words of its own for too many requests.
func (g *Gateway) inferenceFailed(f world.ModelFailure) error {
	if f.Status != http.StatusTooManyRequests || g.is(release2025) {
		return modelFailed(f, http.StatusServiceUnavailable, "Inference failed")
	}
	e := modelFailed(f, f.Status, "Too many requests. Please try again later.")
	if f.RetryAfter != "" {
		e.Header.Set("Retry-After", f.RetryAfter)
	}
	return e
}

// detail is an error in FastAPI's words, whatever its status.
func detail(status int, says string) *stub.Error {
	return &stub.Error{
		Status: status, Message: says, Body: map[string]string{"detail": says},
		Header: http.Header{"Content-Type": {"application/json"}}, // also of a 500, which is text elsewhere
	}
}

// ReasonModelFailed is that for which an endpoint gives no answer.
const ReasonModelFailed = "model_failed"

// modelFailed is detail of a failed model.
func modelFailed(f world.ModelFailure, status int, says string) *stub.Error {
	e := detail(status, says)
	e.Reason, e.Detail = ReasonModelFailed, "the model fails: "+failure(f)
	return e
}

// replied makes a model's answer a reply: of one piece, or a stream. Words are those of a failure before anything was
// sent; a stream has begun before the model runs, and a failure only cuts it off.
func replied(s said, streamed bool, whole func(text string) stub.Reply, form streamForm, words func(world.ModelFailure) error) (stub.Reply, error) {
	switch {
	case streamed:
		return form.reply(s), nil
	case s.fail != nil:
		return stub.Reply{}, words(*s.fail)
	}
	return whole(s.text()), nil
}

// models are the answers that a scenario has told models to give, the newest last.
type models struct {
	mu   sync.Mutex
	told []toldAnswer
}

type toldAnswer struct {
	world.ModelAnswer
	given int
}

// seed starts over with the answers that a world has.
func (m *models) seed(given []world.ModelAnswer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = nil
	for _, a := range given {
		m.told = append(m.told, toldAnswer{ModelAnswer: a})
	}
}

// tell puts an answer in force, in the place of one with the same name.
func (m *models) tell(a world.ModelAnswer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(a.Name)
	m.told = append(m.told, toldAnswer{ModelAnswer: a})
}

// forget takes back the answer of that name, or all without a name, and reports whether there was one.
func (m *models) forget(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name == "" {
		m.told = nil
		return true
	}
	return m.drop(name)
}

// drop is forget of one answer. Call with the lock held.
func (m *models) drop(name string) bool {
	before := len(m.told)
	m.told = slices.DeleteFunc(m.told, func(t toldAnswer) bool { return name != "" && t.Name == name })
	return len(m.told) < before
}

// answer is the newest answer for a prompt, which counts as given.
func (m *models) answer(route, prompt string) (world.ModelAnswer, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := len(m.told) - 1; n >= 0; n-- {
		t := &m.told[n]
		if t.Route != "" && t.Route != route || !strings.Contains(prompt, t.Prompt) || t.Times > 0 && t.given == t.Times {
			continue
		}
		t.given++
		return t.ModelAnswer, true
	}
	return world.ModelAnswer{}, false
}

// Model has models answer something from now on, or takes that back.
func (g *Gateway) Model(in control.ModelRequest) error {
	if found := in.Answer.Validate(); len(found) > 0 {
		return found[0]
	}
	if r := in.Answer.Route; r != "" && !slices.Contains(g.Routes(), r) {
		return fmt.Errorf("there is no route %q, expected one of %s", r, strings.Join(g.Routes(), ", "))
	}
	switch {
	case !in.Forget:
		g.models.tell(in.Answer)
	case !g.models.forget(in.Answer.Name):
		return fmt.Errorf("no answer is called %q", in.Answer.Name)
	}
	return nil
}

// promptText is a prompt that is a text or a list of messages.
func promptText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		texts := make([]string, 0, len(v))
		for _, item := range v {
			m, _ := item.(map[string]any)
			texts = append(texts, object(m).text("content"))
		}
		return strings.Join(texts, "\n")
	case nil:
		return ""
	}
	text, _ := json.Marshal(v) //nolint:errchkjson // what came as JSON
	return string(text)
}
