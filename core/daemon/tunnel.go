package daemon

import (
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// newTunnels returns the tunnels. They lead to the handler that is over all
// generations, so a change of generation does not touch what they carry.
func (d *Daemon) newTunnels() *tunnel.Tunnels {
	return tunnel.New(tunnel.Options{
		Handler: func(f *config.Forward) http.Handler {
			if f.Channel != nil {
				return d.Only(f.Channel.Name)
			}
			return d.proxy
		},
		Server:   func(h http.Handler) *http.Server { return newServer(h, d.log) },
		OnChange: d.tunnelChanged,
		Guarded:  func() bool { return len(d.generation.Load().config.Proxy.ClientTokens) > 0 },
		Sessions: filepath.Join(d.options.StateDir, "sessions.json"),
		Grace:    graceTime,
		Home:     d.options.Home,
	})
}

func (d *Daemon) tunnelChanged(c tunnel.Change) {
	e := event.Event{Type: event.TypeTunnel, Level: event.LevelInfo, Tunnel: c.Tunnel, Message: fmt.Sprintf("tunnel %q: %s", c.Tunnel, c.Message)}
	switch {
	case c.State == tunnel.Failed:
		e.Level = event.LevelError
	case c.Bad:
		e.Level = event.LevelWarn
	}
	d.bus.Publish(e)
}

// Tunnels is for [admin.Source].
func (s *source) Tunnels() []admin.Tunnel {
	out := []admin.Tunnel{}
	for _, t := range s.tunnels.List() {
		shown := admin.Tunnel{
			Name: t.Name, Host: t.Host, User: t.User, State: string(t.State), Since: t.Since,
			LastError: t.LastError, NextTry: at(t.NextTry), Probe: millis(t.Probe),
			Notes: append([]string{}, t.Notes...), Forwards: []admin.Forward{},
			Connects: t.Connects, Accepted: t.Accepted, Active: t.Active, BytesIn: t.In, BytesOut: t.Out,
		}
		for _, f := range t.Forwards {
			shown.Forwards = append(shown.Forwards, admin.Forward{Remote: f.Remote, Channel: f.Channel, State: f.State, Error: f.Error, Probe: millis(f.Probe)})
		}
		out = append(out, shown)
	}
	return out
}
