package plugins

import (
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/spf13/cobra"
)

func (a *app) pluginRestartCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "restart NAME",
		Short: "Replace the process of a plugin, without losing a request",
		Long: "Replace the process of a plugin in the running program with a new one, started from\n" +
			"the executable as it is now. The new process is configured and asked for its first\n" +
			"plan before anything changes. If that fails, the old process stays, and the exit\n" +
			"code is 1, or 4 if the configuration cannot be used with the new one: it does not\n" +
			"start, or refuses a setting. This also ends a quarantine.\n" +
			"The plugin of the built-in components is called built-in.",
		Example:           "  aitunnel plugin restart acme\n  aitunnel plugin restart built-in --json",
		Args:              command.ExactArgs("the name of a plugin"),
		ValidArgsFunction: a.completePlugin,
		RunE: func(c *cobra.Command, args []string) error {
			out, err := a.Client().RestartPlugin(c.Context(), args[0])
			return a.ReportReload(out, err, false, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
