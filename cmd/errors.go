package cmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// The exit codes; see the package comment.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitStart  = 3
)

// exitError is an error that has an exit code. An error without one is a wrong usage,
// since that is what parsers of command lines find.
type exitError struct {
	code int
	err  error // nil: everything has been said
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef is the error of a wrong usage.
func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// failedf is the error of something that is not as it should be.
func failedf(format string, args ...any) error {
	return &exitError{code: exitFailed, err: fmt.Errorf(format, args...)}
}

// notStarted is the error of an ecosystem that could not start. Wrong files are their
// author's to mend, so they are a wrong usage.
func notStarted(err error) error {
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		return &exitError{code: exitUsage, err: err}
	}
	return &exitError{code: exitStart, err: err}
}

// silent ends with a code when everything has been said.
func silent(code int) error { return &exitError{code: code} }

// hint adds a line that may help.
func hint(err error, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	var e *exitError
	if errors.As(err, &e) {
		return &exitError{code: e.code, err: e.err, hint: text}
	}
	return &exitError{code: exitUsage, err: err, hint: text}
}

// report writes an error for people and returns its exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	code, help := exitUsage, ""
	var e *exitError
	if errors.As(err, &e) {
		code, help = e.code, e.hint
		err = e.err
	}
	if err == nil {
		return code
	}
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		reportProblems(w, problems)
		return code
	}
	hints := []string{}
	for _, one := range leaves(err) {
		text := one.Error()
		if before, inside, ok := strings.Cut(text, " (hint: "); ok && strings.HasSuffix(inside, ")") {
			text = before
			hints = append(hints, strings.TrimSuffix(inside, ")"))
		}
		line(w, "ccmock: %s", strings.ReplaceAll(text, "\n", "\n  "))
	}
	if help != "" {
		hints = append(hints, help)
	}
	for n, h := range hints {
		if !slices.Contains(hints[:n], h) {
			line(w, "hint: %s", h)
		}
	}
	return code
}

// reportProblems writes problems with their excerpts, and how many they are.
func reportProblems(w io.Writer, problems strictyaml.Problems) {
	sorted := problems.Sorted()
	files := map[string]bool{}
	for _, p := range sorted {
		line(w, "%s", p.Full())
		files[p.File] = true
	}
	line(w, "ccmock: %s in %s", counted(len(sorted), "problem"), counted(len(files), "file"))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// leaves are the errors that were joined, in so far as nothing was wrapped around them.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}
