package cli

import (
	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Show and install plugins, and choose which may run",
		Long: "Show and install plugins, and choose which may run.\n\n" +
			"A plugin is a program that runs with your permissions: it can read your files. A\n" +
			"third-party plugin runs only if the lock file next to the configuration has the hash\n" +
			"of its executable. 'plugin install', 'plugin init' and 'plugin lock' add it; do this\n" +
			"only with plugins that you trust.",
		Example: "  aitunnel plugin list\n  aitunnel plugin install github.com/acme/aitunnel-plugin-acme",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		a.pluginListCommand(), a.pluginInfoCommand(), a.pluginVerifyCommand(), a.pluginInstallCommand(),
		a.pluginInitCommand(), a.pluginUpgradeCommand(), a.pluginOutdatedCommand(), a.pluginRollbackCommand(), a.pluginRemoveCommand(),
		a.pluginLockCommand(), a.pluginRestartCommand(), a.pluginNewCommand(),
	)
	return c
}
