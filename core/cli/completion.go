package cli

import (
	"fmt"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/spf13/cobra"
)

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
		Args:                  command.ExactArgs("SHELL"),
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Out, true)
			case "zsh":
				return root.GenZshCompletion(a.Out)
			case "fish":
				return root.GenFishCompletion(a.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Out)
			}
			return command.WrongUsage(c, fmt.Errorf("%q is not a supported shell; use bash, zsh, fish or powershell", args[0]))
		},
	}
}
