package bind

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// deadline is one of the two deadlines of a connection. For each request, net/http and
// this program set it about ten times, mostly to a later time or to none, or for data
// that has already arrived; each change of a connection's deadline changes a runtime
// timer. So it is passed on to the connection only if it is earlier than the
// connection's own deadline, and only when a read or write begins or is in progress.
// If the connection's own deadline passes first, the later one is set and the read or
// write continues.
type deadline struct {
	mu     sync.Mutex
	busy   int       // reads or writes in progress
	wanted time.Time // zero: none
	armed  time.Time // the connection's own deadline
	over   bool      // armed has passed
}

// set sets the deadline; arm sets the connection's own.
func (d *deadline) set(t time.Time, arm func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.busy > 0 && d.earlier() {
		return d.arm(arm)
	}
	return nil
}

// earlier reports whether the wanted deadline is before the connection's own.
func (d *deadline) earlier() bool {
	return !d.wanted.IsZero() && (d.armed.IsZero() || d.wanted.Before(d.armed))
}

func (d *deadline) arm(arm func(time.Time) error) error {
	d.armed, d.over = d.wanted, !d.wanted.IsZero() && !time.Now().Before(d.wanted)
	return arm(d.wanted)
}

// begin is called before a read or write, and end after it.
func (d *deadline) begin(arm func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy++
	if d.over || d.earlier() {
		_ = d.arm(arm) // only fails on a closed connection, like the read or write itself
	}
}

func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
}

// continues reports whether err only means that the connection's own deadline passed
// before the wanted one, which is set then.
func (d *deadline) continues(err error, arm func(time.Time) error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.arm(arm) == nil && !d.over
}

// deadlineConn is a connection with such deadlines.
type deadlineConn struct {
	net.Conn
	read, write deadline
}

// SetReadDeadline is for [net.Conn].
func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	return c.read.set(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline is for [net.Conn].
func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	return c.write.set(t, c.Conn.SetWriteDeadline)
}

// SetDeadline is for [net.Conn].
func (c *deadlineConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read is for [net.Conn].
func (c *deadlineConn) Read(p []byte) (int, error) {
	c.read.begin(c.Conn.SetReadDeadline)
	defer c.read.end()
	for {
		n, err := c.Conn.Read(p)
		if err == nil || n > 0 || !c.read.continues(err, c.Conn.SetReadDeadline) {
			return n, err
		}
	}
}

// Write is for [net.Conn].
func (c *deadlineConn) Write(p []byte) (int, error) {
	c.write.begin(c.Conn.SetWriteDeadline)
	defer c.write.end()
	for written := 0; ; {
		n, err := c.Conn.Write(p[written:])
		written += n
		if err == nil || !c.write.continues(err, c.Conn.SetWriteDeadline) {
			return written, err
		}
	}
}
