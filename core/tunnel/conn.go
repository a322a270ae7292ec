package tunnel

import (
	"net"
	"os"
	"sync"
	"time"
)

// The sizes of a connection's buffer: many connections send a little, a few
// send much.
const (
	smallRead = 4 << 10
	largeRead = 32 << 10
)

// conn is a connection over an SSH channel that has deadlines, which the
// library's does not: without them a server's time limits do nothing.
//
// A read of the channel cannot be called off. So it is made by a goroutine of
// its own, and what it brings after its deadline is kept for the next Read.
type conn struct {
	net.Conn
	onClose func()
	meter   *meter

	reading sync.Mutex // one Read at a time; guards those down to failed
	asked   bool       // a read of the channel is under way
	fetched chan fetched
	buffer  []byte // belongs to that read
	rest    []byte // what it brought and nobody took yet
	failed  error

	until   deadline
	closing sync.Once
	closed  chan struct{}

	writing sync.Mutex // guards those below
	cut     *time.Timer
	late    bool // the deadline for writing has passed
}

type fetched struct {
	data []byte
	err  error
}

func newConn(c net.Conn, m *meter, onClose func()) *conn {
	return &conn{
		Conn: c, meter: m, onClose: onClose, fetched: make(chan fetched, 1),
		closed: make(chan struct{}), until: deadline{passed: make(chan struct{})},
	}
}

// Read is for net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	passed := c.until.wait()
	select {
	case <-passed:
		return 0, os.ErrDeadlineExceeded
	default:
	}
	if len(c.rest) == 0 && c.failed == nil && len(p) > 0 {
		if !c.asked {
			c.asked = true
			go c.fetch()
		}
		select {
		case r := <-c.fetched:
			c.asked = false
			c.rest, c.failed = r.data, r.err
		case <-passed:
			return 0, os.ErrDeadlineExceeded
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; n == 0 && len(p) > 0 {
		return 0, c.failed
	}
	return n, nil
}

func (c *conn) fetch() {
	if c.buffer == nil {
		c.buffer = make([]byte, smallRead)
	}
	n, err := c.Conn.Read(c.buffer)
	c.meter.in.Add(uint64(n))
	data := c.buffer[:n]
	if n == smallRead {
		c.buffer = make([]byte, largeRead) // there is more where that came from
	}
	c.fetched <- fetched{data, err}
}

// Write is for net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.out.Add(uint64(n))
	c.writing.Lock()
	defer c.writing.Unlock()
	if err != nil && c.late {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// Close is for net.Conn.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.closing.Do(func() {
		close(c.closed)
		err = c.Conn.Close()
		c.onClose()
	})
	return err
}

// CloseWrite says that nothing more is sent.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetDeadline is for net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // neither of the two ever fails
	return c.SetWriteDeadline(t)
}

// SetReadDeadline is for net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.until.set(t)
	return nil
}

// SetWriteDeadline is for net.Conn. A write that misses it ends the connection:
// how much of it arrived nobody could say.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.cut != nil {
		c.cut.Stop()
		c.cut = nil
	}
	if t.IsZero() {
		return nil
	}
	c.cut = time.AfterFunc(time.Until(t), func() {
		c.writing.Lock()
		c.late = true
		c.writing.Unlock()
		_ = c.Close()
	})
	return nil
}

// deadline is a time that can be set anew at any moment.
type deadline struct {
	mu     sync.Mutex
	turn   int // of the calls of set
	timer  *time.Timer
	passed chan struct{} // closed once the time has come
}

// wait returns a channel that is closed when the deadline passes, also one that
// is set later, as long as none has passed before it.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	select {
	case <-d.passed:
		d.passed = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	left, turn := time.Until(t), d.turn
	if left <= 0 {
		close(d.passed)
		return
	}
	d.timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.turn == turn {
			close(d.passed)
		}
	})
}
