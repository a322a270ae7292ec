package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// handOver is how long requests that began by the old process of a plugin may
// ask it still. Afterwards they go on by its last plans, and it ends.
const handOver = 5 * time.Second

// RestartPlugin has a new process take the place of a plugin's, of whatever
// executable there is now. The new one is started, configured and asked for its
// first plans before anything changes; if any of that fails the old one stays.
// The configuration is read anew, as by a reload. The components that come with
// aitunnel are the plugin "built-in".
func (d *Daemon) RestartPlugin(ctx context.Context, name string) (admin.Reload, error) {
	if !d.knowsPlugin(name) {
		return admin.Reload{}, admin.NotFound(fmt.Sprintf("there is no plugin %q", name))
	}
	r := &renewal{plugin: name, block: fmt.Sprintf("plugin %q", name)}
	if name == builtinName {
		r.plugin, r.block = "", "the built-in plugin"
	}
	return d.apply(ctx, change{cause: "the restart of " + r.block, renew: r})
}

// renewal is a new process for a plugin.
type renewal struct{ plugin, block string }

func (r *renewal) begin(d *Daemon) (undo func()) {
	if r == nil {
		return func() {}
	}
	return d.plugins.Renew(r.plugin)
}

// unused takes the new process up when no block uses the plugin.
func (r *renewal) unused(d *Daemon) []config.Change {
	if r == nil {
		return []config.Change{}
	}
	d.plugins.Promote()
	return []config.Change{{Block: r.block, Action: config.ActionUpgrade, Effect: "nothing uses it"}}
}

// builtinName is what users call the plugin of the built-in components.
const builtinName = "built-in"

func (d *Daemon) knowsPlugin(name string) bool {
	if name == builtinName || d.generation.Load().config.Plugin(name) != nil {
		return true
	}
	for _, p := range d.plugins.List() {
		if p.Name == name && name != "" {
			return true
		}
	}
	return false
}

// tellUpgrades tells of the processes that were replaced, and lets go of the
// old ones.
func (d *Daemon) tellUpgrades(old *generation, changes []config.Change) {
	upgraded := false
	for _, c := range changes {
		if c.Action == config.ActionUpgrade {
			upgraded = true
			name := strings.TrimSuffix(strings.TrimPrefix(c.Block, `plugin "`), `"`)
			if c.Block == name {
				name = builtinName
			}
			d.bus.Publish(event.Event{Type: event.TypePlugin, Level: event.LevelInfo, Plugin: name, Message: c.Block + ": " + c.Effect})
		}
	}
	if !upgraded {
		return
	}
	d.drained.Go(func() {
		select {
		case <-old.drained:
		case <-d.life.Done():
		case <-time.After(handOver):
			old.close()
		}
	})
}
