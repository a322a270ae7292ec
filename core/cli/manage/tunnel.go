package manage

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

func (a *app) tunnelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tunnel",
		Short: "Show SSH tunnels, trust their hosts, test them",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.tunnelListCommand(), a.tunnelTrustCommand(), a.tunnelTestCommand())
	return c
}

func (a *app) tunnelListCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tunnels of the running program with their state",
		Example: "  aitunnel tunnel list\n  aitunnel tunnel list --json",
		Args:    command.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.tunnelList(c.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) tunnelList(ctx context.Context, asJSON bool) error {
	tunnels, err := a.Client().Tunnels(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return a.PrintJSON(tunnels)
	}
	if len(tunnels) == 0 {
		a.Say("The configuration has no tunnels.")
		return nil
	}
	var out strings.Builder
	view.WriteTunnels(&out, a.Paint(), tunnels)
	_, err = io.WriteString(a.Out, strings.TrimPrefix(out.String(), "\n"))
	return err
}

// withTunnels calls f with the named tunnels of the configuration, all if there are no
// names.
func (a *app) withTunnels(ctx context.Context, names []string, f func([]*config.Tunnel) error) error {
	path, err := config.Find(a.Config)
	if err != nil {
		return err
	}
	var cfg *config.Config
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		var report config.Report
		if cfg, report = config.Load(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}); report.HasErrors() {
			return &reload.ConfigError{Report: report}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(cfg.Tunnels) == 0 {
		return fmt.Errorf("%s has no tunnel: add a block tunnel \"vps\" { host = \"…\" }", path)
	}
	var known, chosen = []string{}, []*config.Tunnel{}
	for _, t := range cfg.Tunnels {
		known = append(known, t.Name)
	}
	for _, name := range names {
		t := cfg.Tunnel(name)
		if t == nil {
			return fmt.Errorf("there is no tunnel %q in %s; the tunnels are %s", name, path, strings.Join(known, ", "))
		}
		chosen = append(chosen, t)
	}
	if len(names) == 0 {
		chosen = cfg.Tunnels
	}
	return f(chosen)
}

// completeTunnel is for commands whose only argument is a tunnel.
func (a *app) completeTunnel(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, t := range command.AnswerForCompletion(a.Env, c, (*adminclient.Client).Tunnels) {
		out = append(out, cobra.CompletionWithDesc(t.Name, t.State+" "+t.Host))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
