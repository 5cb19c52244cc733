package scenarios

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// cause is what a failed flow goes back to, so that a hundred flows which fail since one
// line is wrong read as one finding.
type cause struct {
	by, reason string // who refused, and why; both empty for a call that was granted
	place      string // the line of a catalog that decided; empty where none did
}

// what says what became of the call.
func (c cause) what() string {
	if c.by == "" {
		return "granted"
	}
	return fmt.Sprintf("refused by %s: %s", c.by, cmp.Or(c.reason, "no reason given"))
}

// cause is that of a flow whose failing step was a call; false for every other flow.
func (r *Result) cause() (cause, bool) {
	s := r.failing()
	if s == nil || s.Explanation == nil || len(s.Explanation.Chain) == 0 {
		return cause{}, false
	}
	return cause{s.Explanation.By, s.Explanation.Reason, s.Explanation.Place}, true
}

// causes writes what the failed flows have in common, the most frequent cause first. A
// single failure has been told.
func (r *Report) causes(w io.Writer) {
	found := map[cause]int{}
	failed := 0
	for _, f := range r.Flows {
		if why, ok := f.cause(); ok {
			found[why]++
			failed++
		}
	}
	if failed < 2 {
		return
	}
	attribute(found)
	order := slices.SortedFunc(maps.Keys(found), func(a, b cause) int {
		return cmp.Or(cmp.Compare(found[b], found[a]), cmp.Compare(a.what(), b.what()), cmp.Compare(a.place, b.place))
	})
	_, _ = fmt.Fprintln(w, "\nwhat the failures go back to")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, why := range order {
		_, _ = fmt.Fprintf(table, "  %d\t%s\t%s\n", found[why], why.what(), why.place)
	}
	_ = table.Flush()
	_, _ = fmt.Fprintln(w)
}

// attribute counts causes without a place, such as those of forged tokens, among those that
// differ from them in nothing else, if one line is to blame for all of those.
func attribute(found map[cause]int) {
	for why, n := range found {
		if why.place != "" {
			continue
		}
		var same []cause
		for other := range found {
			if other.by == why.by && other.reason == why.reason && other.place != "" {
				same = append(same, other)
			}
		}
		if len(same) == 1 {
			found[same[0]] += n
			delete(found, why)
		}
	}
}
