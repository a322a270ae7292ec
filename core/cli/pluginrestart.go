package cli

import (
	"net/url"

	"github.com/spf13/cobra"
)

func (a *app) pluginRestartCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "restart NAME",
		Short: "Have a new process take over from a plugin's, without losing a request",
		Long: "Have a new process take over from a plugin's in the running program. The new one\n" +
			"is of the executable that is there now. It is started, configured and asked for\n" +
			"its first plan before anything changes: if that fails, the old one stays, and the\n" +
			"exit code is 1, or 4 if it is the configuration that is wrong. This ends a\n" +
			"quarantine, too. The plugin of the built-in components is called built-in.",
		Example: "  aitunnel plugin restart acme\n  aitunnel plugin restart built-in --json",
		Args:    names("the name of a plugin"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.apply(c.Context(), "/api/plugins/"+url.PathEscape(args[0])+"/restart", asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
