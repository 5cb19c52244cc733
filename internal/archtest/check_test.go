package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// goPackage is what the checks need to know of a package of this module.
type goPackage struct {
	path        string         // relative to the module, "." for the root package
	doc         string         // first sentence of the package comment
	imports     []string       // of this module, relative
	testImports []string       // the same, of its tests
	lines       map[string]int // of each file that is not a test
}

// checkImports holds the import table. Each message names the edge and why it must not be.
func checkImports(pkgs []goPackage) []string {
	var problems []string
	for _, p := range pkgs {
		if _, ok := rank(p.path); !ok {
			problems = append(problems, fmt.Sprintf("%s has no place in the import table: add it to internal/archtest/table_test.go", p.path))
			continue
		}
		for _, to := range p.imports {
			if why := forbidden(p.path, to); why != "" {
				problems = append(problems, fmt.Sprintf("%s must not import %s: %s", p.path, to, why))
			}
		}
		for _, to := range p.testImports {
			if why := forbiddenInTest(p.path, to); why != "" {
				problems = append(problems, fmt.Sprintf("a test of %s must not import %s: %s", p.path, to, why))
			}
		}
	}
	return problems
}

// forbidden tells why a package must not import another, or "" when it may. The most telling reason comes first.
func forbidden(from, to string) string {
	if row(from) == row(to) {
		return ""
	}
	if why := servicesMeet(from, to); why != "" {
		return why
	}
	if row(from) == engine && !slices.Contains(engineImports, row(to)) {
		return "the engine knows base URLs and a control client, so that it runs against any ecosystem"
	}
	if slices.Contains(services, row(to)) && row(from) != compositionRoot {
		return "only " + compositionRoot + " knows the services"
	}
	lower, known := rank(to)
	own, _ := rank(from)
	switch {
	case !known:
		return "it has no place in the import table"
	case lower == own && layers[own].mix:
		return ""
	case lower == own:
		return "they stand side by side in the import table"
	case lower > own:
		return "imports run one way, and it stands higher in the import table"
	}
	return ""
}

// forbiddenInTest is more lenient: a test may start more than its package knows, but through the composition root.
func forbiddenInTest(from, to string) string {
	if row(from) == row(to) {
		return ""
	}
	if why := servicesMeet(from, to); why != "" {
		return why
	}
	if row(from) == engine && slices.Contains(services, row(to)) {
		return "start it through " + compositionRoot
	}
	return ""
}

func servicesMeet(from, to string) string {
	if slices.Contains(services, row(from)) && slices.Contains(services, row(to)) {
		return "stubs meet only over HTTP"
	}
	return ""
}

// rank is the number of the layer that a package belongs to.
func rank(path string) (int, bool) {
	name := row(path)
	for i, l := range layers {
		if slices.Contains(l.packages, name) {
			return i, true
		}
	}
	return 0, false
}

// row is the entry of the table that a package belongs to: itself, or the nearest listed package above it.
func row(path string) string {
	for name := path; ; {
		for _, l := range layers {
			if slices.Contains(l.packages, name) {
				return name
			}
		}
		cut := strings.LastIndex(name, "/")
		if cut < 0 {
			return path
		}
		name = name[:cut]
	}
}

// checkFiles reports files that have grown too long, and packages that do not say what they are for.
func checkFiles(pkgs []goPackage) []string {
	var problems []string
	for _, p := range pkgs {
		if p.doc == "" {
			problems = append(problems, p.path+" has no package comment")
		}
		for file, n := range p.lines {
			if n > maxLines {
				problems = append(problems, fmt.Sprintf("%s/%s has %d lines, more than %d: split it by what it holds", p.path, file, n, maxLines))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// pathTo returns the shortest chain of imports between two packages, nil when there is none.
func pathTo(imports map[string][]string, from, to string) []string {
	came := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == to {
			var path []string
			for ; at != ""; at = came[at] {
				path = append(path, at)
			}
			slices.Reverse(path)
			return path
		}
		for _, next := range imports[at] {
			if _, seen := came[next]; !seen {
				came[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}
