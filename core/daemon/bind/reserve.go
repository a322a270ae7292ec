package bind

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/aitunnel/aitunnel/core/upstream"
)

// While fewer descriptors are free than are kept for connections to sites, callers
// that wait for nothing make room for new ones.
const (
	relief     = 16                    // connections that are closed at once
	reserveGap = 20 * time.Millisecond // between two looks
)

// idle are the connections without a request, the oldest first.
type idle struct {
	once sync.Once
	mu   sync.Mutex
	all  map[net.Conn]*list.Element
	old  list.List
}

// waiting is a connection without a request.
type waiting struct {
	conn  net.Conn
	since time.Time
}

// note is told each change of a connection.
func (i *idle) note(c net.Conn, s http.ConnState) {
	i.once.Do(func() { upstream.OnShortage(func() { i.close(relief) }) })
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.all == nil {
		i.all = map[net.Conn]*list.Element{}
	}
	if s == http.StateNew || s == http.StateIdle {
		i.all[c] = i.old.PushBack(waiting{c, time.Now()})
	} else if e := i.all[c]; e != nil {
		i.old.Remove(e)
		delete(i.all, c)
	}
}

// count returns how many there are, and when the last one became idle.
func (i *idle) count() (n int64, last time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if e := i.old.Back(); e != nil {
		last = e.Value.(waiting).since
	}
	return int64(i.old.Len()), last
}

// close closes up to n connections and says how many there were.
func (i *idle) close(n int) int {
	i.mu.Lock()
	var out []net.Conn
	for e := i.old.Front(); e != nil && len(out) < n; e = i.old.Front() {
		c := i.old.Remove(e).(waiting).conn
		delete(i.all, c)
		out = append(out, c)
	}
	i.mu.Unlock()
	for _, c := range out {
		_ = c.Close()
	}
	return len(out)
}

// gate accepts callers as long as descriptors are left for their requests.
type gate struct {
	net.Listener
	idle *idle
	most int // the highest number of a descriptor that a caller may have; 0: any
}

func newGate(l net.Listener, i *idle) net.Listener {
	limit := upstream.Descriptors()
	if limit == 0 {
		return l
	}
	return &gate{l, i, limit - upstream.Reserve()}
}

// Accept is for [net.Listener]. A new connection gets the lowest number that is
// free, so it tells how many are in use at least.
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

// number is that of the connection's descriptor, 0 if it is not known.
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
