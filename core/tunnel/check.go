package tunnel

import (
	"context"
	"errors"
	"slices"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// ErrNotFound says that there is no tunnel with the name.
var ErrNotFound = errors.New("there is no tunnel with this name")

// find returns a tunnel, and its configuration with the latest forwards.
func (s *Tunnels) find(name string) (*tunnel, *config.Tunnel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(t *tunnel) bool { return t.config.Name == name })
	j := slices.IndexFunc(s.wanted, func(c *config.Tunnel) bool { return c.Name == name })
	if i < 0 || j < 0 {
		return nil, nil, ErrNotFound
	}
	return s.all[i], s.wanted[j], nil
}

// Trust adds the key with the fingerprint to the known hosts, if the host of a tunnel,
// or a jump host before it, presents it, and makes the tunnel connect again at once. A
// key that has changed is never trusted.
func (s *Tunnels) Trust(ctx context.Context, name, fingerprint string) (sshclient.HostKey, error) {
	t, c, err := s.find(name)
	if err != nil {
		return sshclient.HostKey{}, err
	}
	route, err := s.env.ssh.Resolve(ctx, c)
	if err != nil {
		return sshclient.HostKey{}, err
	}
	key, err := sshclient.TrustKey(ctx, route, c.Keepalive, fingerprint)
	if state := t.status().State; err == nil && state != Up && state != Degraded {
		notify(t.retry) // even while it is connecting: that may have started before
	}
	return key, err
}

// Test runs [Test] for a running tunnel, without touching its open forwards. If the login
// succeeds, a tunnel that is waiting or has failed connects again at once; a degraded one
// does if every step succeeds.
func (s *Tunnels) Test(ctx context.Context, name string) (steps []Result, ok bool, err error) {
	t, c, err := s.find(name)
	if err != nil {
		return nil, false, err
	}
	loggedIn := false
	ok = test(ctx, s.env.ssh, c, TestOptions{
		IsOpen: func(address string) bool {
			return slices.ContainsFunc(t.status().Forwards, func(f Forward) bool { return f.Remote == address && f.State == ForwardOpen })
		},
		holder: func(hostKey string, f *config.Forward) string { return s.holder(name, hostKey, f) },
		Report: func(r Result) {
			steps = append(steps, r)
			loggedIn = loggedIn || r.OK && r.Step == sshclient.StepLogin
		},
	})
	if ok || loggedIn && t.status().State != Degraded {
		s.Retry(name)
	}
	return steps, ok, nil
}
