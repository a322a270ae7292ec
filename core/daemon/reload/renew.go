package reload

import (
	"context"
	"fmt"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config/diff"
)

// BuiltinPlugin is the name for users of the plugin with the built-in components.
const BuiltinPlugin = "built-in"

// RestartPlugin replaces the process of a plugin by a new one of the current
// executable. The new one is started, configured and asked for its first plans before
// anything changes; if any of that fails, the old one stays. The configuration is read
// again, as in a reload.
func (r *Reloader) RestartPlugin(ctx context.Context, name string) (Result, error) {
	if name == BuiltinPlugin {
		name = ""
	}
	out, err := r.Apply(ctx, Request{Cause: Cause{Code: admin.CausePluginRestart, Plugin: name}, restart: &name})
	if err == nil {
		out.Report = out.Report.OfComponents() // the configuration is the same, so its other warnings are known
	}
	return out, err
}

// HasPlugin reports whether a plugin is configured or running.
func (r *Reloader) HasPlugin(name string) bool {
	if name == BuiltinPlugin || r.Running().Config.Plugin(name) != nil || r.options.Plugins.IsAbsent(name) {
		return true
	}
	for _, p := range r.options.Plugins.List() {
		if p.Name == name && name != "" {
			return true
		}
	}
	return false
}

func pluginBlock(name string) string {
	if name == "" {
		return "the built-in plugin"
	}
	return fmt.Sprintf("plugin %q", name)
}

// unused promotes the new process of a plugin that no block needs.
func (r *Reloader) unused(plugin *string) []diff.Change {
	if plugin == nil {
		return nil
	}
	r.options.Plugins.Promote()
	change := diff.Upgrade(*plugin)
	return []diff.Change{change.WithEffect(diff.EffectPluginUnused)}
}
