package configuration

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print an example of every setting, and undo edits",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:       "example [BLOCK]",
		Short:     "Print an example with every setting",
		Long:      "Print a configuration with every setting, its default and its purpose, or only\nthe named block.",
		Example:   "  aitunnel config example channel\n  aitunnel config example > aitunnel.hcl",
		Args:      command.AtMostOne,
		ValidArgs: config.BlockNames(),
		RunE: func(c *cobra.Command, args []string) error {
			block := ""
			if len(args) > 0 {
				block = args[0]
			}
			text, err := config.Example(block)
			if err != nil {
				return command.WrongUsage(c, err)
			}
			_, err = a.Out.Write([]byte(text))
			return err
		},
	})
	c.AddCommand(a.configUndo())
	return c
}

func (a *app) configUndo() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:   "undo",
		Short: "Undo the newest edit of the configuration",
		Long: `Undo the newest edit that the panel, the API or a command such as 'aitunnel channel
remove' made to the configuration, and apply the result. Run it again to undo the
edit before that. Only edits made since the program started can be undone, and only
while nobody has changed the files by hand since.`,
		Example: "  aitunnel config undo",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out, err := a.Client().Undo(c.Context())
			if asJSON || err != nil {
				return a.Report(out, err, asJSON, "")
			}
			a.Say("The newest edit was undone (%s).", strings.TrimPrefix(out.Reload.Text(), "undo of "))
			return a.PrintReload(out.Reload, false)
		},
	}, &asJSON)
}
