package upstream

import (
	"crypto/tls"
	"net"
	"sync/atomic"
)

// finishing is the connection below TLS. Once several requests share it, a failed write
// must not close it, since answers to earlier requests may have arrived already. Later
// writes are dropped, and the connection is closed when nothing more can be read.
type finishing struct {
	net.Conn
	shared *atomic.Int64 // counts such connections; set before the first request
	failed atomic.Bool   // a write, once shared
	closed atomic.Bool
}

// share begins the use for several requests at a time.
func (c *finishing) share(count *atomic.Int64) {
	count.Add(1)
	c.shared = count
}

// Close ends the connection.
func (c *finishing) Close() error {
	if c.shared != nil && !c.closed.Swap(true) {
		c.shared.Add(-1)
	}
	return c.Conn.Close()
}

// Write sends, or drops what can no longer be sent.
func (c *finishing) Write(p []byte) (int, error) {
	if c.failed.Load() {
		return len(p), nil
	}
	n, err := c.Conn.Write(p)
	if err == nil || c.shared == nil {
		return n, err
	}
	c.failed.Store(true)
	return len(p), nil
}

// broken reports whether requests on the connection are no longer sent.
func broken(c *tls.Conn) bool {
	f, ok := c.NetConn().(*finishing)
	return ok && f.failed.Load()
}
