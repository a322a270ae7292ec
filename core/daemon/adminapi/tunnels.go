package adminapi

import (
	"fmt"

	"github.com/aitunnel/aitunnel/core/admin"
)

// Tunnels is for [admin.Source].
func (s *Source) Tunnels() []admin.Tunnel {
	out := []admin.Tunnel{}
	for _, t := range s.program.Tunnels.List() {
		shown := admin.Tunnel{
			Name: t.Name, Host: t.Host, User: t.User, State: string(t.State), Since: t.Since,
			LastError: t.LastError, NextTry: at(t.NextTry), Probe: millis(t.Probe),
			Notes: append([]string{}, t.Notes...), Forwards: []admin.Forward{},
			Connects: t.Connects, Accepted: t.Accepted, Active: t.Active, BytesIn: t.In, BytesOut: t.Out,
		}
		for _, f := range t.Forwards {
			shown.Forwards = append(shown.Forwards, admin.Forward{Remote: f.Remote, Channel: f.Channel, State: string(f.State), Error: f.Error, Probe: millis(f.Probe)})
		}
		out = append(out, shown)
	}
	return out
}

// RetryTunnel is for [admin.Source].
func (s *Source) RetryTunnel(name string) (admin.Tunnel, error) {
	s.program.Tunnels.Retry(name)
	for _, t := range s.Tunnels() {
		if t.Name == name {
			return t, nil
		}
	}
	return admin.Tunnel{}, admin.NotFound(fmt.Sprintf("there is no tunnel %q", name))
}
