package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
)

// completionTime is the time limit for completing a name.
const completionTime = time.Second

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that completes commands and names in a shell",
		Long: `Print a script that completes commands, flags and the names of channels, keys,
tunnels and plugins in bash, zsh, fish or powershell. The names come from the
running program.`,
		Example: `  source <(aitunnel completion bash)
  aitunnel completion bash > ~/.local/share/bash-completion/completions/aitunnel
  aitunnel completion zsh > "${fpath[1]}/_aitunnel"
  aitunnel completion fish > ~/.config/fish/completions/aitunnel.fish
  aitunnel completion powershell | Out-String | Invoke-Expression`,
		Args:                  names("SHELL"),
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
			return usageError{c, fmt.Errorf("%q is not a supported shell; use bash, zsh, fish or powershell", args[0])}
		},
	}
}

// completeChannels completes the names of channels.
func (a *app) completeChannels(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, ch := range asked(a, c, (*adminclient.Client).Channels) {
		out = append(out, cobra.CompletionWithDesc(ch.Name, ch.Target))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeChannel is for commands whose only argument is a channel.
func (a *app) completeChannel(c *cobra.Command, args []string, given string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeChannels(c, args, given)
}

// completeKey is for commands that take a channel and one of its keys.
func (a *app) completeKey(c *cobra.Command, args []string, given string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return a.completeChannel(c, args, given)
	}
	var out []cobra.Completion
	for _, ch := range asked(a, c, (*adminclient.Client).Channels) {
		if ch.Name != args[0] {
			continue
		}
		for _, k := range ch.Keys.List {
			out = append(out, cobra.CompletionWithDesc(k.ID, k.Mask()+" "+k.Label))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completePlugin is for commands whose only argument is a plugin.
func (a *app) completePlugin(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, p := range asked(a, c, (*adminclient.Client).Plugins).Processes {
		out = append(out, cobra.CompletionWithDesc(p.Plugin, p.State))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeTunnel is for commands whose only argument is a tunnel.
func (a *app) completeTunnel(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, t := range asked(a, c, (*adminclient.Client).Tunnels) {
		out = append(out, cobra.CompletionWithDesc(t.Name, t.State+" "+t.Host))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// asked returns the running program's answer, or nothing if there is none in time.
func asked[T any](a *app, c *cobra.Command, call func(*adminclient.Client, context.Context) (T, error)) T {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), completionTime)
	defer cancel()
	out, _ := call(a.client(), ctx)
	return out
}

// completeComponent is for commands whose only argument is a component of a
// plugin.
func (a *app) completeComponent(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, p := range asked(a, c, (*adminclient.Client).Plugins).Processes {
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
	d, _ := Builtin().Describe() // nothing runs: complete the built-in components
	for _, x := range d.Components {
		out = append(out, cobra.CompletionWithDesc(x.Name, x.Doc))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeNames adds completion to the commands for plugins and tunnels.
func (a *app) completeNames(root *cobra.Command) {
	for _, x := range []struct {
		command  string
		complete cobra.CompletionFunc
	}{
		{"plugin restart", a.completePlugin},
		{"plugin info", a.completeComponent},
		{"tunnel test", a.completeTunnel},
		{"tunnel trust", a.completeTunnel},
	} {
		c, rest, err := root.Find(strings.Fields(x.command))
		if err == nil && len(rest) == 0 && c.ValidArgsFunction == nil {
			c.ValidArgsFunction = x.complete
		}
	}
}
