package cmd

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
			words = append(words, flag, quote(value))
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
		words = append(words, quote(f.File))
	}
	add("--features", t.features)
	add("--target", t.target)
	if t.seedSet() {
		add("--seed", fmt.Sprint(t.seed))
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// quote is a word for a shell.
func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// leave writes the capsules of the flows that failed, and says where they are.
func (t *test) leave(flows []scenarios.Flow, report *scenarios.Report, out io.Writer) error {
	if t.capsules == "" {
		return nil
	}
	used := map[string]bool{}
	for n, r := range report.Flows {
		if r.Status != scenarios.Failed || r.NotStarted {
			continue
		}
		capsule, err := scenarios.NewCapsule(flows[n], r, t.text, version())
		if err != nil {
			return failedf("make a capsule: %w", err)
		}
		text, err := capsule.YAML()
		if err != nil {
			return failedf("make a capsule of %q: %w", r.File, err)
		}
		base := flows[n].Name()
		if strings.HasPrefix(r.File, "derived/") {
			base = strings.ReplaceAll(strings.TrimSuffix(r.File, ".yaml"), "/", "-")
		}
		name := base
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		used[name] = true
		file := filepath.Join(t.capsules, name+".capsule")
		if err := os.MkdirAll(t.capsules, 0o755); err != nil {
			return failedf("write a capsule: %w", err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return failedf("write a capsule: %w", err)
		}
		if !t.json {
			line(out, "capsule: ccmock replay %s", quote(file))
		}
	}
	return nil
}

// text reads the file of a feature.
func (g *given) text(f feature.Feature) ([]byte, error) {
	if g.features == "" {
		return fs.ReadFile(scenarios.Features(), f.File)
	}
	return os.ReadFile(f.File)
}
