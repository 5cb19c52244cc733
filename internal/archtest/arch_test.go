package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/ccmock/ccmock"

func TestImportsFollowTheTable(t *testing.T) {
	t.Parallel()
	requireNone(t, checkImports(modulePackages(t)))
}

func TestFilesAreShortAndPackagesSayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	requireNone(t, checkFiles(modulePackages(t)))
}

func TestBinaryDoesNotContainTesting(t *testing.T) {
	t.Parallel()
	imports := map[string][]string{}
	for _, p := range goList(t, "-deps", "./"+binary) {
		imports[p.ImportPath] = p.Imports
	}
	require.NotEmpty(t, imports[module+"/"+binary], "%s is not there or does not parse", binary)
	path := pathTo(imports, module+"/"+binary, "testing")
	require.Empty(t, path, "the binary must not contain package testing, but does: %s", strings.Join(path, " -> "))
}

// TestCheckers shows that the checks above can fail: each case is a tree with one thing wrong, or none.
func TestCheckers(t *testing.T) {
	t.Parallel()
	imports := func(from string, to ...string) []goPackage { return []goPackage{{path: from, imports: to}} }
	tests := func(from string, to ...string) []goPackage { return []goPackage{{path: from, testImports: to}} }
	for _, c := range []struct {
		name string
		tree []goPackage
		want []string
	}{
		{"down", imports("rails_stub", "internal/stub", "internal/clock"), nil},
		{"into its own subpackage", imports("backends", "backends/aigateway"), nil},
		{"side by side, allowed", imports("internal/journal", "internal/token"), nil},
		{"the composition root", imports("internal/ecosystem", "rails_stub", "gateway", "backends/aigateway"), nil},
		{"the engine", imports("scenarios", "internal/control", "scenarios/report"), nil},
		{"a test of the engine", tests("scenarios", "internal/ecosystem"), nil},
		{
			"a stub knows another", imports("rails_stub", "gateway"),
			[]string{"rails_stub must not import gateway: stubs meet only over HTTP"},
		},
		{
			"a stub's subpackage knows another stub", imports("backends/aigateway", "customersdot_stub"),
			[]string{"backends/aigateway must not import customersdot_stub: stubs meet only over HTTP"},
		},
		{
			"a stub's test knows another stub", tests("gateway", "backends"),
			[]string{"a test of gateway must not import backends: stubs meet only over HTTP"},
		},
		{
			"the engine knows a stub", imports("scenarios", "rails_stub"),
			[]string{"scenarios must not import rails_stub: the engine knows base URLs and a control client, so that it runs against any ecosystem"},
		},
		{
			"the engine knows the bootstrap", imports("scenarios", "internal/stub"),
			[]string{"scenarios must not import internal/stub: the engine knows base URLs and a control client, so that it runs against any ecosystem"},
		},
		{
			"a test of the engine knows a stub", tests("scenarios", "gateway"),
			[]string{"a test of scenarios must not import gateway: start it through internal/ecosystem"},
		},
		{
			"the commands know a stub", imports("cmd", "gateway"),
			[]string{"cmd must not import gateway: only internal/ecosystem knows the services"},
		},
		{
			"up", imports("internal/token", "internal/control"),
			[]string{"internal/token must not import internal/control: imports run one way, and it stands higher in the import table"},
		},
		{
			"side by side", imports("internal/clock", "internal/strictyaml"),
			[]string{"internal/clock must not import internal/strictyaml: they stand side by side in the import table"},
		},
		{
			"a package without a place", imports("internal/helpers"),
			[]string{"internal/helpers has no place in the import table: add it to internal/archtest/table_test.go"},
		},
		{
			"an import without a place", imports("gateway", "internal/helpers"),
			[]string{"gateway must not import internal/helpers: it has no place in the import table"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, checkImports(c.tree))
		})
	}

	t.Run("files", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"gateway has no package comment", "gateway/long.go has 501 lines, more than 500: split it by what it holds"},
			checkFiles([]goPackage{{path: "gateway", lines: map[string]int{"long.go": 501, "short.go": 500}}}))
	})

	t.Run("path", func(t *testing.T) {
		t.Parallel()
		graph := map[string][]string{"a": {"b", "c"}, "b": {"a"}, "c": {"testing"}}
		require.Equal(t, []string{"a", "c", "testing"}, pathTo(graph, "a", "testing"))
		require.Nil(t, pathTo(graph, "b", "d"))
	})
}

func requireNone(t *testing.T, problems []string) {
	t.Helper()
	require.Empty(t, problems, strings.Join(problems, "\n"))
}

// listed is what `go list -json` tells of a package.
type listed struct {
	ImportPath, Dir, Doc                        string
	GoFiles, Imports, TestImports, XTestImports []string
}

func modulePackages(t *testing.T) []goPackage {
	t.Helper()
	var pkgs []goPackage
	for _, p := range goList(t, "./...") {
		pkg := goPackage{
			path:        relative(p.ImportPath),
			doc:         p.Doc,
			imports:     ofModule(p.Imports),
			testImports: ofModule(append(p.TestImports, p.XTestImports...)),
			lines:       map[string]int{},
		}
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			require.NoError(t, err)
			pkg.lines[file] = bytes.Count(text, []byte("\n"))
		}
		pkgs = append(pkgs, pkg)
	}
	require.NotEmpty(t, pkgs)
	return pkgs
}

// goList goes on where a package does not compile: its imports are still told.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	args = append([]string{"list", "-e", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports"}, args...)
	list := exec.CommandContext(t.Context(), "go", args...)
	list.Dir = filepath.Join("..", "..")
	var problems bytes.Buffer
	list.Stderr = &problems
	out, err := list.Output()
	require.NoError(t, err, problems.String())
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			require.NoError(t, err)
		}
		pkgs = append(pkgs, p)
	}
}

// ofModule keeps the packages of this module.
func ofModule(paths []string) []string {
	var own []string
	for _, path := range paths {
		if path == module || strings.HasPrefix(path, module+"/") {
			own = append(own, relative(path))
		}
	}
	return own
}

func relative(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}
