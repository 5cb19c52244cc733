package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong in a file.
type Problem struct {
	File         string
	Line, Column int    // counted from 1, columns in characters; 0 if the place is not known
	Path         string // "steps[3].use"; empty for the whole document
	Message      string // one clause, lower case
	Hint         string // how to mend it; may be empty
	Excerpt      string // the lines around, with a caret; may be empty
}

// Error is the problem on one line, without the excerpt.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		b.WriteByte(':')
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		fmt.Fprintf(&b, " (%s)", p.Hint)
	}
	return b.String()
}

// Full is the problem with its excerpt below.
func (p Problem) Full() string {
	if p.Excerpt == "" {
		return p.Error()
	}
	return p.Error() + "\n" + p.Excerpt
}

// Problems are all the things wrong in one or more files.
type Problems []Problem

// Error lists every problem with its excerpt, sorted by file and line.
func (ps Problems) Error() string {
	texts := make([]string, 0, len(ps))
	for _, p := range ps.Sorted() {
		texts = append(texts, p.Full())
	}
	return strings.Join(texts, "\n")
}

// Sorted is a copy in the order of files and places, without repetitions.
func (ps Problems) Sorted() Problems {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	// An aliased block may be complained about once for each of its uses.
	seen := make(map[Problem]bool, len(sorted))
	return slices.DeleteFunc(sorted, func(p Problem) bool {
		p.Path = ""
		again := seen[p]
		seen[p] = true
		return again
	})
}

// Add appends err: Problems and a Problem as they are, also when wrapped, and
// anything else as a Problem without a place. Nil adds nothing.
func (ps *Problems) Add(err error) {
	if err == nil {
		return
	}
	var many Problems
	var one Problem
	switch {
	case errors.As(err, &many):
		*ps = append(*ps, many...)
	case errors.As(err, &one):
		*ps = append(*ps, one)
	default:
		*ps = append(*ps, Problem{Message: err.Error()})
	}
}

// Err is ps, sorted, or nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.Sorted()
}

// Unwrap gives each problem to errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, 0, len(ps))
	for _, p := range ps {
		errs = append(errs, p)
	}
	return errs
}
