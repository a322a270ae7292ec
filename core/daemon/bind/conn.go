package bind

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// conn is a connection that follows its requests.
type conn struct {
	deadlineConn
	pause   pause
	framing framing // only used by the goroutine that reads
	unclear atomic.Bool
	idle    atomic.Int64 // when it became idle, in Unix nanoseconds; 0 during a request
}

// Read is for [net.Conn]. While a request is answered, net/http reads a single byte, to
// notice when the caller disconnects.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 1 && !c.pause.wait(watchAfter) {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.deadlineConn.Read(p)
	if c.framing.follow(p[:n]); c.framing.unclear {
		c.unclear.Store(true)
	}
	return n, err
}

// SetReadDeadline is for [net.Conn].
func (c *conn) SetReadDeadline(t time.Time) error {
	c.pause.setDeadline(t)
	return c.deadlineConn.SetReadDeadline(t)
}

// SetDeadline is for [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite closes one direction, if the connection can.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// ReadFrom leaves copying to the connection.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(&c.deadlineConn, r) }

// following is a listener that follows the requests on its connections.
type following struct{ net.Listener }

func (l following) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{deadlineConn: deadlineConn{Conn: c}}, nil
}

// connKey is the key of the connection in the context of a request.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// refuseTwoLengths refuses a chunked request that also has a Content-Length, and
// closes the connection, since what follows may be part of that request.
func refuseTwoLengths(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			if c, ok := r.Context().Value(connKey{}).(*conn); ok && c.unclear.Load() {
				w.Header().Set("Connection", "close")
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":{"message":"the request has a Content-Length and a Transfer-Encoding: send one of them","type":"invalid_request_error","code":"two_lengths"}}`+"\n")
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}
