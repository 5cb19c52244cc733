package scenarios

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/feature"
)

// lists reads the lists of the package comment: indented lines of a word and what it does,
// by the heading or sentence before them.
func lists(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	row := regexp.MustCompile(`^\t([a-z_]+) {2,}\S`)
	found := map[string][]string{}
	title := ""
	for line := range strings.Lines(file.Doc.Text()) {
		line = strings.TrimRight(line, "\n")
		switch m := row.FindStringSubmatch(line); {
		case m != nil:
			found[title] = append(found[title], m[1])
		case line != "" && line[0] != '\t':
			title = strings.TrimRight(strings.TrimPrefix(line, "# "), ".:")
		}
	}
	return found
}

func TestTheDocumentationListsEveryKeyOfAStep(t *testing.T) {
	common, actions := keys()
	documented := lists(t)
	require.Equal(t, common, documented["The keys that go with any action"])
	var short string
	for title := range documented {
		if strings.HasSuffix(title, "the short form stands for the first key") {
			short = title
		}
	}
	require.Equal(t, actions, documented[short])
	require.Equal(t, expectKeys, documented["Expectations"])
}

// TestTheDocumentationListsEveryKeyOfAnAction looks for the keys in the braces behind each
// action.
func TestTheDocumentationListsEveryKeyOfAnAction(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	step := reflect.TypeFor[Step]()
	for n := range step.NumField() {
		name, _, _ := strings.Cut(step.Field(n).Tag.Get("yaml"), ",")
		of := step.Field(n).Type
		if notActions[name] || of.Kind() != reflect.Pointer || of.Elem().Kind() != reflect.Struct || of.Elem().NumField() < 2 || name == "set_time" {
			continue
		}
		m := regexp.MustCompile(`(?m)^//\t` + name + ` .*$`).FindString(string(text))
		for _, key := range yamlKeys(of.Elem()) {
			require.Regexp(t, `\b`+key+`\b`, m, "%s.%s", name, key)
		}
	}
}

func yamlKeys(t reflect.Type) []string {
	var names []string
	for n := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(n).Tag.Get("yaml"), ",")
		if options == "inline" {
			names = append(names, yamlKeys(t.Field(n).Type)...)
			continue
		}
		names = append(names, name)
	}
	return names
}

func TestExpectKeysAreThoseOfTheStruct(t *testing.T) {
	require.Equal(t, expectKeys, yamlKeys(reflect.TypeFor[Expect]()))
	for action := range expectable {
		_, actions := keys()
		require.Contains(t, actions, action)
	}
}

// TestEveryReasonOfAServiceIsKnown reads the services' sources for the reasons that they
// give, as a flow could not name one that is missing from the list.
func TestEveryReasonOfAServiceIsKnown(t *testing.T) {
	known := map[string]bool{}
	for _, r := range explain.Reasons() {
		require.False(t, known[string(r)], "%s is listed twice", r)
		known[string(r)] = true
	}
	declared := regexp.MustCompile(`(?:token\.Reason|Reason[A-Z]\w*)\s+=\s+"([a-z_]+)"`)
	count := 0
	for _, dir := range []string{"rails_stub", "customersdot_stub", "gateway", "backends", "internal/control"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(name string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(name)
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				count++
				require.True(t, known[m[1]], "%s gives the reason %s, which package explain does not list", name, m[1])
			}
			return err
		})
		require.NoError(t, err)
	}
	require.Greater(t, count, 20, "the pattern finds what it is meant to find")
}

// TestOurFlowsSayWhy holds the flows of this repository to what they are for: a call that
// is to be refused names who refuses and why.
func TestOurFlowsSayWhy(t *testing.T) {
	known, err := feature.Load(Features(), ".")
	require.NoError(t, err)
	flows, err := Load(Flows(), known)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(flows), 22)
	incidents, err := Load(Incidents(), known)
	require.NoError(t, err)
	flows = append(flows, incidents...)
	used := map[string]bool{}
	for _, f := range flows {
		for n, s := range f.Steps {
			used[s.action()] = true
			if s.Expect == nil || s.Expect.Status < 400 || s.Expect.Refused != nil {
				continue
			}
			fault := n > 0 && f.Steps[n-1].Fault != nil || n > 1 && f.Steps[n-2].Fault != nil || s.Expect.Headers["X-Ccmock-Fault"] != nil
			require.True(t, fault, "%s: step %d is answered %d, and nobody says why", f.File, n+1, s.Expect.Status)
		}
	}
	_, actions := keys()
	for _, action := range actions {
		require.True(t, used[action], "no flow shows the action %s", action)
	}
}
