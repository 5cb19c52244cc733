package scenarios

import (
	"time"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
)

// Status is how a flow or a step ended.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped" // the target cannot do it
	NotRun  Status = "not_run" // an earlier step failed, or the run was interrupted
)

// Report is what became of a run. It holds no secret: tokens are without signatures,
// personal access tokens are shortened.
type Report struct {
	Target string    `json:"target"`
	Flows  []*Result `json:"flows"` // in the order in which they were given
	// Coverage is what the flows' journals show; see Cover. It may be nil.
	Coverage *Coverage `json:"coverage,omitempty"`
}

// Result is what became of a flow.
type Result struct {
	File     string        `json:"file"`
	Scenario string        `json:"scenario"`
	Status   Status        `json:"status"`
	Seed     uint64        `json:"seed"`
	Elapsed  time.Duration `json:"elapsed"` // real time, in nanoseconds
	// Again is the command line that runs this flow alone; empty if nobody knows one.
	Again string `json:"again,omitempty"`
	// Replay is the command line that runs the flow from the capsule that it left, if it did.
	Replay string `json:"replay,omitempty"`
	// NotStarted says that there was no ecosystem to run the flow in.
	NotStarted bool          `json:"not_started,omitempty"`
	Problems   []Problem     `json:"problems,omitempty"` // of the flow as a whole
	Notes      []string      `json:"notes,omitempty"`    // what could not be done or looked at, and why
	Steps      []*StepResult `json:"steps"`
	// Stage is what the flow was played on; nil if it was not.
	Stage *Stage `json:"stage,omitempty"`

	capsule string // its name, if one is left
}

// StepResult is what became of a step.
type StepResult struct {
	Number  int           `json:"number"` // counted from 1
	Title   string        `json:"title"`
	Action  string        `json:"action"`
	File    string        `json:"file"`
	Line    int           `json:"line"`
	Status  Status        `json:"status"`
	Elapsed time.Duration `json:"elapsed"`
	At      time.Time     `json:"at,omitzero"` // stub time when the step began
	// Skipped is why the step was skipped, Notes what of it was not looked at, and why.
	Skipped string   `json:"skipped,omitempty"`
	Notes   []string `json:"notes,omitempty"`

	RequestID string    `json:"request_id,omitempty"`
	Request   *Sent     `json:"request,omitempty"`
	Response  *Received `json:"response,omitempty"`
	// Answer is what an action on the control plane came to, in words.
	Answer string  `json:"answer,omitempty"`
	Tokens []Token `json:"tokens,omitempty"`
	// Expected is what the first of Tokens should have had in place of what it has: only the
	// claims and header members that differ, null where there should be none.
	Expected *Token `json:"expected_token,omitempty"`
	// Hops are the stops of the step's own request, outermost first; Journal is everything
	// that happened during the step. Explanation is what became of that request.
	Hops        []journal.Entry      `json:"hops,omitempty"`
	Journal     []journal.Entry      `json:"journal,omitempty"`
	Explanation *explain.Explanation `json:"explanation,omitempty"`
	Problems    []Problem            `json:"problems,omitempty"`
}

// Sent is a request as it was sent.
type Sent struct {
	Method  string  `json:"method"`
	URL     string  `json:"url"`
	Headers []Field `json:"headers"`
	Body    string  `json:"body,omitempty"`
}

// Received is an answer as it came.
type Received struct {
	Status  int     `json:"status"`
	Headers []Field `json:"headers"`
	Body    string  `json:"body,omitempty"`
}

// Field is a header.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Token is a token that played a part in a step.
type Token struct {
	Label  string         `json:"label"`
	Digest string         `json:"digest,omitempty"`
	Header map[string]any `json:"header,omitempty"`
	Claims map[string]any `json:"claims,omitempty"`
	// Names are those of the services, instances and users that claims are about, by claim.
	Names map[string]string `json:"names,omitempty"`
}

// Problem is something that is not as expected.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Path    string `json:"path"` // of what was expected, such as steps[3].expect.status
	Message string `json:"message"`

	mend *mend // of an expected body, nil of everything else
}

// Counts is how many flows ended how.
type Counts struct{ Passed, Failed, Skipped, NotRun int }

// Counts counts the flows.
func (r *Report) Counts() Counts {
	var c Counts
	for _, f := range r.Flows {
		switch f.Status {
		case Failed:
			c.Failed++
		case Skipped:
			c.Skipped++
		case NotRun:
			c.NotRun++
		default:
			c.Passed++
		}
	}
	return c
}

// Failed reports whether a flow failed.
func (r *Report) Failed() bool { return r.Counts().Failed > 0 }

// NotStarted reports whether there was no ecosystem for some flow.
func (r *Report) NotStarted() bool {
	for _, f := range r.Flows {
		if f.NotStarted {
			return true
		}
	}
	return false
}

// failing is the step that failed, nil if none did.
func (r *Result) failing() *StepResult {
	for _, s := range r.Steps {
		if s.Status == Failed {
			return s
		}
	}
	return nil
}
