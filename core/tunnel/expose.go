package tunnel

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/sshclient"
)

// An sshd with GatewayPorts yes silently opens every forward to everyone: anyone could
// use the keys through a forward that was meant for the host only. With GatewayPorts
// no, it opens on loopback only what was meant for everyone.

// exposedTime is how long such a forward stays closed, unless something changes.
const exposedTime = time.Hour

// protect closes a forward that was meant for the host only but that others can reach,
// if requests need no token.
func (t *tunnel) protect(ctx context.Context, o *opener, f *forward) {
	switch {
	case t.env.guarded() && f.exposed:
		f.checked, f.exposed, f.due = false, false, time.Time{} // open it again
	case t.env.guarded() || f.serving == nil:
	case f.exposed:
		f.serving.release()
		f.serving.abort()
		f.serving = nil
		t.setForward(f, ForwardRefused, stepError(StepForward, "the SSH server of %s opens %s to everyone who reaches the host, and the proxy requires no token: %s, or set proxy.client_tokens; it was closed", o.client.Address(), f.remote, gateway(o.server(), false)))
		f.due = time.Now().Add(exposedTime)
	case !f.checked:
		f.checked = true
		t.probeFromOutside(ctx, o, f)
	}
}

// markExposed records that others can reach a forward that was meant for the host only.
func (t *tunnel) markExposed(s *serving) {
	for _, f := range t.forwards {
		if f.serving == s {
			f.exposed = true
		}
	}
}

// probeFromOutside checks in the background whether a forward answers at the host's own
// address, which is unknown behind a jump host. The caller does not wait for the result,
// since a firewall may drop the packets.
func (t *tunnel) probeFromOutside(ctx context.Context, o *opener, f *forward) {
	outside := outsideAddress(o.client, f)
	if outside == "" || !isLoopback(f) {
		return
	}
	s := f.serving
	t.draining.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, sshclient.MinStepTimeout)
		defer cancel()
		if _, err := probe(bounded, o.client, "tcp", outside, t.nonce, 0); err != nil {
			return
		}
		select {
		case t.exposures <- s:
		case <-ctx.Done():
		case <-o.client.Done():
		}
	})
}

// checkFromOutside returns an error if a forward that is meant for others does not answer
// at the host's own address. Only a refused connection proves that: a firewall, or the
// options of the account, may prevent others.
func checkFromOutside(ctx context.Context, o *opener, f *forward, nonce string) error {
	outside := outsideAddress(o.client, f)
	if outside == "" || isLoopback(f) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sshclient.MinStepTimeout)
	defer cancel()
	_, err := probe(ctx, o.client, "tcp", outside, nonce, 0)
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) && refused.Reason == ssh.ConnectionFailed {
		return stepError(StepForward, "the SSH server of %s opened %s on loopback only, so that other machines cannot reach it: %s, or forward 127.0.0.1", o.client.Address(), f.remote, gateway(o.server(), true))
	}
	return nil
}

// isLoopback reports whether a forward is meant for the host only.
func isLoopback(f *forward) bool {
	network, address := splitAddress(f.config)
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return network == "tcp" && err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// outsideAddress returns a forward's port at the host's own address, "" if that is
// not known.
func outsideAddress(c *sshclient.Client, f *forward) string {
	network, _ := splitAddress(f.config)
	own, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	_, port, err := net.SplitHostPort(f.remote)
	ip := net.ParseIP(own)
	if network != "tcp" || err != nil || ip == nil || ip.IsLoopback() || !c.Direct() {
		return ""
	}
	return net.JoinHostPort(own, port)
}
