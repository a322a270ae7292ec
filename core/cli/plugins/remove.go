package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
)

func (a *app) pluginRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove an installed plugin, and take it out of the lock file",
		Long:    "Remove the executable of a plugin from the plugin directories, and its hashes from\nthe lock file. A plugin that the configuration declares or uses is not removed.",
		Example: "  aitunnel plugin remove acme",
		Args:    command.ExactArgs("the name of a plugin"),
		RunE:    a.pluginAsService(func(c *cobra.Command, args []string) error { return a.pluginRemove(c.Context(), args[0]) }),
	}
}

func (a *app) pluginRollbackCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rollback NAME",
		Short: "Go back to the version of a plugin before the last upgrade",
		Long: "Install and lock the version of a plugin that was locked before the current one,\n" +
			"from the copy that was kept. A running program switches to it. Only one earlier\n" +
			"version is kept: a second rollback undoes the first. To install an older one, name\n" +
			"it: 'aitunnel plugin install SOURCE@VERSION'. To keep 'plugin upgrade' from\n" +
			"installing the newer one again, exclude it in the plugin's block: version = \"< 2.0\".",
		Example: "  aitunnel plugin rollback acme",
		Args:    command.ExactArgs("the name of a plugin"),
		RunE:    a.pluginAsService(func(_ *cobra.Command, args []string) error { return a.pluginRollback(args[0]) }),
	}
}

func sortedNames(lock trust.Lock) []string { return slices.Sorted(maps.Keys(lock)) }

func (a *app) pluginRemove(ctx context.Context, name string) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	if b := declared(a.DeclaredPlugins(configured), name); b != nil {
		return fmt.Errorf("the configuration declares it at %s: remove the block plugin %q and those that use it first", placeOf(b), name)
	}
	return a.WithPlugins(configured, func(h *pluginhost.Host) error {
		if place := a.usedAt(ctx, h, configured, name); place != "" {
			return fmt.Errorf("the configuration uses it at %s: remove that block first", place)
		}
		lock, err := h.ReadLock()
		if err != nil {
			return err
		}
		path, missing := h.Find(name, nil)
		if lock[name] == nil && missing != nil {
			return fmt.Errorf("there is no plugin %q: it is neither installed nor locked", name)
		}
		if lock[name] != nil {
			delete(lock, name)
			if err := h.WriteLock(lock); err != nil {
				return err
			}
		}
		if missing == nil {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		a.Say("Removed %s.", name)
		return nil
	})
}

func placeOf(b *config.Plugin) string {
	return fmt.Sprintf("%s:%d", b.Range.Filename, b.Range.Start.Line)
}

// usedAt returns the place of a block that uses a plugin; "" if there is none, or if
// the configuration is already invalid.
func (a *app) usedAt(ctx context.Context, h *pluginhost.Host, configured, name string) string {
	if _, err := os.Stat(configured); err != nil {
		return ""
	}
	cfg, report := config.Load(ctx, config.Options{Path: configured, Vars: a.Vars, Catalog: h})
	if report.HasErrors() {
		return ""
	}
	for _, c := range cfg.Components() {
		if c.Plugin == name {
			return fmt.Sprintf("%s:%d", c.Range.Filename, c.Range.Start.Line)
		}
	}
	return ""
}

func (a *app) pluginRollback(name string) error {
	configured, found, err := a.lockPlace()
	if err != nil {
		return err
	}
	blocks := a.DeclaredPlugins(configured)
	return a.WithPlugins(configured, func(h *pluginhost.Host) error {
		copied, lock, err := h.RollBack(name)
		if err != nil {
			return err
		}
		to, err := h.Find(name, declared(blocks, name))
		if err == nil {
			h.KeepCopy(name, to)
		} else {
			to = h.InstallPath(name, !found)
		}
		if err := copyFile(copied, to); err != nil {
			return err
		}
		if err := h.WriteLock(lock); err != nil {
			return err
		}
		a.Say("%s is version %s again; %s is kept, and another rollback returns to it.", name, lock[name].Version(), lock[name].Previous.Version())
		return nil
	})
}
