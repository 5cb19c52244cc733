package cmd

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

func newLint() *cobra.Command {
	l := &lint{}
	c := &cobra.Command{
		Use:   "lint [FILE|DIR...]",
		Short: "Check flows, feature files and cloud_connector.yml",
		Long: `lint reads flows, feature files, worlds, targets and catalogs, that is cloud_connector.yml
or a folder of the library gitlab-cloud-connector, by default the flows and feature files
that ccmock comes with, and shows everything that is wrong, with the lines around it. What
a file is, it tells by its keys. It warns of features that no
flow is about and of steps that prove little. The exit code is 2 when there are problems;
warnings count as problems with --strict only.`,
		Example: `  ccmock lint
  ccmock lint my/flows my/features config/cloud_connector.yml`,
		RunE: func(c *cobra.Command, args []string) error { return l.run(c, args) },
	}
	l.featureFlags(c)
	c.Flags().StringVar(&l.environment, "environment", "", "block of a cloud_connector.yml that counts, `NAME` (default: development, else defaults)")
	c.Flags().BoolVar(&l.strict, "strict", false, "take warnings for problems")
	c.Flags().BoolVar(&l.json, "json", false, "print one JSON object")
	return c
}

// lint is the command with its flags.
type lint struct {
	given
	environment string
	json        bool
	seen        map[form]int
	skipped     []string
	problems    strictyaml.Problems
	warnings    strictyaml.Problems
	strict      bool
}

// form is what a file is.
type form string

const (
	unknownForm form = ""
	flowForm    form = "flow"
	featureForm form = "feature file"
	worldForm   form = "world"
	targetForm  form = "target"
	catalogForm form = "catalog"
)

// forms are the keys by which a file's form is told, in the order of reports.
var forms = []struct {
	form form
	keys []string
}{
	{flowForm, []string{"scenario", "features", "given", "steps"}},
	{featureForm, []string{"feature", "backend", "cloud_connector", "rails"}},
	{worldForm, []string{"instances", "users", "now", "catalog_file"}},
	{targetForm, []string{"control", "control_token", "connect_to"}},
	{catalogForm, []string{"defaults", "development", "production", "test", "staging", "unit_primitives", "backend_services", "license_types"}},
}

func (l *lint) run(c *cobra.Command, args []string) error {
	l.seen = map[form]int{}
	if len(args) == 0 {
		l.builtIn()
	} else if err := l.files(args); err != nil {
		return err
	}
	if l.strict {
		l.problems, l.warnings = append(l.problems, l.warnings...), nil
	}
	out := c.OutOrStdout()
	if l.json {
		if err := l.printJSON(out); err != nil {
			return err
		}
		if len(l.problems) > 0 {
			return silent(exitUsage)
		}
		return nil
	}
	for _, w := range l.warnings.Sorted() {
		line(out, "warning: %s", w.Full())
	}
	if len(l.problems) > 0 {
		reportProblems(out, l.problems)
		return silent(exitUsage)
	}
	var parts []string
	for _, f := range forms {
		if n := l.seen[f.form]; n > 0 {
			parts = append(parts, counted(n, string(f.form)))
		}
	}
	verdict := "nothing to complain about"
	if n := len(l.warnings.Sorted()); n > 0 {
		verdict = counted(n, "warning")
	}
	line(out, "%s: %s", list(parts), verdict)
	for _, name := range l.skipped {
		line(c.ErrOrStderr(), "%s: not looked at, as it is none of ours", name)
	}
	return nil
}

// builtIn checks what ccmock comes with. Feature files that the flags name are checked in
// place of its own.
func (l *lint) builtIn() {
	features, err := l.load()
	l.problems.Add(err)
	l.seen[featureForm] = len(features)
	flows, err := shipped(features)
	l.problems.Add(err)
	l.seen[flowForm] = len(flows)
	if len(l.problems) == 0 {
		l.warn(features, flows)
	}
}

// warn looks at features and flows that are meant for one another.
func (l *lint) warn(features []feature.Feature, flows []scenarios.Flow) {
	for _, f := range flows {
		l.warnings = append(l.warnings, f.Warnings()...)
	}
	if len(flows) > 0 {
		l.warnings = append(l.warnings, scenarios.Unused(features, flows)...)
	}
}

// file is a file to check.
type file struct {
	name string
	data []byte
}

func (l *lint) files(args []string) error {
	found := map[form][]file{}
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && name != arg && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case entry.IsDir() && l.library(name):
				return fs.SkipDir
			case entry.IsDir(), name != arg && !isYAML(name):
				return nil
			}
			return l.add(found, name, name == arg)
		})
		if err != nil {
			return usagef("lint: %w", err)
		}
	}
	features := l.checkFeatures(found[featureForm])
	own := slices.Clone(features)
	known, err := l.load()
	if l.features != "" || len(features) == 0 {
		l.problems.Add(err)
	}
	for _, f := range known {
		if !slices.Contains(feature.Names(features), f.Name) {
			features = append(features, f)
		}
	}
	var flows []scenarios.Flow
	for _, f := range found[flowForm] {
		flow, err := scenarios.ParseFlow(f.name, f.data, features, besides(f.name))
		l.problems.Add(err)
		if err == nil {
			flows = append(flows, flow)
		}
	}
	if len(flows) < len(found[flowForm]) {
		own = nil // a flow that cannot be read may be about any of them
	}
	l.warn(own, flows)
	for _, f := range found[worldForm] {
		_, err := world.Parse(f.name, f.data, clock.Real{}.Now(), besides(f.name))
		l.problems.Add(err)
	}
	for _, f := range found[targetForm] {
		_, err := scenarios.ParseTarget(f.name, f.data, os.Getenv)
		l.problems.Add(err)
	}
	for _, f := range found[catalogForm] {
		_, err := catalog.Parse(f.name, f.data, l.environment)
		l.problems.Add(err)
	}
	checked := 0
	for form, of := range found {
		l.seen[form] += len(of)
	}
	for _, n := range l.seen {
		checked += n
	}
	if checked == 0 && len(l.problems) == 0 {
		return usagef("there is nothing to check in %s", list(args))
	}
	return nil
}

// library checks a folder as a catalog of the library, if it is one.
func (l *lint) library(name string) bool {
	if dir, found := catalog.LibraryIn(name); !found || dir != name {
		return false
	}
	source, err := catalog.Open(name)
	if err == nil {
		_, err = source.Catalog("")
	}
	l.problems.Add(err)
	l.seen[catalogForm]++
	return true
}

// add sorts a file by its form. One that was not named itself may be somebody else's.
func (l *lint) add(found map[form][]file, name string, named bool) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		l.problems.Add(err)
		return nil
	}
	switch form := formOf(doc, name); {
	case form != unknownForm:
		found[form] = append(found[form], file{name, data})
	case named || doc.Has("format"):
		l.problems = append(l.problems, doc.Problem("", "nothing tells what this file is",
			"a flow has scenario, a feature file feature, a world instances, a catalog defaults"))
	default:
		l.skipped = append(l.skipped, name)
	}
	return nil
}

// formOf tells a file by the keys that it has most of, and a catalog by its name too.
func formOf(doc *strictyaml.Document, name string) form {
	best, most := unknownForm, 0
	for _, f := range forms {
		n := 0
		for _, key := range f.keys {
			if doc.Has(key) {
				n++
			}
		}
		if n > most {
			best, most = f.form, n
		}
	}
	if base := filepath.Base(name); best == unknownForm && (strings.HasPrefix(base, "cloud_connector") || strings.HasPrefix(base, "access_data")) {
		return catalogForm
	}
	return best
}

// checkFeatures checks feature files folder by folder: those of one folder are meant to
// be used together, and must not take each other's names.
func (l *lint) checkFeatures(found []file) []feature.Feature {
	var features []feature.Feature
	for len(found) > 0 {
		dir := filepath.Dir(found[0].name)
		var names []string
		found = slices.DeleteFunc(slices.Clone(found), func(f file) bool {
			if filepath.Dir(f.name) != dir {
				return false
			}
			names = append(names, f.name)
			return true
		})
		of, err := feature.Load(chosen{names: names}, "")
		l.problems.Add(err)
		features = append(features, of...)
	}
	return features
}

// besides reads files beside another one.
func besides(name string) func(string) ([]byte, error) {
	return func(other string) ([]byte, error) { return readBeside(filepath.Join(filepath.Dir(name), other)) }
}

func isYAML(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// chosen is a folder of certain files, whose names are whole paths.
type chosen struct {
	files
	names []string
}

func (c chosen) ReadDir(string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for _, name := range c.names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, named{fs.FileInfoToDirEntry(info), name})
	}
	return entries, nil
}

// named is an entry that goes by its whole path.
type named struct {
	fs.DirEntry
	name string
}

func (n named) Name() string { return n.name }
