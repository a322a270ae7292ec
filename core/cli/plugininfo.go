package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

func (a *app) pluginInfoCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:     "info NAME",
		Short:   "Show what a component does, its settings, and an example",
		Long:    "Show what a component does, its settings, and an example to copy. NAME is a\nbuilt-in component, PLUGIN/COMPONENT, or a plugin for all its components.",
		Example: "  aitunnel plugin info weighted\n  aitunnel plugin info acme/bandit\n  aitunnel plugin info acme --json",
		Args:    names("the name of a component or of a plugin"),
		RunE:    func(c *cobra.Command, args []string) error { return a.pluginInfo(c.Context(), args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: the description as the plugin gives it")
	return c
}

func (a *app) pluginInfo(ctx context.Context, ref string, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	return a.withPlugins(configured, func(h *pluginhost.Host) error {
		return a.printInfo(ctx, h, ref, a.declared(configured), asJSON)
	})
}

func (a *app) printInfo(ctx context.Context, h *pluginhost.Host, ref string, declared []*config.Plugin, asJSON bool) error {
	d, err := h.Describe(ctx, ref, declared)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(d)
	}
	for i, c := range d.Components {
		if i > 0 {
			_, _ = fmt.Fprintln(a.out)
		}
		if _, err := fmt.Fprintln(a.out, strings.TrimSuffix(schemadoc.Page(d, c), "\n")); err != nil {
			return err
		}
	}
	return nil
}
