package probe

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// lineLength is that of paragraphs, in characters.
const lineLength = 100

// Write writes the table, what is wrong after it, and a line that sums it up.
func (r *Result) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\tCASE\tSTATUS\tOUTCOME\tEXPECTED")
	gaps, strict := 0, 0
	for _, v := range r.Verdicts {
		mark, status := "ok", "-"
		if !v.OK {
			mark = "FAIL"
		}
		if v.Status != 0 {
			status = fmt.Sprint(v.Status)
		}
		if v.knownGap() {
			gaps++
		}
		if v.Strict {
			strict++
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", mark, v.Case, status, v.Outcome, v.expectation())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range r.Findings {
		if err := f.write(w); err != nil {
			return err
		}
	}
	failed := len(r.Failed())
	sum := fmt.Sprintf("%s: %d calls, %d as they must be", r.URL, len(r.Verdicts), len(r.Verdicts)-failed)
	for _, n := range []struct {
		count int
		what  string
	}{
		{gaps, "known gaps"}, {strict, "stricter than needed"}, {failed, "FAILED"}, {r.NotTried, "not sent, as without a good call they prove nothing"},
	} {
		if n.count > 0 {
			sum += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	if len(r.Left) > 0 {
		if _, err := fmt.Fprintf(w, "\nnot for a real service: %s\n", strings.Join(r.Left, ", ")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", sum)
	return err
}

// knownGap reports whether a call got in that does at the real AI gateway, too.
func (v Verdict) knownGap() bool { return v.Gap && v.Outcome == Accepted }

func (v Verdict) expectation() string {
	switch {
	case v.Gap && v.Outcome == Accepted:
		return "known gap of the real library"
	case v.Gap:
		return "refused (a known gap of the real library)"
	case v.Open:
		return "either (RFC 7519 leaves it open)"
	case v.Strict:
		return "accepted (this is stricter than it needs to be)"
	case v.Expected == Accepted:
		return string(Accepted)
	}
	return fmt.Sprintf("%s: %s", v.Expected, v.Reason)
}

func (f Finding) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "\nFAIL  %s\n%s\n%s\n", f.What, indented(strings.Join(f.Cases, ", ")), indented(f.Why))
	return err
}

// indented breaks a paragraph into lines.
func indented(text string) string {
	const margin = "      "
	var lines []string
	current := ""
	for word := range strings.FieldsSeq(text) {
		if current != "" && len(margin)+len(current)+1+len(word) > lineLength {
			lines = append(lines, margin+current)
			current = ""
		}
		current = strings.TrimPrefix(current+" "+word, " ")
	}
	return strings.Join(append(lines, margin+current), "\n")
}
