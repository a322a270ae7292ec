package upstream

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"sync"
	"time"
)

// send writes the request, or begins to if it is large: a site may answer before
// it has all. A short one may be kept back until the answer is read.
func (x *exchange) send(r *http.Request, short *shortRequest) (Sent, error) {
	c := x.conn
	c.socket.begin()
	if short == nil {
		own := *r // the caller may change its request for another attempt
		x.sending = &sending{exchange: x, done: make(chan struct{})}
		go x.sending.run(&own)
		return SentAll, nil
	}
	if c.socket != nil {
		if _, isTLS := c.Conn.(*tls.Conn); !isTLS {
			c.socket.keep(short.bytes, c.reused)
			return SentAll, nil
		}
		c.socket.keepWrites()
	}
	_, err := c.Write(short.bytes)
	if err != nil {
		x.broken = true
		_ = c.SetReadDeadline(time.Now().Add(lateAnswerTime))
	}
	return c.sent(err), err
}

// write writes a request in the form that the site or the proxy expects.
func (p *Pool) write(w io.Writer, r *http.Request) error {
	if p.absolute {
		return p.forProxy(r).WriteProxy(w)
	}
	return r.Write(w)
}

// writeLong writes a request as its body is read.
func (c *conn) writeLong(r *http.Request) error {
	w := writers.Get().(*bufio.Writer)
	w.Reset(c)
	err := c.pool.write(w, r)
	if err == nil {
		err = w.Flush()
	}
	w.Reset(nil)
	writers.Put(w)
	return err
}

// forProxy adds the login at the proxy.
func (p *Pool) forProxy(r *http.Request) *http.Request {
	login := proxyLogin(p.options.Egress.Proxy)
	if login == "" {
		return r
	}
	own := *r
	own.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		own.Header[name] = values
	}
	own.Header["Proxy-Authorization"] = []string{login}
	return &own
}

// sent returns how much of the request was sent; err is the result of writing it.
func (c *conn) sent(err error) Sent {
	switch {
	case err == nil:
		return SentAll
	case c.written.Load() == 0:
		return SentNothing
	}
	return SentPart
}

// sending is a request that is written while its answer is read.
type sending struct {
	exchange *exchange
	done     chan struct{} // closed at the end
	err      error

	mu       sync.Mutex
	answered bool
}

func (s *sending) run(r *http.Request) {
	defer close(s.done)
	c := s.exchange.conn
	if s.err = c.writeLong(r); s.err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answered {
		_ = c.SetReadDeadline(time.Now().Add(lateAnswerTime))
	}
}

// stopped reports whether writing the request has ended, and with which error.
func (s *sending) stopped() (done bool, err error) {
	select {
	case <-s.done:
		return true, s.err
	default:
		return false, nil
	}
}
