package cmd

import (
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/scenarios"
	"github.com/ccmock/ccmock/scenarios/derive"
)

func newTest() *cobra.Command {
	t := &test{}
	c := &cobra.Command{
		Use:   "test [FILE|DIR...]",
		Short: "Run flows, and tell the story of those that fail",
		Long: `test runs flows, by default those that ccmock comes with and the incidents, each in an ecosystem as good
as new, or one after the other in the one that --target describes. Nothing runs before
all files are found to make sense.

With --derived it runs the cases that follow from the feature files, too: who gets the
scope, and what the backend takes as a token. A case is a flow; --list names all, and
--show prints one, to keep and change. With --features and no flow files it runs what is
derived from those features.

The exit code is 0 when all flows passed, 1 when one failed or the coverage is less than
--min-coverage, 2 for a wrong usage or file, and 3 when there was no ecosystem to run a
flow in.`,
		Example: `  ccmock test
  ccmock test --derived --run new_feature_scope/token
  ccmock test --features my/features
  ccmock test my/flows --features my/features --verbose
  ccmock test my/flows --features my/features --watch
  ccmock test my/flows --features my/features --update
  ccmock test --target scenarios/targets/compose.yaml
  ccmock test --junit junit.xml --html report.html --min-coverage 40`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := t.checkUpdate(args); err != nil {
				return err
			}
			if t.watch {
				return t.watching(c, args)
			}
			return t.run(c, args)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	t.featureFlags(c)
	f.StringVar(&t.target, "target", "", "`FILE` that describes a served ecosystem to run in")
	f.StringVar(&t.only, "run", "", "only flows whose file or scenario `REGEX` matches")
	f.BoolVar(&t.derived, "derived", false, "run the cases that are derived from the feature files, too")
	f.BoolVar(&t.full, "full", false, "derive the whole entitlement matrix in place of all pairs")
	f.StringVar(&t.catalog, "catalog", "", "catalog to prove: `PATH` of a file or a library's folder, or default, that derived cases run with")
	f.BoolVar(&t.list, "list", false, "list all flows and derived cases, and run none")
	f.StringVar(&t.show, "show", "", "print the flow of a derived `CASE`, and run nothing")
	f.BoolVarP(&t.verbose, "verbose", "v", false, "tell the steps of flows that passed, too")
	f.Uint64Var(&t.seed, "seed", 1, "`NUMBER` that determines every id that is made up")
	f.IntVar(&t.parallel, "parallel", 0, "`N` flows run beside one another (default: one for each processor)")
	t.keyFlags(c)
	f.BoolVar(&t.watch, "watch", false, "run again when a file changes, until interrupted; the exit code is 0 then")
	f.BoolVar(&t.update, "update", false, "rewrite expected bodies in the files of flows that fail for nothing else")
	f.BoolVar(&t.json, "json", false, "print the whole report as one JSON object")
	t.reports.flags(c)
	f.StringVar(&t.capsules, "capsule", "", "leave a file for \"ccmock replay\" of each flow that failed in `DIR`")
	_ = c.MarkFlagDirname("capsule")
	t.seedSet = func() bool { return f.Changed("seed") }
	_ = c.MarkFlagFilename("target", "yaml", "yml")
	_ = c.RegisterFlagCompletionFunc("run", t.completeRun)
	return c
}

// test is the command with its flags.
type test struct {
	given
	derivation
	reports       reports
	target, only  string
	capsules      string
	verbose, json bool
	watch, update bool
	seed          uint64
	seedSet       func() bool
	parallel      int
}

func (t *test) run(c *cobra.Command, args []string) error {
	if t.show != "" {
		return t.printCase(c.OutOrStdout())
	}
	if err := t.reports.check(); err != nil {
		return err
	}
	if info, err := os.Stat(t.capsules); t.capsules != "" && err == nil && !info.IsDir() {
		return usagef("--capsule: %q is no folder", t.capsules)
	}
	flows, err := t.flows(args)
	if err != nil {
		return err
	}
	if t.list {
		return listFlows(c.OutOrStdout(), flows)
	}
	o := scenarios.Options{Again: func(f scenarios.Flow) string { return t.again(f, args) }}
	if t.target != "" {
		if o.Target, err = readTarget(t.target); err != nil {
			return err
		}
	} else {
		pool, err := t.keys()
		if err != nil {
			return err
		}
		// Flows share signing keys, which are slow to make and say nothing about a flow.
		ecosystems := inprocess.New(ecosystem.Options{Keys: pool, Seed: t.seed, Version: scenarios.Version()})
		defer ecosystems.Close()
		o.Start = ecosystems.Start
	}
	if t.capsules != "" {
		o.Capsules = &scenarios.Capsules{Dir: t.capsules, Feature: t.text}
	}
	out := c.OutOrStdout()
	if t.update {
		if flows, err = t.updated(c.Context(), flows, o, out); err != nil {
			return err
		}
	}
	console := scenarios.Console{
		Out: out, Color: isTerminal(out), Verbose: t.verbose, Quiet: t.json, Workers: t.parallel,
	}
	report := console.Run(c.Context(), flows, o)
	if t.json {
		if err := report.WriteJSON(out); err != nil {
			return failedf("write the report: %w", err)
		}
	}
	if err := t.reports.write(report, out, t.json); err != nil {
		return err
	}
	switch {
	case c.Context().Err() != nil:
		return failedf("stopped before all flows had run")
	case report.NotStarted():
		return silent(exitStart)
	case report.Failed():
		return silent(exitFailed)
	}
	return t.reports.gate(report)
}

// flows are those that the arguments and --run name.
func (t *test) flows(args []string) ([]scenarios.Flow, error) {
	only, err := regexp.Compile(t.only)
	if err != nil {
		return nil, usagef("--run: %w", err)
	}
	features, err := t.load()
	if err != nil {
		return nil, err
	}
	var flows []scenarios.Flow
	own := t.features != "" && len(args) == 0 // the shipped flows are about the shipped features
	switch {
	case len(args) > 0:
		flows, err = scenarios.LoadFiles(args, features)
	case !own:
		flows, err = shipped(features)
	}
	if err != nil {
		return nil, err
	}
	if own || t.wanted() {
		cases, err := t.cases(features)
		if err != nil {
			return nil, err
		}
		derived, err := derive.Flows(cases, features)
		if err != nil {
			return nil, err
		}
		flows = append(flows, derived...)
	}
	if len(flows) == 0 {
		return nil, usagef("there is no flow in %s", list(args))
	}
	found := slices.DeleteFunc(slices.Clone(flows), func(f scenarios.Flow) bool {
		return !only.MatchString(f.Name()) && !only.MatchString(f.File) && !only.MatchString(f.Scenario)
	})
	if len(found) == 0 {
		return nil, usagef("none of %s matches --run %q", counted(len(flows), "flow"), t.only)
	}
	return found, nil
}

// shipped are the flows that ccmock comes with, and the incidents after them.
func shipped(features []feature.Feature) ([]scenarios.Flow, error) {
	flows, err := scenarios.Load(scenarios.Flows(), features)
	if err != nil {
		return nil, err
	}
	incidents, err := scenarios.Load(scenarios.Incidents(), features)
	return slices.Concat(flows, incidents), err
}

func readTarget(name string) (scenarios.Target, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return scenarios.Target{}, usagef("read the target: %w", err)
	}
	return scenarios.ParseTarget(name, data, os.Getenv)
}

// completeRun offers the names of the flows that ccmock comes with.
func (t *test) completeRun(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	features, err := t.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	flows, err := shipped(features)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, f := range flows {
		names = append(names, f.Name())
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// isTerminal reports whether a person is looking, who has not asked for plain text.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
