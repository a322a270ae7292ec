package tunnel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// The states of a forward.
const (
	ForwardClosed  = "closed"  // there is no connection to open it on
	ForwardOpen    = "open"    // it answers
	ForwardRefused = "refused" // the host does not open it
	ForwardSilent  = "silent"  // it is open, and what is sent to it does not arrive
)

// forward is one address on the far side, over all connections.
type forward struct {
	config  *config.Forward
	handler atomic.Pointer[http.Handler]

	// Of the connection that stands. The tunnel's goroutine changes these, with
	// the tunnel's lock held.
	state  string
	err    string
	remote string        // the address as it was opened
	probe  time.Duration // 0: none could be made
	tries  int
	due    time.Time // of the next try; zero if none is needed

	serving *serving // nil: not open
	looked  bool     // whether others reach it
	exposed bool     // they do
}

// network splits an address into what the SSH library calls network and address.
func network(f *config.Forward) (network, address string) {
	if path, unix := strings.CutPrefix(f.Address, "unix:"); unix {
		return "unix", path
	}
	return "tcp", f.Address
}

// reset forgets what belonged to a connection.
func (f *forward) reset() {
	f.state, f.err, f.remote, f.probe, f.tries, f.due, f.serving = ForwardClosed, "", "", 0, 0, time.Time{}, nil
	f.looked, f.exposed = false, false
}

// serving is an open forward with its server.
type serving struct {
	listener *acceptor
	server   *http.Server
	ended    chan struct{}
}

// serve answers on a listener until it is closed.
func serve(l *acceptor, s *http.Server) *serving {
	v := &serving{listener: l, server: s, ended: make(chan struct{})}
	go func() {
		defer close(v.ended)
		_ = s.Serve(l) // it ends with the listener, or the link
	}()
	return v
}

// release has the far side close the address. What is under way goes on.
func (v *serving) release() { _ = v.listener.Close() }

// finish waits until ctx ends for requests under way, then breaks them off.
func (v *serving) finish(ctx context.Context) {
	if v.server.Shutdown(ctx) != nil {
		v.abort()
	}
	<-v.ended
}

// abort breaks off everything.
func (v *serving) abort() { _ = v.server.Close() }

// acceptor makes connections with deadlines of those of the SSH library, and
// counts them.
type acceptor struct {
	net.Listener
	meter   *meter
	closing sync.Once
}

// Accept is for net.Listener.
func (a *acceptor) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	a.meter.accepted.Add(1)
	a.meter.active.Add(1)
	return newConn(c, a.meter, func() { a.meter.active.Add(-1) }), nil
}

// Close is for net.Listener. Once is enough: the far side is asked each time.
func (a *acceptor) Close() (err error) {
	a.closing.Do(func() { err = a.Listener.Close() })
	return err
}

// meter counts what goes through a tunnel.
type meter struct {
	accepted, in, out atomic.Uint64
	active            atomic.Int64
}

// listen asks the host to open an address. It returns when ctx ends, too; what
// becomes of the request then ends with the link.
func (l *link) listen(ctx context.Context, f *config.Forward, m *meter) (*acceptor, error) {
	type outcome struct {
		listener net.Listener
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		network, address := network(f)
		listener, err := l.client.Listen(network, address)
		done <- outcome{listener, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		return &acceptor{Listener: o.listener, meter: m}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// probeHeader marks a request of our own that is answered by the tunnel itself.
const probeHeader = "X-Aitunnel-Probe"

// probed answers probes that carry the nonce, and leaves all else to next.
func probed(nonce string, next func() http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(probeHeader) == nonce {
			w.Header().Set(probeHeader, nonce)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next().ServeHTTP(w, r)
	})
}

// errNoProbe says that the host lets nobody connect to its own ports.
var errNoProbe = errors.New("the host does not allow a probe")

// probe sends a request from the host through the forward and returns how long
// the answer took.
func (l *link) probe(ctx context.Context, network, address, nonce string) (time.Duration, error) {
	begun := time.Now()
	c, err := l.client.DialContext(ctx, network, address)
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) && refused.Reason == ssh.Prohibited {
		return 0, errNoProbe
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	// The connection has no deadlines and serves one request: a transport for it
	// alone is simpler than none.
	t := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return c, nil },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set(probeHeader, nonce)
	resp, err := t.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get(probeHeader) != nonce {
		return 0, errors.New("something else answers there")
	}
	return time.Since(begun), nil
}

// nearest is the address by which the host reaches its own forward.
func nearest(network, address string) string {
	host, port, err := net.SplitHostPort(address)
	if network != "tcp" || err != nil {
		return address
	}
	switch host {
	case "", "*", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
