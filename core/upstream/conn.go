package upstream

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection to a site for HTTP/1.1, with one request at a time.
type conn struct {
	net.Conn          // to read and write
	under    net.Conn // what carries it
	pool     *Pool
	socket   *socket // nil: there is none that can be visited

	reused    bool
	idleSince time.Time
	idleFor   time.Duration // how long the site keeps it; 0: unknown
	closed    atomic.Bool

	// Of the current request.
	written atomic.Int64
	arrived bool  // a part of the answer
	left    int64 // how many bytes of its head may still be read; -1 after the head
}

func newConn(p *Pool, ready, under net.Conn) *conn {
	return &conn{Conn: ready, under: under, pool: p, socket: socketOf(under), left: -1}
}

// socketOf returns the socket of a connection, which may be one of TLS to a proxy.
func socketOf(c net.Conn) *socket {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn().(*finishing).Conn
	}
	s, _ := c.(*socket)
	return s
}

// Write counts what goes out.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// Read reads no more of a head than is allowed.
func (c *conn) Read(p []byte) (int, error) {
	if c.left >= 0 {
		if c.left == 0 {
			return 0, errHeaderSize
		}
		p = p[:min(int64(len(p)), c.left)]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.arrived = true
	}
	if c.left >= 0 {
		c.left -= int64(n)
	}
	return n, err
}

// close ends the connection at once.
func (c *conn) close() {
	if !c.closed.Swap(true) {
		_ = c.under.Close()
	}
}

// old reports whether the site may close the connection at any moment.
func (c *conn) old() bool {
	age, limit := time.Since(c.idleSince), maxIdle
	if c.idleFor > 0 {
		limit = min(limit, c.idleFor)
	}
	return age >= limit
}

// usable reports whether an idle connection can take a request: it is open, and no
// unrequested bytes arrived. A short request without TLS is checked when it is sent.
func (c *conn) usable(short bool) bool {
	if c.old() {
		return false
	}
	_, isTLS := c.Conn.(*tls.Conn)
	if !isTLS && short && c.socket != nil {
		return true
	}
	if isTLS && !c.silent(time.Unix(1, 0)) {
		return false // it had been read from the socket already
	}
	switch c.socket.waiting() {
	case peekNothing:
		return true
	case peekUnknown:
		return time.Since(c.idleSince) < time.Second || c.silent(time.Now().Add(time.Millisecond))
	case peekBytes:
		// With TLS they may be session tickets or a change of keys.
		return isTLS && c.silent(time.Now().Add(time.Millisecond))
	}
	return false
}

// silent reads until the deadline: a timeout without a byte means that the
// connection is alive.
func (c *conn) silent(deadline time.Time) bool {
	if c.SetReadDeadline(deadline) != nil {
		return false
	}
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	timeout, ok := err.(net.Error) //nolint:errorlint // it comes from the connection itself
	return n == 0 && ok && timeout.Timeout() && c.SetReadDeadline(time.Time{}) == nil
}
