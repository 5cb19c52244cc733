package scaffold_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/probe/probetest"
	"github.com/ccmock/ccmock/internal/scaffold"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

func version(t *testing.T, text string) catalog.Version {
	t.Helper()
	v, err := catalog.ParseVersion(text)
	require.NoError(t, err)
	return v
}

// tutorial is the tutorial's feature, in full.
func tutorial(t *testing.T) scaffold.New {
	t.Helper()
	n := scaffold.New{
		Name: "new_feature_scope", Backend: "foo", Endpoint: feature.Endpoint{Method: "POST", Path: "/new_feature_endpoint"},
		AddOn: "duo_pro", CutOff: time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC), MinVersion: version(t, "16.8"),
	}
	require.NoError(t, n.Complete())
	return n
}

func TestTheTutorialsFilesAndCode(t *testing.T) {
	n := tutorial(t)
	goldentest.Text(t, "feature.yaml.golden", n.Feature())
	goldentest.Text(t, "flow.yaml.golden", n.Flow())
	for _, s := range n.Snippets() {
		goldentest.Text(t, s.File+".golden", s.Text)
	}
}

// several are features with every part given and left out.
func several(t *testing.T) map[string]scaffold.New {
	t.Helper()
	cutOff := time.Date(2030, 1, 31, 12, 30, 0, 0, time.UTC)
	all := map[string]scaffold.New{
		"everything":  tutorial(t),
		"name alone":  {Name: "summarize_epic"},
		"add-on":      {Name: "summarize_epic", AddOn: "duo_pro"},
		"cut-off":     {Name: "summarize_epic", CutOff: cutOff},
		"version":     {Name: "summarize_epic", MinVersion: version(t, "17.10-pre")},
		"sold":        {Name: "summarize_epic", CutOff: cutOff, AddOn: "some_new_add_on"},
		"a read":      {Name: "class_2", Endpoint: feature.Endpoint{Method: "GET", Path: "/"}},
		"with schema": {Name: "summarize_epic", Schema: "../schemas/feature.schema.json", FlowSchema: "../schemas/flow.schema.json"},
	}
	for name, n := range all {
		require.NoError(t, n.Complete(), name)
		all[name] = n
	}
	return all
}

func TestFeaturesSayWhatWasAskedFor(t *testing.T) {
	for name, n := range several(t) {
		t.Run(name, func(t *testing.T) {
			f, err := feature.Parse("f.yaml", []byte(n.Feature()))
			require.NoError(t, err, n.Feature())
			require.Equal(t, n.Name, f.Name)
			require.Equal(t, n.Backend, f.Backend.Name)
			require.Equal(t, n.Endpoint, f.Backend.Endpoint)
			require.Equal(t, n.MinVersion, f.CloudConnector.MinVersion)
			require.Equal(t, []string{n.Name}, f.CloudConnector.Scopes())
			require.Equal(t, n.AddOn, f.CloudConnector.Bundles[0].AddOn)
			if n.CutOff.IsZero() {
				require.Nil(t, f.CloudConnector.CutOff)
			} else {
				require.Equal(t, n.CutOff, *f.CloudConnector.CutOff)
			}
			require.Equal(t, n.Schema != "", strings.HasPrefix(n.Feature(), "# yaml-language-server: $schema="+n.Schema+"\n"))
		})
	}
}

// TestGoBackendsCompileAndPassTheProbe builds each Go snippet as a command of this module,
// whose libraries it uses, without writing it there. One gets every forged token.
func TestGoBackendsCompileAndPassTheProbe(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	args := []string{"build", "-o", filepath.Join(dir, "bin") + string(filepath.Separator), "-overlay", filepath.Join(dir, "overlay.json")}
	for name, n := range several(t) {
		name = strings.ReplaceAll(name, " ", "_")
		file := filepath.Join(dir, name+".txt")
		require.NoError(t, os.WriteFile(file, []byte(goBackend(t, n)), 0o600))
		overlay.Replace[filepath.Join(root, "internal", "scaffold", "built", name, "main.go")] = file
		args = append(args, "./internal/scaffold/built/"+name)
	}
	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600))
	build := exec.CommandContext(t.Context(), "go", args...)
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	n, address := tutorial(t), probetest.FreeAddress(t)
	t.Setenv("ADDRESS", address)
	p, err := probe.Start(t.Context(), probe.Options{
		URL: "http://" + address + n.Endpoint.Path, Scope: n.Name, Audience: catalog.DefaultAudience, Keys: tokentest.Pool(),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	served, err := p.Serve(t.Context(), []string{filepath.Join(dir, "bin", "everything")})
	require.NoError(t, err)
	defer served.Close()
	ctx, stop := served.While(t.Context())
	defer stop()
	require.NoError(t, p.Wait(ctx, 30*time.Second))
	r, err := p.Run(ctx)
	require.NoError(t, err)
	var told strings.Builder
	require.NoError(t, r.Write(&told))
	require.True(t, r.OK, told.String())
	require.NotContains(t, told.String(), "stricter than it needs to be")
}

func goBackend(t *testing.T, n scaffold.New) string {
	t.Helper()
	for _, s := range n.Snippets() {
		if strings.HasSuffix(s.File, ".go") {
			return s.Text
		}
	}
	require.Fail(t, "there is no Go snippet")
	return ""
}

// TestSnippetsAreWhole looks for what a template that went wrong leaves behind: a value that
// is missing, white space at the end of a line, a bracket that nobody closes.
func TestSnippetsAreWhole(t *testing.T) {
	for name, n := range several(t) {
		for _, s := range n.Snippets() {
			require.NotRegexp(t, `<no value>|\{\{|\}\}|(?m)[ \t]+$|\n\n\n\n`, s.Text, "%s: %s", name, s.File)
			require.True(t, strings.HasSuffix(s.Text, "\n"))
			for open, closed := range map[string]string{"(": ")", "[": "]", "{": "}"} {
				require.Equal(t, strings.Count(s.Text, open), strings.Count(s.Text, closed), "%s: %s", name, s.File)
			}
			require.Contains(t, s.Text, n.Endpoint.Path)
			require.Contains(t, s.Text, n.Name)
		}
	}
}

func TestCompleteRefuses(t *testing.T) {
	for want, n := range map[string]scaffold.New{
		"NAME cannot be \"\"":                {},
		"NAME cannot be \"New\"":             {Name: "New"},
		"NAME cannot be \"2nd\"":             {Name: "2nd"},
		"--backend cannot be \"a: b\"":       {Name: "a", Backend: "a: b"},
		"--add-on cannot be \"a'b\"":         {Name: "a", AddOn: "a'b"},
		"--endpoint cannot have the path \"": {Name: "a", Endpoint: feature.Endpoint{Method: "POST", Path: `/a"{b}`}},
	} {
		require.ErrorContains(t, n.Complete(), want)
	}
}
