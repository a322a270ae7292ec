package tunnel

import (
	"context"
	"net"
	"time"
)

// An sshd with GatewayPorts yes opens every forward to the world, and does not
// say so: what was meant for the host alone would spend the keys for anyone.

// exposedPause is how long a forward stays closed for that, unless something
// changes.
const exposedPause = time.Hour

// protect closes a forward that was meant for the host alone and that others
// reach, while requests need no token.
func (t *tunnel) protect(ctx context.Context, l *link, f *forward) {
	t.mu.Lock()
	exposed := f.exposed
	t.mu.Unlock()
	switch {
	case t.env.guarded() && exposed:
		t.mu.Lock()
		f.looked, f.exposed, f.due = false, false, time.Time{} // open it again
		t.mu.Unlock()
	case t.env.guarded() || f.serving == nil:
	case exposed:
		f.serving.release()
		f.serving.abort()
		f.serving = nil
		t.put(f, ForwardRefused, failedAt(StepOpen, "sshd on %s opens %s to everyone who reaches the host, and the proxy asks for no token: set GatewayPorts no in its sshd_config, or proxy.client_tokens; it was closed", l.target.address(), f.remote))
		t.mu.Lock()
		f.due = time.Now().Add(exposedPause)
		t.mu.Unlock()
	case !f.looked:
		f.looked = true
		t.look(ctx, l, f)
	}
}

// look finds out whether the host's forward answers at the host's own address,
// as far as that is known: the way may be another one behind a jump host. A
// firewall may let nothing through, so nobody waits for it.
func (t *tunnel) look(ctx context.Context, l *link, f *forward) {
	kind, address := network(f.config)
	host, _, _ := net.SplitHostPort(address)
	own, _, _ := net.SplitHostPort(l.wire.RemoteAddr().String())
	_, port, err := net.SplitHostPort(f.remote)
	meant, real := net.ParseIP(host), net.ParseIP(own)
	if kind != "tcp" || err != nil || host != "localhost" && (meant == nil || !meant.IsLoopback()) || real == nil || real.IsLoopback() || len(l.clients) > 1 {
		return
	}
	t.cancelled.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, minPatience)
		defer cancel()
		if _, err := l.probe(ctx, "tcp", net.JoinHostPort(own, port), t.nonce); err != nil {
			return
		}
		t.mu.Lock()
		f.exposed = true
		t.mu.Unlock()
		poke(t.changed)
	})
}
