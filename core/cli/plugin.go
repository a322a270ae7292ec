package cli

import (
	"net"

	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Look at plugins, install them, and say which may run",
		Long: "Look at plugins, install them, and say which may run.\n\n" +
			"A plugin is a program that runs as you do: nothing keeps it from reading your\n" +
			"files. Therefore one of a third party runs only if the lock file beside the\n" +
			"configuration has the hash of its executable. 'plugin install' and 'plugin lock'\n" +
			"write it; do that with what you trust.",
		Example: "  aitunnel plugin list\n  aitunnel plugin install ./aitunnel-plugin-acme",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		a.pluginListCommand(), a.pluginInfoCommand(), a.pluginVerifyCommand(), a.pluginInstallCommand(),
		a.pluginLockCommand(), a.pluginRestartCommand(), a.pluginNewCommand(),
	)
	return c
}

// reachable is the address at which to reach what listens on listen: a listener
// on all addresses answers to none by that name.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || (host != "" && host != "0.0.0.0" && host != "::") {
		return listen
	}
	return net.JoinHostPort("localhost", port)
}
