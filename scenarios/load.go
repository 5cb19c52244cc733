package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Load reads every .yaml and .yml file below the root of fsys as a flow, sorted by name.
// Features are those that flows may name. All problems of all files come back at once, as
// strictyaml.Problems, with the flows that have none.
func Load(fsys fs.FS, features []feature.Feature) ([]Flow, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && isYAML(name) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read flows: %w", err)
	}
	return load(names, features, func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) }, path.Join)
}

// LoadFiles is Load for files, and folders of them, as a command line names them.
func LoadFiles(paths []string, features []feature.Feature) ([]Flow, error) {
	var names []string
	for _, given := range paths {
		info, err := os.Stat(given)
		if err != nil {
			return nil, fmt.Errorf("read flows: %w", err)
		}
		if !info.IsDir() {
			names = append(names, given)
			continue
		}
		err = filepath.WalkDir(given, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && isYAML(name) {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read flows: %w", err)
		}
	}
	slices.Sort(names)
	return load(slices.Compact(names), features, os.ReadFile, filepath.Join)
}

func isYAML(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

func load(names []string, features []feature.Feature, read func(string) ([]byte, error), join func(...string) string) ([]Flow, error) {
	var flows []Flow
	var found strictyaml.Problems
	for _, name := range names {
		data, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("read flows: %w", err)
		}
		beside := func(file string) ([]byte, error) { return read(join(filepath.Dir(name), file)) }
		f, err := ParseFlow(name, data, features, beside)
		if err != nil {
			found.Add(err)
			continue
		}
		flows = append(flows, f)
	}
	return flows, found.Err()
}

// ParseFlow reads one flow and checks that it makes sense. Beside reads a file that the
// flow names, relative to the flow's own; it may be nil if there are none. All problems
// come back at once, as strictyaml.Problems.
func ParseFlow(name string, data []byte, features []feature.Feature, beside func(name string) ([]byte, error)) (Flow, error) {
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return Flow{}, err
	}
	var f file
	var found strictyaml.Problems
	if err := doc.Decode(&f); err != nil && !errors.As(err, &found) {
		return Flow{}, err
	}
	if beside == nil {
		beside = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	}
	flow := Flow{
		File: name, Scenario: f.Scenario, Description: f.Description,
		World: f.Given.world(), Steps: f.Steps, doc: doc, text: string(data),
	}
	c := checker{flow: &flow, doc: doc, lines: strings.Split(string(data), "\n"), found: found}
	c.beside = func(name string) ([]byte, error) {
		text, err := beside(name)
		if err == nil && !slices.ContainsFunc(flow.beside, func(b besideFile) bool { return b.name == name }) {
			flow.beside = append(flow.beside, besideFile{name, string(text)})
		}
		return text, err
	}
	c.header(f, features)
	c.given(f.Given)
	c.steps()
	if err := c.found.Err(); err != nil {
		return Flow{}, err
	}
	return flow, nil
}

// header checks everything above given.
func (c *checker) header(f file, features []feature.Feature) {
	if f.Format != Format && f.Format != 0 {
		c.complain("format", "", "format %d is not known, expected %d", f.Format, Format)
	}
	if c.doc.Has("scenario") && strings.TrimSpace(f.Scenario) == "" && !c.covered("scenario") {
		c.complain("scenario", "", "the scenario has no name")
	}
	if len(f.Features) == 0 && c.doc.Has("features") && !c.covered("features") {
		c.complain("features", "", "a flow is about one feature at least")
	}
	known := feature.Names(features)
	for n, name := range f.Features {
		at := strictyaml.Join("features", n)
		switch i := slices.Index(known, name); {
		case slices.Contains(f.Features[:n], name):
			c.complain(at, "", "feature %q is listed twice", name)
		case i >= 0:
			c.flow.Features = append(c.flow.Features, features[i])
		case name != "":
			c.unknown(at, "feature", name, known)
		}
	}
	c.addOns = addOns(features, nil)
}

// given checks the world.
func (c *checker) given(g given) {
	if g.CatalogFile != "" {
		switch text, err := c.beside(g.CatalogFile); {
		case g.Catalog != "":
			c.complain("given.catalog_file", "", "the catalog is given as catalog or as catalog_file, not as both")
		case err != nil:
			c.complain("given.catalog_file", "it is looked up beside the flow", "cannot be read: %v", reason(err))
		default:
			c.catalog("given.catalog_file", g.CatalogFile, string(text))
			c.flow.World.Catalog, c.flow.World.CatalogName = string(text), g.CatalogFile
		}
	} else if g.Catalog != "" {
		c.catalog("given.catalog", "", g.Catalog)
		if g.CatalogName == "" {
			c.flow.World.CatalogName = c.doc.File() + " (given.catalog)"
		}
	}
	for _, complaint := range c.flow.World.Complete() {
		if at := "given." + complaint.Path; c.doc.Has("given") && !c.covered(at) {
			c.complain(at, complaint.Hint, "%s", complaint.Message)
		}
	}
	for name, i := range g.Instances {
		for n, p := range i.AddOns {
			c.word(strictyaml.Join("given.instances", name, "add_ons", n, "add_on"), "add-on", p.AddOn, c.addOns)
		}
	}
	for name, u := range g.Users {
		for n, addOn := range u.Seats {
			c.word(strictyaml.Join("given.users", name, "seats", n), "add-on", addOn, c.addOns)
		}
		for n, denied := range u.Denied {
			c.word(strictyaml.Join("given.users", name, "denied", n), "feature", denied, feature.Names(c.flow.Features))
		}
		if name == "" {
			c.complain("given.users", "", "a user has no name")
		}
		if _, clash := c.flow.World.Instance(name); clash {
			c.complain(strictyaml.Join("given.users", name), "", "%q is an instance's name already", name)
		}
	}
}

// catalog checks the text of a cloud_connector.yml. Problems of a text that stands in the
// flow are shown where it stands.
func (c *checker) catalog(at, file, text string) {
	shift := 0
	if file == "" {
		file = fmt.Sprintf("%s (%s)", c.doc.File(), at)
		if line := c.doc.Line(at); line > 0 && line <= len(c.lines) && strings.HasSuffix(strings.TrimRight(c.lines[line-1], "-+ "), "|") {
			file, shift = c.doc.File(), line
		}
	}
	read, err := catalog.Parse(file, []byte(strings.Repeat("\n", shift)+text), "")
	if err != nil {
		var problems strictyaml.Problems
		problems.Add(err)
		c.found = append(c.found, problems...)
		return
	}
	c.addOns = append(c.addOns, read.AddOns()...)
}

// reason is why a file cannot be read, without its name.
func reason(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
