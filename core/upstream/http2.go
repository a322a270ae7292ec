package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"sync"
	"time"
)

// unknownStreams is how many requests share a connection before the site says how many
// it allows.
const unknownStreams = 100

// maxRefused is how often a request is sent that sites do not accept.
const maxRefused = 6

// errNotHTTP2 says that a site which spoke HTTP/2 no longer does.
var errNotHTTP2 = errors.New("the site no longer speaks HTTP/2")

var errClosedUnused = errors.New("the site closes new connections before they are used")

// http2Pool has the connections to a site that speaks HTTP/2. net/http reads and
// writes them; the pool decides which of them takes a request.
//
// A site that closes a connection names the last request that it accepted, and later
// ones can be sent again. But some servers drop the answers to accepted requests if
// later ones were on their way: servers written with Go before 1.20 treat those as a
// protocol error. Most connections are closed while they are idle, so a connection
// that was idle takes a single request, and further ones only once its answer has
// begun. A site that dropped an answer anyway gets one request at a time on each
// connection from then on.
type http2Pool struct {
	pool      *Pool
	transport *http.Transport // makes a connection one of HTTP/2

	mu      sync.Mutex
	conns   []*http2Conn
	dialing *http2Dial // the latest connection that is being made; nil: none
	streams int        // how many requests at a time a connection of the site takes
	drops   bool       // the site dropped an answer to a request that it had accepted
}

// http2Conn is a connection. Its fields are guarded by the pool's mutex.
type http2Conn struct {
	*http.ClientConn
	tls   *tls.Conn
	used  bool
	alive bool // an answer has begun since the connection was idle, or it is new
}

// http2Dial is a connection that is being made.
type http2Dial struct {
	done    chan struct{} // closed at the end
	conn    *http2Conn
	err     error
	waiting int // requests that it is for
}

func newHTTP2Pool(p *Pool) *http2Pool {
	return &http2Pool{pool: p, streams: unknownStreams, transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(connKey{}).(*tls.Conn), nil
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		IdleConnTimeout:        maxIdle,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // the caller's Accept-Encoding is passed on
	}}
}

// connKey is the key of the connection in the context of the transport's dial.
type connKey struct{}

func isHTTP2(c *tls.Conn) bool { return c.ConnectionState().NegotiatedProtocol == "h2" }

// do delivers a request. It is sent again if the site did not accept it.
func (h *http2Pool) do(r *http.Request, call Call) (*http.Response, error) {
	for refused := 0; ; {
		c, reused, err := h.take(r.Context(), call.Fresh)
		switch {
		case errors.Is(err, errNotHTTP2) && refused > 0: // the body was read
			return nil, &Error{Stale, SentNothing, err}
		case err != nil:
			return nil, err
		}
		resp, err := h.deliver(c, reused, r, call.Hints)
		if err == nil || PhaseOf(err) != Stale || !isNotAccepted(err) {
			return resp, err
		}
		hasBody := r.Body != nil && r.Body != http.NoBody
		if refused++; refused == maxRefused || hasBody && call.Body == nil {
			return nil, err
		}
		if hasBody {
			own := *r
			own.Body = call.Body.NewBody()
			r = &own
		}
	}
}

// take reserves a place for a request on a connection, which may be a new one. fresh asks
// for one that is known to be alive.
func (h *http2Pool) take(ctx context.Context, fresh bool) (c *http2Conn, reused bool, err error) {
	for closed := 0; closed < maxRefused; {
		h.mu.Lock()
		if c := h.reserve(fresh); c != nil {
			reused, c.used = c.used, true
			h.mu.Unlock()
			return c, reused, nil
		}
		d := h.dialing
		if d == nil || d.waiting >= h.streams {
			d = &http2Dial{done: make(chan struct{})}
			h.dialing = d
			go h.dial(context.WithoutCancel(ctx), d)
		}
		d.waiting++
		h.mu.Unlock()
		select {
		case <-d.done:
			if d.err != nil {
				return nil, false, d.err
			}
			if d.conn.Err() != nil {
				closed++
			}
		case <-ctx.Done():
			return nil, false, &Error{Canceled, SentNothing, context.Cause(ctx)}
		}
	}
	return nil, false, &Error{Stale, SentNothing, errClosedUnused}
}

// reserve reserves a place on the connection that suits best; nil: there is none. The
// mutex is held.
func (h *http2Pool) reserve(fresh bool) *http2Conn {
	h.conns = slices.DeleteFunc(h.conns, func(c *http2Conn) bool { return c.Err() != nil })
	var idle *http2Conn
	for _, c := range h.conns {
		active, free := c.InFlight(), c.Available()
		switch {
		case active == 0 && c.used:
			c.alive = false
			if !fresh && free > 0 {
				idle = c // the newest, which is the least likely to be closed
			}
		case c.alive && free > 0 && active < h.streams && c.Reserve() == nil:
			return c
		}
	}
	if idle != nil && idle.Reserve() == nil {
		return idle
	}
	return nil
}

// dial makes a connection.
func (h *http2Pool) dial(ctx context.Context, d *http2Dial) {
	ready, under, err := h.pool.open(ctx)
	if err == nil {
		if t, ok := ready.(*tls.Conn); ok && isHTTP2(t) {
			d.conn, err = h.add(ctx, t)
		} else {
			h.pool.keep(newConn(h.pool, ready, under))
			err = errNotHTTP2
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dialing == d {
		h.dialing = nil
	}
	d.err = err
	close(d.done)
}

// add adds a connection to the pool.
func (h *http2Pool) add(ctx context.Context, t *tls.Conn) (*http2Conn, error) {
	conn, err := h.transport.NewClientConn(context.WithValue(ctx, connKey{}, t), "https", h.pool.address)
	if err != nil {
		return nil, &Error{TLS, SentNothing, err}
	}
	c := &http2Conn{ClientConn: conn, tls: t, alive: true}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, c)
	return c, nil
}

// offer adds a connection that was made before it was known that the site speaks HTTP/2,
// unless there is one already.
func (h *http2Pool) offer(ctx context.Context, t *tls.Conn) {
	h.mu.Lock()
	enough := slices.ContainsFunc(h.conns, func(c *http2Conn) bool { return c.alive && c.Available() > 0 })
	h.mu.Unlock()
	if enough {
		_ = t.NetConn().Close()
		return
	}
	_, _ = h.add(ctx, t) // if it is closed already, another one is made
}

// closeIdle closes the connections that no request is using.
func (h *http2Pool) closeIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = slices.DeleteFunc(h.conns, func(c *http2Conn) bool {
		if c.InFlight() > 0 {
			return false
		}
		go func() { _ = c.Close() }()
		return true
	})
}

// deliver sends a request on the connection that has a place for it.
func (h *http2Pool) deliver(c *http2Conn, reused bool, r *http.Request, hints EarlyHinter) (*http.Response, error) {
	w := written{conn: c.tls}
	trace := &httptrace.ClientTrace{WroteHeaders: w.head, WroteRequest: w.end}
	if hints != nil {
		trace.Got1xxResponse = func(code int, header textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints {
				hints.EarlyHints(http.Header(header))
			}
			return nil
		}
	}
	ctx := r.Context()
	resp, err := c.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if h.pool.shared.Load() > h.pool.most {
		h.closeIdle()
	}
	if err != nil {
		h.noticeDrop(err)
		return nil, failedHTTP2(ctx, &w, reused, err)
	}
	h.answered(c)
	resp.Body = &http2Body{resp.Body, h}
	if err := checkHead(resp, false); err != nil {
		_ = resp.Body.Close()
		return nil, &Error{BadAnswer, SentAll, err}
	}
	return resp, nil
}

// answered records that an answer has begun.
func (h *http2Pool) answered(c *http2Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.alive = true
	if free := c.Available(); free > 0 && !h.drops {
		h.streams = free + c.InFlight()
	}
}

// noticeDrop looks for an answer that the site dropped although it had accepted the
// request.
func (h *http2Pool) noticeDrop(err error) {
	if !isDropped(err) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drops, h.streams = true, 1
}

// http2Body is the body of an answer.
type http2Body struct {
	io.ReadCloser
	pool *http2Pool
}

// Read reads the body of the answer.
func (b *http2Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.pool.noticeDrop(err)
	}
	return n, err
}

// failedHTTP2 returns why there is no answer. A site announces that it closes an idle
// connection, but the announcement is lost if a request crosses it.
func failedHTTP2(ctx context.Context, w *written, reused bool, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return &Error{Canceled, w.sent, context.Cause(ctx)}
	case isNotAccepted(err):
		return &Error{Stale, SentNothing, err}
	case reused && !isAnswered(err):
		return &Error{Stale, w.sent, err}
	}
	return &Error{NoAnswer, w.sent, err}
}

// written records how much of a request was sent.
type written struct {
	conn *tls.Conn
	mu   sync.Mutex
	sent Sent
}

func (w *written) head() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !broken(w.conn) { // else the site did not get the whole head
		w.sent = SentPart
	}
}

func (w *written) end(i httptrace.WroteRequestInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i.Err == nil && w.sent == SentPart && !broken(w.conn) {
		w.sent = SentAll
	}
}
