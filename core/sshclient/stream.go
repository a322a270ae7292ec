package sshclient

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// The sizes of a stream's read buffer: most streams receive little, a few receive much.
const (
	smallRead = 4 << 10
	largeRead = 32 << 10
)

// Traffic counts the bytes of a connection.
type Traffic struct {
	Accepted, In, Out atomic.Uint64
	Active            atomic.Int64
}

// stream is a connection over an SSH channel. Unlike the library's, it supports deadlines,
// without which a server's timeouts have no effect, and takes turns at writing with other
// streams.
//
// A read of the channel cannot be interrupted, so it runs in a separate goroutine, and
// data that it returns after the deadline is kept for the next Read.
type stream struct {
	net.Conn
	traffic *Traffic
	queue   *fairQueue
	flow    flow

	reading  sync.Mutex // allows one Read at a time, and guards the fields down to failed
	fetching bool       // a read of the channel is in progress
	fetched  chan fetched
	buffer   []byte // belongs to that read
	full     bool   // the last read filled it
	unread   []byte // data that no Read has returned yet
	failed   error

	readDeadline deadline
	closing      sync.Once
	closed       chan struct{}

	writing sync.Mutex // guards the fields below
	cutoff  *time.Timer
	late    bool // the write deadline has passed
}

type fetched struct {
	data []byte
	err  error
}

func (c *Client) newStream(conn net.Conn) *stream { return newStream(conn, c.traffic, c.wire.queue) }

func newStream(conn net.Conn, t *Traffic, q *fairQueue) *stream {
	t.Active.Add(1)
	return &stream{
		Conn: conn, traffic: t, queue: q, fetched: make(chan fetched, 1),
		closed: make(chan struct{}), readDeadline: deadline{passed: make(chan struct{})},
	}
}

// Read implements net.Conn.
func (c *stream) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	passed := c.readDeadline.wait()
	select {
	case <-passed:
		return 0, os.ErrDeadlineExceeded
	default:
	}
	if len(c.unread) == 0 && c.failed == nil && len(p) > 0 {
		if !c.fetching {
			c.fetching = true
			go c.fetch()
		}
		select {
		case r := <-c.fetched:
			c.fetching = false
			c.unread, c.failed = r.data, r.err
		case <-passed:
			return 0, os.ErrDeadlineExceeded
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.unread)
	if c.unread = c.unread[n:]; n == 0 && len(p) > 0 {
		return 0, c.failed
	}
	return n, nil
}

func (c *stream) fetch() {
	if c.buffer == nil {
		c.buffer = make([]byte, smallRead)
	} else if c.full && len(c.buffer) == smallRead {
		c.buffer = make([]byte, largeRead)
	}
	n, err := c.Conn.Read(c.buffer)
	c.traffic.In.Add(uint64(n))
	data := c.buffer[:n]
	c.full = n == len(c.buffer) // there is likely more
	c.fetched <- fetched{data, err}
}

// Write implements net.Conn. It writes in pieces, each when it is this stream's
// turn.
func (c *stream) Write(p []byte) (written int, err error) {
	for first := true; err == nil && (first || written < len(p)); first = false {
		piece := p[written:min(len(p), written+c.queue.pieceSize())]
		ticket, ok := c.queue.acquire(&c.flow, len(piece), c.closed)
		if !ok {
			err = net.ErrClosed
			break
		}
		var n int
		n, err = c.Conn.Write(piece)
		c.queue.release(ticket)
		written += n
	}
	c.traffic.Out.Add(uint64(written))
	c.writing.Lock()
	defer c.writing.Unlock()
	if err != nil && c.late {
		err = os.ErrDeadlineExceeded
	}
	return written, err
}

// Close implements net.Conn.
func (c *stream) Close() error {
	err := net.ErrClosed
	c.closing.Do(func() {
		close(c.closed)
		err = c.Conn.Close()
		c.traffic.Active.Add(-1)
	})
	return err
}

// CloseWrite closes this direction of the connection.
func (c *stream) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetDeadline implements net.Conn.
func (c *stream) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // neither of the two can fail
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *stream) SetReadDeadline(t time.Time) error {
	c.readDeadline.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn. A write that misses it ends the connection, since it
// is unknown how much of it arrived.
func (c *stream) SetWriteDeadline(t time.Time) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.cutoff != nil {
		c.cutoff.Stop()
		c.cutoff = nil
	}
	if t.IsZero() {
		return nil
	}
	c.cutoff = time.AfterFunc(time.Until(t), func() {
		c.writing.Lock()
		c.late = true
		c.writing.Unlock()
		_ = c.Close()
	})
	return nil
}

// deadline is a deadline that can be changed at any time.
type deadline struct {
	mu     sync.Mutex
	number int // of calls of set
	timer  *time.Timer
	passed chan struct{} // closed once the time has come
}

// wait returns a channel that is closed when the deadline passes, including one that is
// set later. Once a deadline has passed, set makes a new channel.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number++
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
	left, number := time.Until(t), d.number
	if left <= 0 {
		close(d.passed)
		return
	}
	d.timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.number == number {
			close(d.passed)
		}
	})
}
