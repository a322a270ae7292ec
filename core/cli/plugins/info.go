package plugins

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

func (a *app) pluginInfoCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:               "info NAME",
		Short:             "Show what a component does, its settings, and an example",
		Long:              "Show what a component does, its settings, and an example to copy. NAME is a\nbuilt-in component, PLUGIN/COMPONENT, the name of a plugin for all its components,\nor the path of a plugin's executable, such as ./bin/aitunnel-plugin-mine, which is\nstarted to ask it.",
		Example:           "  aitunnel plugin info weighted\n  aitunnel plugin info acme/bandit\n  aitunnel plugin info acme --json",
		Args:              command.ExactArgs("the name of a component or of a plugin"),
		ValidArgsFunction: a.completeComponent,
		RunE:              a.pluginAsService(func(c *cobra.Command, args []string) error { return a.pluginInfo(c.Context(), args[0], asJSON) }),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: the description as the plugin gives it")
	return c
}

func (a *app) pluginInfo(ctx context.Context, ref string, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	return a.WithPlugins(configured, func(h *pluginhost.Host) error {
		return a.printInfo(ctx, h, ref, a.DeclaredPlugins(configured), asJSON)
	})
}

// describe returns the description of a component, of a plugin, or of a plugin's file.
func describe(ctx context.Context, h *pluginhost.Host, ref string, blocks []*config.Plugin) (sdk.Description, error) {
	if !isPluginFile(ref) {
		return h.Describe(ctx, ref, blocks)
	}
	path, err := expandHome(ref)
	if err != nil {
		return sdk.Description{}, err
	}
	name, err := pluginhost.NameOf(path)
	if err != nil {
		name = "" // the plugin says it
	}
	if err := refuseChanged(h, name, path, declared(blocks, name)); err != nil {
		return sdk.Description{}, err
	}
	t, err := h.Try(ctx, name, path, declared(blocks, name))
	if err == nil && t.ForOtherPlatform() {
		err = fmt.Errorf("%s is built for %s, but this is %s", path, t.Executable.Platform, trust.Platform)
	}
	if err != nil {
		return sdk.Description{}, err
	}
	return t.Description, nil
}

// isPluginFile reports whether a reference is the path of a plugin's file, since
// PLUGIN/COMPONENT also contains a slash.
func isPluginFile(ref string) bool {
	if config.IsPath(ref) {
		return true
	}
	_, err := pluginhost.NameOf(ref)
	info, missing := os.Stat(ref)
	return err == nil && missing == nil && info.Mode().IsRegular()
}

func (a *app) printInfo(ctx context.Context, h *pluginhost.Host, ref string, declared []*config.Plugin, asJSON bool) error {
	d, err := describe(ctx, h, ref, declared)
	if err != nil {
		return err
	}
	if asJSON {
		return a.PrintJSON(d)
	}
	for i, c := range d.Components {
		if i > 0 {
			_, _ = fmt.Fprintln(a.Out)
		}
		if _, err := fmt.Fprintln(a.Out, strings.TrimSuffix(schemadoc.Page(d, c), "\n")); err != nil {
			return err
		}
	}
	return nil
}
