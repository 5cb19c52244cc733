package scenarios

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
)

// judging is the comparison of one step with what is expected of it.
type judging struct {
	*player
	at    string // the step's path
	step  *Step
	want  Expect
	out   *outcome
	r     *StepResult
	found []Problem
	notes []string
}

// check compares what came out of a step with what is expected.
func (p *player) check(n int, out *outcome, r *StepResult) ([]Problem, []string) {
	j := &judging{player: p, at: fmt.Sprintf("steps[%d]", n), step: &p.flow.Steps[n], out: out, r: r}
	if j.step.Expect != nil {
		j.want = *j.step.Expect
	}
	j.failure()
	if out.err == nil || out.answer != nil {
		j.http()
	}
	if out.job != nil {
		j.job()
	}
	j.refused()
	r.Expected = nil
	if j.want.Token != nil && (out.err == nil || out.answer != nil) {
		j.token()
	}
	if j.want.Keys != nil && out.keys != nil {
		j.keys()
	}
	if j.want.Stored != nil && j.out.stored != nil {
		j.stored()
	}
	j.calls()
	j.took()
	j.streamed()
	if s := j.step.Save; s != nil && len(j.found) == 0 {
		j.savable(s)
	}
	return j.found, j.notes
}

func (j *judging) complain(key, format string, args ...any) {
	path := j.at
	if key != "" {
		path += ".expect." + key
	}
	j.found = append(j.found, j.problem(path, format, args...))
}

// failure looks at the error of the action or of the connection.
func (j *judging) failure() {
	switch err := j.out.err; {
	case err == nil && j.want.Error != "":
		j.complain("error", "expected an error with %q, got none", j.want.Error)
	case err != nil && j.want.Error == "":
		j.complain("", "%v", err)
	case err != nil && !strings.Contains(err.Error(), j.want.Error):
		j.complain("error", "expected an error with %q, got %q", j.want.Error, err)
	}
}

func (j *judging) http() {
	a := j.out.answer
	if a == nil {
		return
	}
	good := a.status >= 200 && a.status < 300
	switch {
	case j.want.Status != 0 && a.status != j.want.Status:
		j.complain("status", "expected status %d, got %d %s", j.want.Status, a.status, http.StatusText(a.status))
	case j.want.Status == 0 && j.want.Refused == nil && !good:
		j.complain("", "expected it to go well, got status %d %s", a.status, http.StatusText(a.status))
	case j.want.Status == 0 && j.want.Refused != nil && good:
		j.complain("refused", "expected to be refused, got status %d %s", a.status, http.StatusText(a.status))
	}
	if j.want.Body != nil {
		j.body(a)
	}
	h := http.Header(a.header)
	for _, name := range slices.Sorted(maps.Keys(j.want.Headers)) {
		want, got := j.want.Headers[name], strings.Join(h.Values(name), ", ")
		switch {
		case want == nil && len(h.Values(name)) > 0:
			j.complain("headers."+name, "expected no header %s, got %q", name, got)
		case want == nil:
		default:
			text, err := j.resolve.text(*want)
			if err != nil {
				j.complain("headers."+name, "%v", err)
			} else if got != text {
				j.complain("headers."+name, "expected header %s to be %q, got %q", name, text, got)
			}
		}
	}
}

func (j *judging) job() {
	want := cmp.Or(j.want.Outcome, control.Succeeded)
	if got := j.out.job.Outcome; got != want {
		key := ""
		if j.want.Outcome != "" {
			key = "outcome"
		}
		j.complain(key, "expected the job to have %s, got %s: %s", want, got, j.out.job.Message)
	}
	if !strings.Contains(j.out.job.Message, j.want.Message) {
		j.complain("message", "expected a message with %q, got %q", j.want.Message, j.out.job.Message)
	}
}

// refused looks up who refused. A step of its own request is judged by the hops of that
// request; a job by everything that happened.
func (j *judging) refused() {
	want := j.want.Refused
	if want == nil {
		return
	}
	if j.client == nil {
		j.notes = append(j.notes, "who refused, and why, is not known without a control plane")
		return
	}
	entries := j.r.Hops
	if !j.out.sent {
		entries = j.r.Journal
	}
	met := false
	var others []string
	for _, e := range entries {
		switch {
		case e.Reason == "":
		case e.Service == want.By && e.Reason == string(want.Reason) && strings.Contains(e.Detail, want.Detail):
			met = true
		case j.out.sent && j.out.to != customersDot && want.By != customersDot && e.Service == customersDot:
			// It was asked for credits on the way, and who asked refuses for its answer.
		default:
			others = append(others, told(e))
		}
	}
	expected := fmt.Sprintf("expected %s to refuse for %s", want.By, want.Reason)
	if want.Detail != "" {
		expected += fmt.Sprintf(" with %q in the journal", want.Detail)
	}
	switch {
	case !met && len(others) == 0:
		j.complain("refused", "%s, but nobody refused", expected)
	case !met:
		j.complain("refused", "%s, got %s", expected, strings.Join(others, "; "))
	case len(others) > 0 && j.out.sent: // a job fails for a reason of its own on what another refused
		j.complain("refused", "%s and nobody else, but so did %s", expected, strings.Join(others, "; "))
	}
}

func told(e journal.Entry) string {
	text := e.Service + " refusing for " + e.Reason
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// calls counts what services were asked during the step.
func (j *judging) calls() {
	if len(j.want.Calls) == 0 {
		return
	}
	if j.client == nil {
		j.notes = append(j.notes, "calls cannot be counted without a control plane")
		return
	}
	for _, service := range slices.Sorted(maps.Keys(j.want.Calls)) {
		got := 0
		for _, e := range j.r.Journal {
			if e.Service == service && e.Method != "" {
				got++
			}
		}
		if want := j.want.Calls[service]; got != want {
			j.complain("calls."+service, "expected %s to %s, got %d", quantity(want, "call"), service, got)
		}
	}
}

func (j *judging) keys() {
	want, got := j.want.Keys, j.out.keys
	if want.Published != 0 && len(got.Published) != want.Published {
		j.complain("keys.published", "expected %s to be published, got %d", quantity(want.Published, "key"), len(got.Published))
	}
	moved := got.Signing != j.out.before.Signing
	switch {
	case want.Signing == same && moved:
		j.complain("keys.signing", "expected the same key to sign, but it changed")
	case want.Signing == changed && !moved:
		j.complain("keys.signing", "expected another key to sign, but it is still the same")
	}
}

// savable complains where there is nothing to save.
func (j *judging) savable(s *Save) {
	path := j.at + ".save"
	switch {
	case s.Value != "":
		if _, err := j.out.value(s.Value); err != nil {
			j.found = append(j.found, j.problem(path, "%s cannot be saved: %v", s.Value, err))
		}
	case j.out.raw == "" && j.out.err == nil:
		j.found = append(j.found, j.problem(path, "there is no token to save as %q", s.Name))
	}
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
