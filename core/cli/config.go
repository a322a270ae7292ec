package cli

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show what a configuration can hold",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:       "example [BLOCK]",
		Short:     "Print an example with every setting",
		Long:      "Print a configuration with every setting, its default and what it is for, or\nonly the block of that name.",
		Example:   "  aitunnel config example channel\n  aitunnel config example > aitunnel.hcl",
		Args:      atMostOne,
		ValidArgs: config.BlockNames(),
		RunE: func(c *cobra.Command, args []string) error {
			block := ""
			if len(args) > 0 {
				block = args[0]
			}
			text, err := config.Example(block)
			if err != nil {
				return usageError{c, err}
			}
			_, err = a.out.Write([]byte(text))
			return err
		},
	})
	return c
}
