package fidelity

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const module = "github.com/ccmock/ccmock/"

// Run is what `go test -json` has said about facts.
type Run struct {
	tests  map[string]map[string]bool // by fact, the tests that prove it
	passed map[string]bool            // by test; of several runs of one test all must pass
}

// NewRun is a run of no tests.
func NewRun() *Run {
	return &Run{tests: make(map[string]map[string]bool), passed: make(map[string]bool)}
}

// Read adds the output of `go test -json`. Lines that are no events, such as a compiler's, are passed over.
func (r *Run) Read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] == '{' {
			r.event(text)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *Run) event(text []byte) {
	var e struct{ Action, Package, Test, Key, Value string }
	if json.Unmarshal(text, &e) != nil || e.Test == "" {
		return
	}
	top, _, sub := strings.Cut(e.Test, "/")
	test := strings.TrimPrefix(e.Package, module) + " " + top
	switch {
	case e.Action == "attr" && e.Key == Attribute:
		if r.tests[e.Value] == nil {
			r.tests[e.Value] = make(map[string]bool)
		}
		r.tests[e.Value][test] = true
	case sub: // the test above it fails with it
	case e.Action == "pass":
		if _, before := r.passed[test]; !before {
			r.passed[test] = true
		}
	case e.Action == "fail", e.Action == "skip":
		r.passed[test] = false
	}
}

// Table is docs/fidelity.md. An error names every fact that no passing test proves, and every id that is no fact's.
func Table(facts []Fact, r *Run) (string, error) {
	var problems []error
	unknown := maps.Clone(r.tests)
	var out strings.Builder
	out.WriteString(head)
	service := ""
	for _, f := range facts {
		delete(unknown, f.ID)
		tests := slices.Sorted(maps.Keys(r.tests[f.ID]))
		if len(tests) == 0 {
			problems = append(problems, fmt.Errorf("no test proves %q", f.ID))
		}
		for n, test := range tests {
			if !r.passed[test] {
				problems = append(problems, fmt.Errorf("%s proves %q and did not pass", test, f.ID))
			}
			tests[n] = "`" + test + "`"
		}
		if f.Service() != service {
			service = f.Service()
			fmt.Fprintf(&out, "\n## %s\n\n| fact | kind | versions | how sure | source | proved by |\n| --- | --- | --- | --- | --- | --- |\n", service)
		}
		row := []string{cell(f.Fact), f.Kind, cell(f.Versions), f.Source, cell(f.From), strings.Join(tests, "<br>")}
		fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
	}
	for _, id := range slices.Sorted(maps.Keys(unknown)) {
		problems = append(problems, fmt.Errorf("%s prove %q, which is no fact's id", strings.Join(slices.Sorted(maps.Keys(unknown[id])), ", "), id))
	}
	return out.String(), errors.Join(problems...)
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

const head = `# Fidelity

What ccmock holds to be true of the real services, and the tests that assert it. ` + "`go run ./internal/fidelity/write`" + ` makes this
file of a test run, so that every row has a test that passed; ` + "`.ci/run`" + ` fails when it is out of date. Rows are in
` + "`internal/fidelity/facts`" + `.

How sure: *measured* on the real code, *read* in its source, *documented* by GitLab, *inferred* from those, or *chosen* by us
where nothing is known.
`
