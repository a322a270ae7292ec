package daemon

import (
	"cmp"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/adminapi"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/stats"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// tap receives each published event.
func (d *Daemon) tap(e event.Event) {
	if d.count(e) {
		return
	}
	d.logEvent(e)
	d.parts.Notifier.Publish(e)
}

// count adds a request to the statistics and the history, or makes the process that
// replaces this one do so: then it returns true.
func (d *Daemon) count(e event.Event) (passed bool) {
	d.counting.RLock() // everything counted here is written before the new process reads it
	defer d.counting.RUnlock()
	if d.passOn(e) {
		return true
	}
	if e.Type == event.TypeRequest && e.Request != nil {
		d.stats.Add(e.Request)
		d.history.Add(e.Time, e.Request)
	}
	return false
}

// serving returns the channels that would be sent a request now.
func (d *Daemon) serving() (names []string) {
	g := d.reloader.Running()
	if g == nil {
		return nil
	}
	for _, ch := range g.Table().Channels {
		if ch.State.Skip(d.parts.Registry.Now()) == "" {
			names = append(names, ch.Config.Name)
		}
	}
	return names
}

// keyName returns the name of a key in lists, so that the log uses the same name.
func (d *Daemon) keyName(channel, id string) string {
	if id == "" {
		return "" // also before there is a configuration
	}
	g := d.reloader.Running()
	if g == nil {
		return id
	}
	for _, ch := range g.Table().Channels {
		if ch.Config.Name == channel {
			return adminapi.KeyName(ch, id)
		}
	}
	return id
}

func (d *Daemon) notifierLog(level event.Level, message string) {
	d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: level, Message: message})
}

// keepHistory configures the history.
func (d *Daemon) keepHistory(c *config.Config) {
	d.nameKeys(c)
	d.history.Configure(history.Settings{Enabled: c.History.Enabled, Keep: c.History.Keep, MaxSize: c.History.MaxSize, Zone: c.Location()})
}

// nameKeys says which keys there are to those who count by key: the history and the counters.
func (d *Daemon) nameKeys(c *config.Config) {
	keys, sites := []history.Key{}, map[string]stats.Site{}
	for _, ch := range c.Channels {
		of := map[string]string{}
		shown := make([]admin.Key, len(ch.Keys))
		for i, k := range ch.Keys {
			id, print := d.parts.Registry.KeyIdentity(ch.Target.String(), k.Label, k.Value.Plaintext())
			shown[i] = admin.Key{ID: id, Label: k.Label, Masked: k.Value.KeyText()}
			of[id] = print
		}
		admin.NameKeys(shown)
		for _, k := range shown {
			keys = append(keys, history.Key{Channel: ch.Name, ID: k.ID, Print: of[k.ID], Name: k.Shown})
		}
		sites[ch.Name] = stats.Site{Target: redact.KeyLike(ch.Target.String()), Keys: of}
	}
	d.stats.SetSites(sites)
	d.history.SetKeys(keys)
}

func (d *Daemon) historyReport(level event.Level, message string) {
	d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: level, Message: message})
}

func (d *Daemon) notice(message string) {
	d.parts.Bus.Publish(event.Event{Type: event.TypePlugin, Level: event.LevelWarn, Message: message})
}

func (d *Daemon) pluginEvent(e pluginhost.Event) {
	level := event.LevelInfo
	switch e.Type {
	case pluginhost.EventStarted, pluginhost.EventRestarted, pluginhost.EventStopped:
	case pluginhost.EventFallback:
		level = event.LevelError
	default:
		level = event.LevelWarn
	}
	name := e.Plugin
	if name == "" {
		name = reload.BuiltinPlugin
	}
	d.parts.Bus.Publish(event.Event{Type: event.TypePlugin, Level: level, Code: string(e.Type), Plugin: name, Message: e.Message})
}

// pluginLogged publishes a warning or error that a plugin logged.
func (d *Daemon) pluginLogged(plugin string, level hclog.Level, message string) {
	e := event.Event{Type: event.TypePlugin, Level: event.LevelWarn, Plugin: cmp.Or(plugin, reload.BuiltinPlugin), Message: message}
	if level >= hclog.Error {
		e.Level = event.LevelError
	}
	d.parts.Bus.Publish(e)
}

func (d *Daemon) channelChanged(c channel.Change) {
	e := event.Event{Type: event.TypeHealth, Level: event.LevelInfo, Code: string(c.Kind), Channel: c.Channel, Key: c.Key, Message: c.Message}
	switch c.Kind {
	case channel.ChangePaused, channel.ChangeResumed:
		enabled := c.Kind == channel.ChangeResumed
		e.Type, e.Enabled = event.TypeChannelToggle, &enabled
	case channel.ChangePreferred, channel.ChangeNotPreferred:
		e.Type = event.TypeChannelToggle
	default:
		if c.Kind.OfKey() {
			e.Type = event.TypeKey
		}
	}
	if c.Kind.IsProblem() {
		e.Level = event.LevelWarn
	}
	d.parts.Bus.Publish(e)
}

func (d *Daemon) tunnelChanged(c tunnel.Change) {
	e := event.Event{Type: event.TypeTunnel, Level: event.LevelInfo, Code: string(c.State), Tunnel: c.Tunnel, Message: fmt.Sprintf("tunnel %q: %s", c.Tunnel, c.Message)}
	switch {
	case c.State == tunnel.Failed:
		e.Level = event.LevelError
	case c.Bad:
		e.Level = event.LevelWarn
	}
	d.parts.Bus.Publish(e)
}
