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
	"strings"
	"sync"
	"time"
)

// errNotHTTP2 says that a site which spoke HTTP/2 no longer does.
var errNotHTTP2 = errors.New("the site no longer speaks HTTP/2")

// http2Pool makes requests with net/http over connections of its pool. net/http
// sends a request again if the site refused its stream or did not process it before
// GOAWAY.
type http2Pool struct {
	pool      *Pool
	transport *http.Transport

	mu      sync.Mutex
	offered []*tls.Conn // connections that were made before it was known that they speak HTTP/2
}

func newHTTP2Pool(p *Pool) *http2Pool {
	h := &http2Pool{pool: p}
	h.transport = &http.Transport{
		DialTLSContext:         h.dial,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		IdleConnTimeout:        maxIdle,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // the caller's Accept-Encoding is passed on
	}
	return h
}

func isHTTP2(c *tls.Conn) bool { return c.ConnectionState().NegotiatedProtocol == "h2" }

// offer hands over a connection.
func (h *http2Pool) offer(c *tls.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.offered = append(h.offered, c)
}

// dial is called by net/http when it needs a connection.
func (h *http2Pool) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if c := h.next(); c != nil {
		return c, nil
	}
	ready, under, err := h.pool.open(ctx)
	if err != nil {
		return nil, err
	}
	if t, ok := ready.(*tls.Conn); !ok || !isHTTP2(t) {
		h.pool.keep(newConn(h.pool, ready, under))
		return nil, errNotHTTP2
	}
	return ready, nil
}

func (h *http2Pool) next() *tls.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.offered) == 0 {
		return nil
	}
	c := h.offered[0]
	h.offered = h.offered[1:]
	return c
}

// dropOffered closes connections that net/http did not use.
func (h *http2Pool) dropOffered() {
	for c := h.next(); c != nil; c = h.next() {
		_ = c.NetConn().Close()
	}
}

// do delivers a request.
func (h *http2Pool) do(r *http.Request, call Call) (*http.Response, error) {
	var w written
	trace := &httptrace.ClientTrace{
		GotConn:      w.begin,
		WroteHeaders: w.head,
		WroteRequest: w.end,
	}
	if call.Hints != nil {
		trace.Got1xxResponse = func(code int, header textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints {
				call.Hints.EarlyHints(http.Header(header))
			}
			return nil
		}
	}
	ctx := r.Context()
	own := r.WithContext(httptrace.WithClientTrace(ctx, trace))
	own.GetBody = nil
	if call.Body != nil && r.Body != nil {
		own.GetBody = func() (io.ReadCloser, error) { return call.Body.NewBody(), nil }
	}
	resp, err := h.transport.RoundTrip(own)
	h.dropOffered()
	if h.pool.shared.Load() > h.pool.most {
		h.transport.CloseIdleConnections()
	}
	if err != nil {
		return nil, h.failed(ctx, &w, err)
	}
	if err := checkHead(resp, false); err != nil {
		_ = resp.Body.Close()
		return nil, &Error{BadAnswer, SentAll, err}
	}
	return resp, nil
}

// failed returns why there is no answer. A site announces that it closes an idle
// connection, but the announcement is lost if a request crosses it.
func (h *http2Pool) failed(ctx context.Context, w *written, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var known *Error
	switch {
	case errors.Is(err, errNotHTTP2):
		return err
	case ctx.Err() != nil:
		return &Error{Cancelled, w.sent, context.Cause(ctx)}
	case errors.As(err, &known):
		return known
	case isNotAccepted(err):
		return &Error{Stale, SentNothing, err}
	case w.reused && !isAnswered(err):
		return &Error{Stale, w.sent, err}
	}
	return &Error{NoAnswer, w.sent, err}
}

// isNotAccepted reports whether the site had announced the end of the connection before
// it accepted the request, each time net/http sent it.
func isNotAccepted(err error) bool {
	return strings.Contains(err.Error(), "graceful shutdown GOAWAY") // the type is not exported
}

// isAnswered reports whether the site reacted to the request: it reset the stream, or
// accepted it before GOAWAY. net/http sends requests again that it did not accept.
func isAnswered(err error) bool {
	text := err.Error() // the types are not exported
	return strings.Contains(text, "stream error") || strings.Contains(text, "GOAWAY")
}

// written records how much of a request was sent. If net/http sends it again, only the
// last time counts: the site did not process the others.
type written struct {
	mu     sync.Mutex
	conn   net.Conn
	reused bool
	sent   Sent
}

func (w *written) begin(i httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn, w.reused, w.sent = i.Conn, i.Reused, SentNothing
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
