package tunnel

import (
	"context"
	"errors"
	"net"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/upstream"
)

// Dial connects to host:port from the host of a tunnel, which resolves the name.
func (s *Tunnels) Dial(ctx context.Context, name, address string) (net.Conn, error) {
	s.mu.Lock()
	var t *tunnel
	for _, one := range s.all {
		if one.config.Name == name {
			t = one
		}
	}
	s.mu.Unlock()
	if t == nil {
		return nil, egressError("the tunnel " + name + " is not running")
	}
	c := t.client.Load()
	if c == nil {
		return nil, egressError("the tunnel " + name + " is not connected")
	}
	conn, err := c.DialContext(ctx, "tcp", address)
	var refused *ssh.OpenChannelError
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, err
	case errors.As(err, &refused) && refused.Reason == ssh.ConnectionFailed:
		return nil, &upstream.Error{Phase: upstream.Connect, Err: upstream.Reason("the host of the tunnel " + name + " cannot reach the site")}
	case errors.As(err, &refused):
		return nil, egressError("the host of the tunnel " + name + " does not allow connections to other hosts: see AllowTcpForwarding and PermitOpen in its sshd_config")
	}
	return nil, egressError("the connection of the tunnel " + name + " broke")
}

func egressError(text string) error {
	return &upstream.Error{Phase: upstream.Proxy, Err: upstream.Reason(text)}
}
