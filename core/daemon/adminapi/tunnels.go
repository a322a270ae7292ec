package adminapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/sshclient"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// tunnelTime is the time limit for testing a tunnel, or for getting its host's key.
const tunnelTime = 2 * time.Minute

// Tunnels is for [admin.Source].
func (s *Source) Tunnels() []admin.Tunnel {
	out := []admin.Tunnel{}
	for _, t := range s.program.Tunnels.List() {
		shown := admin.Tunnel{
			Name: t.Name, Host: redact.KeyLike(t.Host), User: redact.KeyLike(t.User), State: string(t.State), Since: clock(t.Since),
			LastError: t.LastError, HostKey: hostKey(t.HostKey), NextTry: at(t.NextTry), Probe: millis(t.Probe),
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
	return s.tunnel(name)
}

func (s *Source) tunnel(name string) (admin.Tunnel, error) {
	for _, t := range s.Tunnels() {
		if t.Name == name {
			return t, nil
		}
	}
	return admin.Tunnel{}, noTunnel(name)
}

func noTunnel(name string) error {
	return admin.NotFound(fmt.Sprintf("there is no tunnel %q", name))
}

func hostKey(k *sshclient.UntrustedKey) *admin.HostKey {
	if k == nil {
		return nil
	}
	out := &admin.HostKey{Host: k.Host, Type: k.Type, Fingerprint: k.Fingerprint, State: admin.HostKeyUnknown, Known: k.Known, KnownAt: k.KnownAt}
	if k.HasChanged() {
		out.State = admin.HostKeyChanged
	}
	return out
}

// TestTunnel is for [admin.Source].
func (s *Source) TestTunnel(ctx context.Context, name string) (admin.TestTunnelResult, error) {
	ctx, cancel := context.WithTimeout(ctx, tunnelTime)
	defer cancel()
	steps, ok, err := s.program.Tunnels.Test(ctx, name)
	if err != nil {
		return admin.TestTunnelResult{}, noTunnel(name)
	}
	out := admin.TestTunnelResult{Name: name, OK: ok, Steps: []admin.TunnelStep{}}
	for _, r := range steps {
		out.Steps = append(out.Steps, admin.TunnelStep{Step: string(r.Step), OK: r.OK, Text: r.Text})
	}
	return out, nil
}

// TrustTunnel is for [admin.Source].
func (s *Source) TrustTunnel(ctx context.Context, name string, in admin.HostKeyTrust) (admin.Tunnel, error) {
	if in.Fingerprint == "" {
		return admin.Tunnel{}, admin.Invalid("the fingerprint of the key is needed, such as SHA256:…")
	}
	ctx, cancel := context.WithTimeout(ctx, tunnelTime)
	defer cancel()
	key, err := s.program.Tunnels.Trust(ctx, name, in.Fingerprint)
	if err != nil {
		return admin.Tunnel{}, trustError(name, err)
	}
	if !key.Known { // otherwise it was already trusted
		s.program.Bus.Publish(event.Event{
			Type: event.TypeTunnel, Level: event.LevelInfo, Code: event.CodeKeyTrusted, Tunnel: name,
			Message: fmt.Sprintf("tunnel %q: trusted the key %s of host %s; it is in %s", name, key.Fingerprint, key.Host, key.File),
		})
	}
	return s.tunnel(name)
}

// trustError returns why a key is not trusted, in the form of the API.
func trustError(name string, err error) error {
	var other *sshclient.OtherKeyError
	untrusted := sshclient.Untrusted(err)
	switch {
	case errors.Is(err, tunnel.ErrNotFound):
		return noTunnel(name)
	case errors.As(err, &other):
		return admin.Refused("other_host_key", err.Error())
	case untrusted != nil && untrusted.HasChanged():
		return admin.Refused("host_key_changed", err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return admin.Refused("not_trusted", fmt.Sprintf("the key of the host was not seen within %s; nothing was changed", tunnelTime))
	}
	return admin.Refused("not_trusted", err.Error())
}
