package cmd

import (
	"github.com/spf13/cobra"
)

func newToken() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Read a token, or make one",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTokenDecode(), newTokenMint())
	return c
}
