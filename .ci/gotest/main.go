// Command gotest reads the output of `go test -json` and prints what a person wants to see of it: a line for each
// package, and all that a failed test wrote.
//
// It exits with 1 when a test failed, when a test was skipped, and when none ran, because a check that did not happen has
// not passed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	counts := flag.String("counts", "", "append a line \"PASSED FAILED SKIPPED\" to `FILE`")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *counts); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// event is one line of `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
}

// report is what has been seen so far.
type report struct {
	out                     io.Writer
	output                  map[string][]string // of each unfinished test, by package and test
	passed, failed, skipped int
	skips                   []string
	broken                  []string // packages that failed, also without a failed test: a panic, a build error
}

func run(in io.Reader, out io.Writer, counts string) error {
	r := &report{out: out, output: map[string][]string{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if counts != "" {
		if err := appendLine(counts, fmt.Sprintf("%d %d %d\n", r.passed, r.failed, r.skipped)); err != nil {
			return err
		}
	}
	return r.verdict()
}

func (r *report) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.out, line) // the go command's own words
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		if e.Test == "" {
			r.packageOutput(e.Output)
			return
		}
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		r.end(e, key)
	}
}

// packageOutput leaves out what says nothing: the lone PASS before each package's line, and packages without tests.
func (r *report) packageOutput(s string) {
	if s == "PASS\n" || strings.Contains(s, "[no test files]") {
		return
	}
	fmt.Fprint(r.out, s)
}

func (r *report) end(e event, key string) {
	if e.Test == "" {
		if e.Action == "fail" {
			r.broken = append(r.broken, e.Package)
			r.unfinished(e.Package)
		}
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		fmt.Fprint(r.out, strings.Join(r.output[key], ""))
	case "skip":
		r.skipped++
		r.skips = append(r.skips, key)
		fmt.Fprint(r.out, strings.Join(r.output[key], ""))
	}
	delete(r.output, key)
}

// unfinished prints the output of tests that never ended, which is where a panic or a timeout is told.
func (r *report) unfinished(pkg string) {
	var keys []string
	for key := range r.output {
		if strings.HasPrefix(key, pkg+" ") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprint(r.out, strings.Join(r.output[key], ""))
		delete(r.output, key)
	}
}

func (r *report) verdict() error {
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	switch {
	case len(r.broken) > 0:
		return fmt.Errorf("failed: %s", strings.Join(r.broken, ", "))
	case r.failed > 0:
		return fmt.Errorf("%d tests failed", r.failed)
	case r.skipped > 0:
		return fmt.Errorf("a skipped test has not passed: %s", strings.Join(r.skips, ", "))
	case r.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}

func appendLine(file, line string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}
