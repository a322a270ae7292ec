package plugins

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/service"
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
		Args:    command.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		a.pluginListCommand(), a.pluginInfoCommand(), a.pluginVerifyCommand(), a.pluginInstallCommand(),
		a.pluginInitCommand(), a.pluginUpgradeCommand(), a.pluginOutdatedCommand(), a.pluginRollbackCommand(), a.pluginRemoveCommand(),
		a.pluginLockCommand(), a.pluginRestartCommand(), a.pluginNewCommand(),
	)
	return c
}

// completePlugin is for commands whose only argument is a plugin.
func (a *app) completePlugin(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, p := range command.AnswerForCompletion(a.Env, c, (*adminclient.Client).Plugins).Processes {
		out = append(out, cobra.CompletionWithDesc(p.Plugin, p.State))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeComponent is for commands whose only argument is a component of a
// plugin.
func (a *app) completeComponent(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, p := range command.AnswerForCompletion(a.Env, c, (*adminclient.Client).Plugins).Processes {
		for _, x := range p.Components {
			name := x.Name
			if p.Source != "built-in" {
				name = p.Plugin + "/" + x.Name
			}
			out = append(out, cobra.CompletionWithDesc(name, x.Doc))
		}
	}
	if len(out) > 0 {
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	d, _ := command.Builtin(a.Version).Describe() // nothing runs: complete the built-in components
	for _, x := range d.Components {
		out = append(out, cobra.CompletionWithDesc(x.Name, x.Doc))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// pluginAsService is [command.Env.AsServiceAccount] for a command that also works without a
// configuration, for the user's own plugins.
func (a *app) pluginAsService(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if u, installed := service.InstalledSystem(); installed && command.MayActFor(u) {
			return a.AsServiceAccount(run)(c, args)
		}
		return run(c, args)
	}
}
