package upstream

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is a connection to a site for HTTP/1.1, with one request at a time.
type conn struct {
	net.Conn          // to read and write
	under    net.Conn // what carries it
	pool     *Pool
	raw      syscall.RawConn // of the socket; nil: there is none
	peek     func(fd uintptr) bool
	peeked   peekResult

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
	c := &conn{Conn: ready, under: under, pool: p, left: -1}
	if t, ok := under.(*tls.Conn); ok {
		under = t.NetConn().(*finishing).Conn // to a proxy
	}
	if s, ok := under.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
	}
	c.peek = c.look
	return c
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
// unrequested bytes arrived.
func (c *conn) usable() bool {
	if c.old() {
		return false
	}
	_, isTLS := c.Conn.(*tls.Conn)
	if isTLS && !c.silent(time.Unix(1, 0)) {
		return false // it had been read from the socket already
	}
	switch c.waiting() {
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

// peekResult says what can be read from a socket.
type peekResult int

const (
	peekUnknown peekResult = iota
	peekNothing
	peekBytes
	peekEnd // the connection is closed or broken
)

// waiting looks at what has arrived without reading it.
func (c *conn) waiting() peekResult {
	if c.raw == nil {
		return peekUnknown
	}
	c.peeked = peekEnd
	if err := c.raw.Read(c.peek); err != nil {
		return peekEnd
	}
	return c.peeked
}

func (c *conn) look(fd uintptr) bool {
	c.peeked = peekSocket(fd)
	return true
}
