package bind

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// deadline is one of the two deadlines of a connection. For each request, net/http and
// this program set it about ten times, mostly to a later time or to none, or for data that
// has already arrived, and each change of a connection's deadline changes a timer of the
// runtime. So this one is passed on to the connection only when a read or write begins, or
// while one is in progress, and only if it is earlier than the connection's. When the
// connection's deadline passes first, the later one is set and the read or write continues.
type deadline struct {
	mu     sync.Mutex
	busy   int       // reads or writes in progress
	wanted time.Time // zero: none
	armed  time.Time // what the connection has
	over   bool      // armed has passed
}

// set sets the deadline; arm is that of the connection.
func (d *deadline) set(t time.Time, arm func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.busy > 0 && d.earlier() {
		return d.arm(arm)
	}
	return nil
}

// earlier reports whether the wanted deadline is before that of the connection.
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
		_ = d.arm(arm) // fails only on a closed connection, as what follows does
	}
}

func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
}

// goesOn reports whether err is only that an earlier deadline has passed than the wanted
// one, which the connection has from then on.
func (d *deadline) goesOn(err error, arm func(time.Time) error) bool {
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
		if err == nil || n > 0 || !c.read.goesOn(err, c.Conn.SetReadDeadline) {
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
		if err == nil || !c.write.goesOn(err, c.Conn.SetWriteDeadline) {
			return written, err
		}
	}
}
