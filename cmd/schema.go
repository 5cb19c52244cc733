package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/scenarios"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema " + strings.Join(scenarios.Schemas(), "|"),
		Short: "Print the JSON Schema of a form of files, for editors",
		Long: `schema prints the JSON Schema (draft 2020-12) of feature files, flows or targets. Editors
that speak to yaml-language-server complete and check a file whose first line names it:

  # yaml-language-server: $schema=flow.schema.json

It knows shapes. Whether names exist and steps agree with one another, lint says.`,
		Example:   `  ccmock schema flow > flow.schema.json`,
		Args:      atMostOne("form of files"),
		ValidArgs: scenarios.Schemas(),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("the form of files is missing, expected one of %s", list(scenarios.Schemas()))
			}
			text, err := scenarios.Schema(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			if _, err := c.OutOrStdout().Write(text); err != nil {
				return failedf("write the schema: %w", err)
			}
			return nil
		},
	}
}
