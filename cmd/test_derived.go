package cmd

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

// derivation are the flags about cases that are derived from feature files.
type derivation struct {
	derived, full, list bool
	catalog, show       string
}

// wanted reports whether cases are derived at all. A flag that only they can mean asks for
// them.
func (d *derivation) wanted() bool { return d.derived || d.full || d.list || d.catalog != "" }

func (d *derivation) cases(features []feature.Feature) ([]derive.Case, error) {
	o := derive.Options{Full: d.full}
	if d.catalog != "" {
		text, err := os.ReadFile(d.catalog)
		if err != nil {
			return nil, usagef("read the catalog: %w", err)
		}
		o.Catalog, o.CatalogName = string(text), d.catalog
	}
	return derive.Cases(features, o)
}

// printCase prints the flow of the case that --show names.
func (t *test) printCase(w io.Writer) error {
	features, err := t.load()
	if err != nil {
		return err
	}
	cases, err := t.cases(features)
	if err != nil {
		return err
	}
	id := strings.TrimSuffix(strings.TrimPrefix(t.show, "derived/"), ".yaml")
	n := slices.IndexFunc(cases, func(c derive.Case) bool { return c.ID() == id })
	if n < 0 {
		known := make([]string, len(cases))
		for n, c := range cases {
			known[n] = c.ID()
		}
		hint := "--list names them"
		if near := strictyaml.Suggest(id, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return &exitError{code: exitUsage, err: fmt.Errorf("--show: unknown case %q", t.show), hint: hint}
	}
	_, err = io.WriteString(w, cases[n].YAML)
	return err
}

// listFlows prints the file of each flow. Those of derived cases are what --show takes.
func listFlows(w io.Writer, flows []scenarios.Flow) error {
	for _, f := range flows {
		if _, err := fmt.Fprintln(w, f.File); err != nil {
			return err
		}
	}
	return nil
}
