package configuration

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

func (a *app) reloadCommand() *cobra.Command {
	asJSON, dryRun := false, false
	c := &cobra.Command{
		Use:   "reload",
		Short: "Apply the configuration from its files",
		Long: `Apply the configuration from its files. Requests in flight are not affected. If
the configuration has errors, nothing changes and the exit code is 4.

With --dry-run, nothing is changed: the command shows what a reload would change,
block by block, and what would start and stop.

Unless hot_reload is false, the program reloads by itself when files change.`,
		Example: "  aitunnel reload\n  aitunnel reload --dry-run\n  aitunnel reload --json",
		Args:    command.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.reload(c.Context(), dryRun, asJSON) },
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	return command.JSONFlag(c, &asJSON)
}

// planCommand returns an earlier name of reload --dry-run.
func (a *app) planCommand() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:    "plan",
		Hidden: true,
		Short:  "The same as reload --dry-run",
		Args:   command.NoArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return a.reload(c.Context(), true, asJSON) },
	}, &asJSON)
}

func (a *app) reload(ctx context.Context, dryRun, asJSON bool) error {
	var out admin.Reload
	var err error
	if dryRun {
		out, err = a.Client().DryRun(ctx, nil)
		return a.ReportReload(out, err, dryRun, asJSON)
	}
	tunnels, _ := a.Client().Tunnels(ctx) // only for the output below
	out, err = a.Client().Reload(ctx)
	if told := a.ReportReload(out, err, dryRun, asJSON); told != nil || err != nil || asJSON {
		return told
	}
	for _, t := range tunnels {
		if t.State != "up" && t.State != "connecting" {
			a.Say("The tunnel %s is tried again now; 'aitunnel tunnel list' shows its state.", t.Name)
		}
	}
	return nil
}
