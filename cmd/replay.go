package cmd

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/inprocess"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
)

func newReplay() *cobra.Command {
	var g given
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Run the failed flow of a capsule again",
		Long: `replay runs the flow of a capsule, which "ccmock test --capsule DIR" left behind, in an
ecosystem of this process, with the seed, the features and the catalog that it had.

The exit code is 0 when the flow passes now, 1 when it fails, be it as it did or
otherwise, 2 for a wrong usage or capsule, and 3 when there was no ecosystem to run in.`,
		Example: `  ccmock replay capsules/cut_off.capsule
  ccmock replay capsules/cut_off.capsule --features repaired/features`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("ccmock replay takes one capsule, got %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return g.replay(c, args[0]) },
	}
	c.Flags().StringVar(&g.features, "features", "", "folder of feature files to use in place of those in the capsule, `DIR`")
	_ = c.MarkFlagDirname("features")
	g.keyFlags(c)
	return c
}

func (g *given) replay(c *cobra.Command, name string) error {
	data, err := readCapsule(name)
	if err != nil {
		return usagef("read the capsule: %w", err)
	}
	var instead []feature.Feature
	if g.features != "" {
		if instead, err = g.load(); err != nil {
			return err
		}
	}
	capsule, flow, err := scenarios.ParseCapsule(name, data, instead)
	if err != nil {
		return err
	}
	pool, err := g.keys()
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	console := scenarios.Console{Out: out, Color: isTerminal(out)}
	ecosystems := inprocess.New(ecosystem.Options{Keys: pool, Seed: capsule.Seed, Version: scenarios.Version()})
	defer ecosystems.Close()
	report := console.Run(c.Context(), []scenarios.Flow{flow}, scenarios.Options{Start: ecosystems.Start})
	if v := scenarios.Version(); capsule.Version != v {
		line(out, "note: the capsule is of ccmock %s, this is %s", capsule.Version, v)
	}
	now, failed := report.Flows[0].Failure()
	switch {
	case c.Context().Err() != nil:
		return failedf("stopped before the flow had run")
	case report.NotStarted():
		return silent(exitStart)
	case !failed:
		line(out, "passes now; it had failed in %s", capsule.Failure)
		return nil
	case now.Same(capsule.Failure):
		line(out, "the same failure")
	default:
		line(out, "another failure\nthen: %s\nnow: %s", capsule.Failure, now)
	}
	return silent(exitFailed)
}

// readCapsule reads no more than shows that a file is too large.
func readCapsule(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
}
