package cmd

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/scenarios"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			line(c.OutOrStdout(), "ccmock %s (%s %s/%s)", scenarios.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
