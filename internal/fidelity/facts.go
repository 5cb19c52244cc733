package fidelity

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Fact is something that a real service does on the wire.
type Fact struct {
	ID       string `yaml:"id,required"`       // SERVICE/TOPIC/NAME
	Kind     string `yaml:"kind,required"`     // one of kinds
	Fact     string `yaml:"fact,required"`     // one sentence
	Versions string `yaml:"versions,required"` // the releases that it holds for, in words
	Source   string `yaml:"source,required"`   // how sure it is, one of sources
	From     string `yaml:"from,required"`     // where it comes from, in words
}

// Service is the first part of the fact's id.
func (f Fact) Service() string {
	service, _, _ := strings.Cut(f.ID, "/")
	return service
}

//go:embed facts/*.yaml
var files embed.FS

var (
	kinds   = []string{"endpoint", "claim", "header", "message", "rule", "body"}
	sources = []string{"measured", "read", "documented", "inferred", "chosen"}
	idForm  = regexp.MustCompile(`^[a-z0-9-]+(/[a-z0-9-]+){2}$`)
)

// Facts are all facts, by file and in the order that they are written in. An error names every row that is wrong.
func Facts() ([]Fact, error) {
	entries, err := files.ReadDir("facts")
	if err != nil {
		return nil, err
	}
	var all []Fact
	var problems []error
	seen := make(map[string]bool)
	for _, e := range entries {
		text, err := files.ReadFile("facts/" + e.Name())
		if err != nil {
			return nil, err
		}
		facts, err := parse(e.Name(), text)
		problems = append(problems, err)
		for _, f := range facts {
			if seen[f.ID] {
				problems = append(problems, fmt.Errorf("%s: fact %q is given twice", e.Name(), f.ID))
			}
			seen[f.ID] = true
		}
		all = append(all, facts...)
	}
	return all, errors.Join(problems...)
}

// parse reads one file, which is named after the service that its facts are about.
func parse(file string, text []byte) ([]Fact, error) {
	doc, err := strictyaml.Parse(file, text)
	if err != nil {
		return nil, err
	}
	var content struct {
		Facts []Fact `yaml:"facts,required"`
	}
	if err := doc.Decode(&content); err != nil {
		return nil, err
	}
	var problems strictyaml.Problems
	for n, f := range content.Facts {
		at := func(key string) string { return fmt.Sprintf("facts[%d].%s", n, key) }
		service := strings.TrimSuffix(path.Base(file), ".yaml")
		if !idForm.MatchString(f.ID) || f.Service() != service {
			problems = append(problems, doc.Problem(at("id"), fmt.Sprintf("expected %s/TOPIC/NAME in lower case, got %q", service, f.ID), ""))
		}
		if !slices.Contains(kinds, f.Kind) {
			problems = append(problems, doc.Problem(at("kind"), fmt.Sprintf("expected one of %s, got %q", strings.Join(kinds, ", "), f.Kind), ""))
		}
		if !slices.Contains(sources, f.Source) {
			problems = append(problems, doc.Problem(at("source"), fmt.Sprintf("expected one of %s, got %q", strings.Join(sources, ", "), f.Source), ""))
		}
	}
	return content.Facts, problems.Err()
}
