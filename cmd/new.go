package cmd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/scaffold"
	"github.com/ccmock/ccmock/scenarios"
)

func newNew() *cobra.Command {
	c := &cobra.Command{
		Use:   "new",
		Short: "Write the files that a new scope begins with",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNewFeature())
	return c
}

func newNewFeature() *cobra.Command {
	n := &newFeature{}
	c := &cobra.Command{
		Use:   "feature NAME",
		Short: "Write a feature file, and code for both of its sides",
		Long: `feature writes NAME.yaml, a feature file with comments that is ready to be used, and
prints what the tutorial has you write: the backend in FastAPI and in Go, and the call in
GitLab Rails. No file is ever overwritten.`,
		Example: `  ccmock new feature summarize_epic
  ccmock new feature summarize_epic --backend foo --endpoint 'POST /v1/summaries' \
    --cut-off 2030-01-31 --add-on duo_pro --min-version 16.8 \
    --dir features --flow flows --snippets code
  ccmock test flows --features features`,
		Args: atMostOne("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return n.run(c, args) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&n.Backend, "backend", "", "`NAME` of the service that answers, its path prefix at the gateway (default: NAME with dashes)")
	f.StringVar(&n.endpoint, "endpoint", "", "`'METHOD /PATH'` of that service (default: POST /NAME)")
	f.StringVar(&n.AddOn, "add-on", "duo_pro", "`ADD-ON` that has the scope since the cut-off; '' for none")
	f.Var(&n.cutOff, "cut-off", "`DATE` from which it is to be paid for (default: none, so that it is free)")
	f.StringVar(&n.minVersion, "min-version", "", "first GitLab `VERSION` that gets it (default: any)")
	f.StringVar(&n.dir, "dir", ".", "folder of the feature file, `DIR`")
	f.StringVar(&n.flow, "flow", "", "write a flow that passes, too, into `DIR`")
	f.StringVar(&n.snippets, "snippets", "", "write the code into `DIR` in place of printing it")
	for _, flag := range []string{"dir", "flow", "snippets"} {
		_ = c.MarkFlagDirname(flag)
	}
	return c
}

// newFeature is the command with its flags.
type newFeature struct {
	scaffold.New
	endpoint, minVersion string
	cutOff               moment
	dir, flow, snippets  string
}

func (n *newFeature) run(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("NAME is missing, expected the name of a scope such as new_feature_scope")
	}
	if err := n.complete(args[0]); err != nil {
		return err
	}
	out := []output{{filepath.Join(n.dir, n.Name+".yaml"), n.Feature()}}
	if err := n.fits(out[0]); err != nil {
		return err
	}
	if n.flow != "" {
		out = append(out, output{filepath.Join(n.flow, n.Name+".yaml"), n.Flow()})
	}
	if n.snippets != "" {
		for _, s := range n.Snippets() {
			out = append(out, output{filepath.Join(n.snippets, s.File), s.Text})
		}
	}
	if err := writeAll(out, c.ErrOrStderr()); err != nil {
		return err
	}
	if n.snippets == "" {
		for i, s := range n.Snippets() {
			if i > 0 {
				line(c.OutOrStdout(), "")
			}
			line(c.OutOrStdout(), "=== %s: %s ===\n\n%s", s.File, s.Title, strings.TrimRight(s.Text, "\n"))
		}
	}
	if n.flow != "" {
		line(c.ErrOrStderr(), "run it: ccmock test %s --features %s", out[1].name, n.dir)
	}
	return nil
}

// complete reads the flags.
func (n *newFeature) complete(name string) error {
	n.Name, n.CutOff = name, n.cutOff.Time
	if n.endpoint != "" {
		if err := n.Endpoint.UnmarshalText([]byte(n.endpoint)); err != nil {
			return usagef("--endpoint: %w", err)
		}
	}
	if n.minVersion != "" {
		v, err := catalog.ParseVersion(n.minVersion)
		if err != nil {
			return usagef("--min-version: %w", err)
		}
		n.MinVersion = v
	}
	if err := n.Complete(); err != nil {
		return usagef("%w", err)
	}
	if n.flow != "" && filepath.Clean(n.flow) == filepath.Clean(n.dir) {
		return hint(usagef("the flow and the feature file would both be %s", filepath.Join(n.dir, name+".yaml")),
			"--flow names another folder than --dir")
	}
	n.Schema, n.FlowSchema = schemaBeside(n.dir, "feature"), schemaBeside(n.flow, "flow")
	return nil
}

// schemaBeside is where an editor finds the schema of files in dir, if that has a folder
// of schemas beside it, as the folders of ccmock itself have.
func schemaBeside(dir, kind string) string {
	name := "../schemas/" + kind + ".schema.json"
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); dir == "" || err != nil {
		return ""
	}
	return name
}

// fits makes sure that the feature file can be read together with those that are in its
// folder already.
func (n *newFeature) fits(out output) error {
	added := withFile{name: out.name, text: out.text}
	features, err := feature.Load(added, n.dir)
	if err != nil {
		return err
	}
	if n.flow == "" {
		return nil
	}
	_, err = scenarios.ParseFlow(n.Name+".yaml", []byte(n.Flow()), features, nil)
	return err
}

// withFile is the system's files and one that is yet to be written.
type withFile struct {
	files
	name, text string
}

func (w withFile) ReadFile(name string) ([]byte, error) {
	if filepath.Clean(name) == filepath.Clean(w.name) {
		return []byte(w.text), nil
	}
	return w.files.ReadFile(name)
}

func (w withFile) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := w.files.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	base := filepath.Base(w.name)
	for _, e := range entries {
		if e.Name() == base {
			return nil, exists(w.name)
		}
	}
	return append(entries, unwritten(base)), nil
}

// unwritten is the entry of a file that is not there yet.
type unwritten string

func (u unwritten) Name() string             { return string(u) }
func (unwritten) IsDir() bool                { return false }
func (unwritten) Type() fs.FileMode          { return 0 }
func (unwritten) Info() (fs.FileInfo, error) { return nil, fs.ErrNotExist }

// output is a file to write.
type output struct{ name, text string }

// writeAll writes files that must not be there yet, all of them or none, and says which.
func writeAll(all []output, say io.Writer) error {
	for _, o := range all {
		if _, err := os.Lstat(o.name); err == nil {
			return exists(o.name)
		}
	}
	for _, o := range all {
		if err := writeNew(o); err != nil {
			return failedf("write %s: %w", o.name, err)
		}
		line(say, "wrote %s", o.name)
	}
	return nil
}

func exists(name string) error {
	return hint(usagef("%s is there already, and is not overwritten", name), "remove it, or choose another name or folder")
}

func writeNew(o output) error {
	if err := os.MkdirAll(filepath.Dir(o.name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(o.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(o.text)
	return errors.Join(err, f.Close())
}
