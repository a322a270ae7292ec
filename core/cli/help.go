package cli

import (
	"strings"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/spf13/cobra"
)

// helpCommand is cobra's, except that it fails for an unknown command.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show the help of a command",
		Example: "  aitunnel help start",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return command.NoSuchCommand(c.Root(), strings.Join(args, " "))
			}
			return found.Help()
		},
	}
}

// helpWidth is the width of the list of flags.
const helpWidth = 96

const rootHelp = `A proxy for AI APIs that runs at home and serves your VPS.

Environment variables:
  AITUNNEL_CONFIG        the configuration, if --config is not given
  AITUNNEL_STATE_DIR     the state directory, if --state-dir is not given
  AITUNNEL_VAR_name      the value of a variable of the configuration
  AITUNNEL_PLUGIN_DIR    a directory that is searched for plugins first
  NO_COLOR               turns colors off
  CLICOLOR_FORCE         turns colors on where the output is not a terminal

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 the program is not running,
4 the configuration is not valid.`

// borrowExamples gives each command group the first example of each of its commands.
func borrowExamples(c *cobra.Command) {
	var lines []string
	for _, sub := range c.Commands() {
		borrowExamples(sub)
		if first, _, _ := strings.Cut(sub.Example, "\n"); first != "" {
			lines = append(lines, first)
		}
	}
	if c.Example == "" {
		c.Example = strings.Join(lines, "\n")
	}
}
