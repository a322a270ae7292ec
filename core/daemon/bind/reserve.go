package bind

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/aitunnel/aitunnel/core/upstream"
)

// While fewer descriptors are free than are reserved for connections to sites, idle
// connections of callers are closed to make room for new ones.
const (
	relief     = 16                    // how many connections are closed at once
	reserveGap = 20 * time.Millisecond // between two checks
)

// idle contains all connections, each with the time at which it became idle.
type idle struct {
	once sync.Once
	mu   sync.Mutex
	all  map[*conn]struct{}
}

// record records a change of a connection's state.
func (i *idle) record(c *conn, s http.ConnState) {
	switch s {
	case http.StateIdle:
		c.idle.Store(time.Now().UnixNano())
	case http.StateActive:
		c.idle.Store(0)
	case http.StateNew:
		i.once.Do(func() { upstream.OnDescriptorShortage(func() { i.close(relief) }) })
		c.idle.Store(time.Now().UnixNano())
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.all == nil {
			i.all = map[*conn]struct{}{}
		}
		i.all[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.all, c)
	}
}

// waiting is a connection without a request.
type waiting struct {
	conn  *conn
	since int64
}

// waiting returns the connections without a request.
func (i *idle) waiting() (out []waiting) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for c := range i.all {
		if since := c.idle.Load(); since != 0 {
			out = append(out, waiting{c, since})
		}
	}
	return out
}

// count returns the number of idle connections, and when the last one became idle.
func (i *idle) count() (n int64, last time.Time) {
	for _, w := range i.waiting() {
		n++
		if at := time.Unix(0, w.since); at.After(last) {
			last = at
		}
	}
	return n, last
}

// close closes up to n of the connections that have been idle for longest, and returns
// how many were idle.
func (i *idle) close(n int) int {
	all := i.waiting()
	slices.SortFunc(all, func(a, b waiting) int { return cmp.Compare(a.since, b.since) })
	all = all[:min(n, len(all))]
	for _, w := range all {
		i.mu.Lock()
		delete(i.all, w.conn)
		i.mu.Unlock()
		_ = w.conn.Close()
	}
	return len(all)
}

// gate accepts connections only while enough descriptors are left for their requests.
type gate struct {
	net.Listener
	idle *idle
	most int // the highest descriptor that a caller's connection may have; 0: any
}

func newGate(l net.Listener, i *idle) net.Listener {
	limit := upstream.Descriptors()
	if limit == 0 {
		return l
	}
	return &gate{l, i, limit - upstream.ReservedDescriptors()}
}

// Accept is for [net.Listener]. A new connection gets the lowest free descriptor, so
// its number shows how many are in use at least.
func (g *gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for number(c) >= g.most && !lower(c, g.most) {
		if g.idle.close(relief) == 0 {
			time.Sleep(reserveGap)
		}
	}
	return c, nil
}

// number returns the number of the connection's descriptor, 0 if unknown.
func number(c net.Conn) (n int) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { n = int(fd) })
	return n
}
