package cmd

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/scenarios"
)

// again is the line that runs one of the flows alone.
func (t *test) again(f scenarios.Flow, args []string) string {
	words := []string{"ccmock", "test"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, scenarios.ShellWord(value))
		}
	}
	exactly := "^" + regexp.QuoteMeta(f.File) + "$"
	switch {
	case strings.HasPrefix(f.File, "derived/") && t.wanted():
		words = append(words, "--derived")
		if t.full {
			words = append(words, "--full")
		}
		add("--catalog", t.catalog)
		add("--run", exactly)
	case len(args) == 0:
		add("--run", exactly)
	default:
		words = append(words, scenarios.ShellWord(f.File))
	}
	add("--features", t.features)
	add("--target", t.target)
	if t.seedSet() {
		add("--seed", fmt.Sprint(t.seed))
	}
	return strings.Join(words, " ")
}

// text reads the file of a feature.
func (g *given) text(f feature.Feature) ([]byte, error) {
	if g.features == "" {
		return fs.ReadFile(scenarios.Features(), f.File)
	}
	return os.ReadFile(f.File)
}
