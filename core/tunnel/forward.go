package tunnel

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// forward is one address on the host, across all connections. The loop owns it.
type forward struct {
	config  *config.Forward
	handler atomic.Pointer[http.Handler] // the loop sets it, servers read it

	// Of the current connection.
	state   ForwardState
	err     string
	remote  string        // the address as it was opened
	probe   time.Duration // 0: it could not be checked
	tries   int
	due     time.Time // when it is tried again; zero if that is not needed
	serving *serving  // nil: not open
	checked bool      // whether it is reachable from other machines was checked
	exposed bool      // it is
}

// splitAddress splits the address of a forward into network and address, as the SSH
// library expects them.
func splitAddress(f *config.Forward) (network, address string) {
	if path, unix := strings.CutPrefix(f.Address, "unix:"); unix {
		return "unix", path
	}
	return "tcp", f.Address
}

// reset clears the state of the previous connection.
func (f *forward) reset() {
	f.state, f.err, f.remote, f.probe, f.tries, f.due, f.serving = ForwardClosed, "", "", 0, 0, time.Time{}, nil
	f.checked, f.exposed = false, false
}

func (f *forward) status() Forward {
	out := Forward{Remote: cmp.Or(f.remote, f.config.Address), State: f.state, Error: f.err, Probe: f.probe}
	if f.config.Channel != nil {
		out.Channel = f.config.Channel.Name
	}
	return out
}

// howToCheck returns what allows the account to connect to the forward on the host.
func (f *forward) howToCheck() string {
	if network, _ := splitAddress(f.config); network == "unix" {
		return "To have it checked, set AllowStreamLocalForwarding yes in the host's sshd_config; where PermitOpen or permitopen restricts connections, sockets cannot be checked"
	}
	return "To have it checked, set AllowTcpForwarding yes in the host's sshd_config and allow the address where PermitOpen or permitopen restricts them"
}

// serving is an open forward with its server.
type serving struct {
	listener net.Listener
	server   Server
	ended    chan struct{}
}

// serve serves requests on a listener until it is closed.
func serve(l net.Listener, s Server) *serving {
	v := &serving{listener: l, server: s, ended: make(chan struct{})}
	go func() {
		defer close(v.ended)
		_ = s.Serve(l) // it ends with the listener, or the connection
	}()
	return v
}

// release makes the host close the address. Requests in flight continue.
func (v *serving) release() { _ = v.listener.Close() }

// finish waits until ctx ends for requests in flight, then cuts them off.
func (v *serving) finish(ctx context.Context) {
	if v.server.Shutdown(ctx) != nil {
		v.abort()
	}
	<-v.ended
}

// abort cuts off everything.
func (v *serving) abort() { _ = v.server.Close() }

// reconcile updates the list of forwards to those that are wanted, and returns those
// that no longer are.
func (t *tunnel) reconcile() (removed []*forward) {
	removed = t.forwards
	t.forwards = nil
	for _, c := range t.wanted {
		i := slices.IndexFunc(removed, func(f *forward) bool { return f.config.Address == c.Address })
		f := &forward{state: ForwardClosed}
		if i >= 0 {
			f = removed[i]
			removed = slices.Delete(slices.Clone(removed), i, i+1)
		}
		f.config = c
		handler := t.env.handler(t.config.Name, c)
		f.handler.Store(&handler)
		t.forwards = append(t.forwards, f)
	}
	return removed
}

// openForwards opens forwards that are wanted and not open, and closes those that are not
// wanted. It returns when it has to be called again, zero if nothing is due.
func (t *tunnel) openForwards(ctx context.Context, o *opener) (next time.Time) {
	for _, f := range t.reconcile() {
		if f.serving != nil {
			s := f.serving
			t.draining.Go(func() { t.closeForward(s) })
			t.report("closing " + f.remote)
		}
	}
	all := true
	for _, f := range t.forwards {
		if ctx.Err() != nil {
			return next
		}
		t.protect(ctx, o, f)
		switch {
		case f.due.After(time.Now()):
		case f.serving == nil:
			t.open(ctx, o, f)
			t.protect(ctx, o, f)
		case f.state != ForwardOpen:
			t.check(ctx, o, f)
		}
		if !f.due.IsZero() && (next.IsZero() || f.due.Before(next)) {
			next = f.due
		}
		all = all && f.state == ForwardOpen
	}
	if all {
		o.forgetStale() // they hold no port of this tunnel
	}
	return next
}

// report reports an event other than a change of state.
func (t *tunnel) report(text string) {
	t.env.report(Change{Tunnel: t.config.Name, State: t.current.State, Message: text})
}

// closeForward closes a forward, but not its connection.
func (t *tunnel) closeForward(s *serving) {
	ctx, cancel := context.WithTimeout(t.env.ctx, t.env.grace)
	defer cancel()
	defer context.AfterFunc(ctx, s.abort)()
	s.release()
	s.finish(ctx)
}

func (t *tunnel) open(ctx context.Context, o *opener, f *forward) {
	l, err := o.open(ctx, f.config)
	if err != nil {
		t.setForward(f, ForwardRefused, err)
		return
	}
	network, address := splitAddress(f.config)
	if host, port, err := net.SplitHostPort(address); err == nil && port == "0" && network == "tcp" {
		address = net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	f.remote = strings.TrimPrefix(network+":", "tcp:") + address
	f.serving = serve(l, t.env.server(answerProbes(t.nonce, func() http.Handler { return *f.handler.Load() })))
	t.check(ctx, o, f)
}

// check checks whether an open forward answers.
func (t *tunnel) check(ctx context.Context, o *opener, f *forward) {
	ctx, cancel := context.WithTimeout(ctx, sshclient.StepTimeout(t.config.Keepalive))
	defer cancel()
	took, err := probeForward(ctx, o.client, f.config, f.remote, t.nonce, 0)
	if err != nil {
		t.setForward(f, ForwardSilent, err)
		return
	}
	if err := checkFromOutside(ctx, o, f, t.nonce); err != nil {
		t.setForward(f, ForwardSilent, err)
		return
	}
	f.probe = took
	t.setForward(f, ForwardOpen, nil)
}

func (t *tunnel) setForward(f *forward, state ForwardState, err error) {
	f.state, f.err, f.due = state, "", time.Time{}
	if err != nil {
		f.err, f.due = err.Error(), time.Now().Add(t.backoff(f.tries))
		f.tries++
	} else {
		f.tries = 0
	}
	t.publish()
}
