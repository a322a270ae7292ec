package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxIdle     = 90 * time.Second
	maxIdleKept = 4096
)

// Options of [NewPool].
type Options struct {
	Target  *url.URL       // scheme and host of the site
	Connect time.Duration  // for a connection to be made, and again for its TLS
	Roots   *x509.CertPool // trusted certificate authorities; nil: the system's
	Egress  Egress
	// Shortage is called when a connection could not be made for lack of
	// descriptors, before it is tried once more. It frees some.
	Shortage func()
}

// Pool has the connections to one site through one egress.
type Pool struct {
	options   Options
	address   string // host:port of the site
	connector *connector
	absolute  bool // requests carry the whole URL, for a proxy
	tls       *tls.Config
	http2     atomic.Pointer[http2Pool] // once a connection has agreed on it
	shared    atomic.Int64              // connections for HTTP/2
	most      int64                     // of them, before idle ones are closed

	mu     sync.Mutex
	idle   []*conn // the newest last
	sweep  *time.Timer
	closed bool
}

// NewPool returns a pool without connections.
func NewPool(o Options) *Pool {
	p := &Pool{options: o, connector: newConnector(o.Egress.Bind), most: maxIdleKept}
	p.connector.keeps = true
	port := o.Target.Port()
	switch {
	case o.Target.Scheme == "https":
		p.tls = &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(16)}
		if port == "" {
			port = "443"
		}
	case port == "":
		port = "80"
	}
	p.absolute = p.tls == nil && o.Egress.relaysPlain()
	p.address = net.JoinHostPort(o.Target.Hostname(), port)
	return p
}

// Call holds the options of a request.
type Call struct {
	// Fresh makes a new connection, since an idle one turned out to be closed.
	Fresh bool
	// Stream says that the answer is likely to be a long stream of small events, which
	// needs only a small buffer.
	Stream bool
	// Hints gets the headers of a 103; nil: they are dropped.
	Hints EarlyHinter
	// Body returns the request's body again, for an HTTP/2 site that did not process
	// the request; nil: the body can be read only once.
	Body Replayer
}

// Replayer gives a request's body from its beginning.
type Replayer interface{ NewBody() io.ReadCloser }

// EarlyHinter receives the headers of 103 Early Hints.
type EarlyHinter interface{ EarlyHints(h http.Header) }

// RoundTrip is for [http.RoundTripper].
func (p *Pool) RoundTrip(r *http.Request) (*http.Response, error) { return p.Do(r, Call{}) }

// Do delivers a request once and returns the head of the answer, whose body must
// be closed. Every error is an [*Error]. The end of the request's context closes
// the connection at once.
func (p *Pool) Do(r *http.Request, call Call) (*http.Response, error) {
	if !sendable(r.Header) {
		return nil, &Error{Phase: Local, Err: errInvalid}
	}
	var short *shortRequest
	defer func() { short.free() }()
	for {
		c, h, err := p.take(r, call.Fresh)
		if err != nil {
			return nil, err
		}
		if h != nil {
			resp, err := h.do(r, call)
			if err != errNotHTTP2 { //nolint:errorlint // never wrapped
				return resp, err
			}
			p.http2.CompareAndSwap(h, nil)
			h.closeIdle()
			continue
		}
		if short == nil && isShort(r) {
			if short, err = p.short(r); err != nil {
				p.keep(c)
				return nil, &Error{Phase: Write, Err: err}
			}
		}
		resp, err := c.exchange(r, short, call)
		if err != errIdleClosed { //nolint:errorlint // never wrapped
			return resp, err
		}
	}
}

// take returns a connection, or the HTTP/2 pool if the site speaks HTTP/2.
func (p *Pool) take(r *http.Request, fresh bool) (*conn, *http2Pool, error) {
	if h := p.http2.Load(); h != nil {
		return nil, h, nil
	}
	for !fresh {
		c := p.pop()
		if c == nil {
			break
		}
		if c.usable(isShort(r)) {
			return c, nil, nil
		}
		c.close()
	}
	conn, under, err := p.open(r.Context())
	if err != nil {
		return nil, nil, err
	}
	if t, ok := conn.(*tls.Conn); ok && isHTTP2(t) {
		h := p.http2.Load()
		if h == nil {
			h = newHTTP2Pool(p)
			if !p.http2.CompareAndSwap(nil, h) {
				h = p.http2.Load()
			}
		}
		h.offer(context.WithoutCancel(r.Context()), t)
		return nil, h, nil
	}
	return newConn(p, conn, under), nil, nil
}

// open makes a connection that is ready for requests. under is the connection below TLS:
// closing it closes both at once, without a TLS alert.
//
// It runs in another goroutine because it needs a large stack, which the caller's
// goroutine would keep.
func (p *Pool) open(ctx context.Context) (ready, under net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ready, under, err = p.tryOpen(ctx)
		if PhaseOf(err) == Local {
			if p.options.Shortage != nil {
				p.options.Shortage()
			}
			relieve()
			ready, under, err = p.tryOpen(ctx)
		}
	}()
	<-done
	return ready, under, err
}

func (p *Pool) tryOpen(ctx context.Context) (ready, under net.Conn, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, p.options.Connect, errTimeout)
	defer cancel()
	under, err = p.dial(limited, p.address)
	if err != nil || p.tls == nil {
		return under, under, err
	}
	ready, err = p.handshake(ctx, under, p.options.Target.Hostname(), []string{"h2", "http/1.1"})
	return ready, under, err
}

// handshake starts TLS on a connection, which is closed on failure.
func (p *Pool) handshake(ctx context.Context, under net.Conn, host string, protocols []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.options.Connect, errTimeout)
	defer cancel()
	config := &tls.Config{RootCAs: p.options.Roots, MinVersion: tls.VersionTLS12}
	if protocols != nil {
		config = p.tls.Clone()
		config.NextProtos = protocols
	}
	config.ServerName = host
	carrier := &finishing{Conn: under}
	conn := tls.Client(carrier, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = under.Close()
		return nil, failed(ctx, TLS, err)
	}
	if isHTTP2(conn) {
		carrier.share(&p.shared)
	}
	return conn, nil
}

// pop returns the connection that was used last, nil if there is none.
func (p *Pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return nil
	}
	c := p.idle[n]
	p.idle[n] = nil
	p.idle = p.idle[:n]
	return c
}

// keep keeps a connection for another request.
func (p *Pool) keep(c *conn) {
	c.idleSince = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxIdleKept {
		c.close()
		return
	}
	p.idle = append(p.idle, c)
	if p.sweep == nil {
		p.sweep = time.AfterFunc(maxIdle, p.closeOld)
	} else if len(p.idle) == 1 {
		p.sweep.Reset(maxIdle)
	}
}

// closeOld closes connections that have been idle for too long, the oldest first.
func (p *Pool) closeOld() {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.idle) && p.idle[n].old() {
		p.idle[n].close()
		n++
	}
	p.idle = append(p.idle[:0], p.idle[n:]...)
	clear(p.idle[len(p.idle):cap(p.idle)])
	if len(p.idle) > 0 && !p.closed {
		p.sweep.Reset(max(time.Second, maxIdle-time.Since(p.idle[0].idleSince)))
	}
}

// CloseIdleConnections closes the connections that no request is using.
func (p *Pool) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.close()
	}
	clear(p.idle)
	p.idle = p.idle[:0]
	if h := p.http2.Load(); h != nil {
		h.closeIdle()
	}
}

// Close closes the pool: its connections end with the requests that use them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	if p.sweep != nil {
		p.sweep.Stop()
	}
	p.mu.Unlock()
	p.CloseIdleConnections()
}

// sendable reports whether the headers are free of line breaks and other characters
// with which one header could pass for another.
func sendable(h http.Header) bool {
	for name, values := range h {
		if name == "" {
			return false
		}
		for i := range len(name) {
			if c := name[i]; c <= ' ' || c >= 0x7f || c == ':' {
				return false
			}
		}
		for _, v := range values {
			for i := range len(v) {
				if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
					return false
				}
			}
		}
	}
	return true
}
