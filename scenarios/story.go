package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
)

// Story tells on one screen how a flow went: the steps that passed in a line each, the one
// that failed with all that is known of it.
func Story(r *Result, color bool) string {
	w := &story{paint: painter(color)}
	mark := map[Status]string{Passed: "ok", Failed: "FAIL", Skipped: "skip", NotRun: "-"}[r.Status]
	failing := r.failing()
	if failing != nil {
		mark = "FAIL"
	}
	w.line("%s %s", w.status(mark), r.Scenario)
	for _, note := range r.Notes {
		w.line("  note: %s", note)
	}
	width := len(fmt.Sprint(len(r.Steps)))
	var left []string
	for _, s := range r.Steps {
		switch s.Status {
		case NotRun:
			left = append(left, fmt.Sprintf("%d %s", s.Number, s.Title))
		case Skipped:
			w.line("  %s  %*d  %s (%s)", w.status("skip"), width, s.Number, s.Title, s.Skipped)
		case Failed:
			w.line("  %s  %*d  %s (%s)", w.status("FAIL"), width, s.Number, w.paint(bold, s.Title), elapsed(s.Elapsed))
			w.failure(s, r)
		default:
			w.line("  %s  %*d  %s (%s)", w.status("ok"), width, s.Number, s.Title, elapsed(s.Elapsed))
			for _, note := range s.Notes {
				w.line("      note: %s", note)
			}
		}
	}
	if len(left) > 0 && failing != nil {
		w.line("  not run: %s", cut(strings.Join(left, ", "), 200))
	}
	for _, p := range r.Problems {
		w.line("  %s%s", w.paint(red, p.Message), w.paint(dim, fmt.Sprintf(" (line %d)", p.Line)))
	}
	if len(r.Problems) > 0 && !r.NotStarted {
		w.line("  seed %d", r.Seed)
	}
	switch {
	case failing != nil:
		w.line("%s:%d", failing.File, failing.Line)
	case len(r.Problems) > 0:
		w.line("%s:%d", r.File, r.Problems[0].Line)
	}
	w.rerun(r)
	return strings.TrimRight(w.String(), "\n")
}

// rerun tells how to run a flow that failed again.
func (w *story) rerun(r *Result) {
	if r.Again != "" && r.Status == Failed {
		w.line("again: %s", r.Again)
	}
	if r.Replay != "" {
		w.line("capsule: %s", r.Replay)
	}
}

// story is a text that grows by lines.
type story struct {
	strings.Builder
	paint func(colour, text string) string
}

func (w *story) line(format string, args ...any) {
	w.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	w.WriteByte('\n')
}

// The colours of a terminal.
const (
	red   = "31"
	green = "32"
	dim   = "2"
	bold  = "1"
)

func painter(color bool) func(colour, text string) string {
	return func(colour, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
}

func (w *story) status(mark string) string {
	padded := fmt.Sprintf("%-4s", mark)
	switch mark {
	case "FAIL":
		return w.paint(red, padded)
	case "ok":
		return w.paint(green, padded)
	}
	return w.paint(dim, padded)
}

func elapsed(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// failure tells all that is known of the step that failed.
func (w *story) failure(s *StepResult, r *Result) {
	w.line("")
	for _, p := range s.Problems {
		where := ""
		if p.Line != s.Line {
			where = fmt.Sprintf(" (line %d)", p.Line)
		}
		w.line("    %s%s", w.paint(red, p.Message), w.paint(dim, where))
	}
	for _, note := range s.Notes {
		w.line("    note: %s", note)
	}
	w.line("")
	w.exchange(s)
	if s.Answer != "" {
		w.line("    answer  %s", s.Answer)
	}
	w.decisions(s)
	w.tokens(s)
	if !s.At.IsZero() {
		w.line("    time    %s, seed %d", s.At.UTC().Format("2006-01-02 15:04:05 UTC"), r.Seed)
	}
	w.line("")
}

func (w *story) exchange(s *StepResult) {
	if s.Request != nil {
		w.line("    > %s %s", s.Request.Method, s.Request.URL)
		w.fields(">", s.Request.Headers)
		w.body(">", s.Request.Body)
	}
	if s.Response != nil {
		w.line("    < %d", s.Response.Status)
		w.fields("<", s.Response.Headers)
		w.body("<", s.Response.Body)
	}
	if s.Request != nil {
		w.line("")
	}
}

// noise are headers that tell nothing about a refusal.
var noise = map[string]bool{
	"Cache-Control": true, "Cf-Ray": true, "Content-Length": true, "Date": true, "Server": true,
	"Strict-Transport-Security": true, "Vary": true, "X-Content-Type-Options": true, "X-Frame-Options": true,
}

func (w *story) fields(mark string, fields []Field) {
	for _, f := range fields {
		if !noise[f.Name] {
			w.line("    %s %s: %s", mark, f.Name, cut(f.Value, 120))
		}
	}
}

// body shows the beginning of a body.
func (w *story) body(mark, text string) {
	const mostLines, mostChars = 10, 800
	if text == "" {
		return
	}
	lines := strings.Split(strings.TrimRight(cut(text, mostChars), "\n"), "\n")
	for n, line := range lines {
		if n == mostLines {
			w.line("    %s ... (%s more)", mark, quantity(len(lines)-n, "line"))
			return
		}
		w.line("    %s %s", mark, printable(line))
	}
}

// printable leaves out what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '.'
		}
		return r
	}, s)
}

// decisions tell what each service decided, and why.
func (w *story) decisions(s *StepResult) {
	if x := s.Explanation; x != nil && len(x.Chain) > 0 {
		w.line("    why     %s", x.Text)
		for _, link := range x.Chain {
			mark := map[explain.Verdict]string{explain.Passed: "ok", explain.Refused: "NO", explain.NotReached: "-"}[link.Verdict]
			who := string(link.Part)
			if link.Service != "" && link.Service != who {
				who += " " + link.Service
			}
			w.line("            %-2s %-20s %s", mark, who, link.Text)
		}
		return
	}
	for n, e := range s.Journal {
		head := "       "
		if n == 0 {
			head = "journal"
		}
		w.line("    %s %s", head, entryLine(e))
	}
}

func entryLine(e journal.Entry) string {
	what := e.Route
	if e.Method != "" {
		what = fmt.Sprintf("%s %s %d", e.Method, e.Path, e.Status)
	}
	text := e.Service + ": " + what
	if e.Fault != "" {
		text += fmt.Sprintf(", fault %q", e.Fault)
	}
	if e.Reason != "" {
		text += ", " + e.Reason
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}
