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
	"sync/atomic"
	"time"
)

// errNotHTTP2 says that a site which spoke HTTP/2 no longer does.
var errNotHTTP2 = errors.New("the site no longer speaks HTTP/2")

// http2Pool makes requests by net/http, over connections of a pool's own. A
// stream that the site refused, or did not begin before it went away, is sent
// again by net/http: no site has seen it.
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
		MaxIdleConnsPerHost:    maxIdleKept,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // the caller's Accept-Encoding is passed on
	}
	return h
}

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
	if t, ok := ready.(*tls.Conn); !ok || t.ConnectionState().NegotiatedProtocol != "h2" {
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
	var head, all, reused atomic.Bool
	trace := &httptrace.ClientTrace{
		GotConn:      func(i httptrace.GotConnInfo) { reused.Store(i.Reused) },
		WroteHeaders: func() { head.Store(true) },
		WroteRequest: func(i httptrace.WroteRequestInfo) { all.Store(i.Err == nil) },
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
	if err != nil {
		sent := SentNothing
		switch {
		case all.Load():
			sent = SentAll
		case head.Load():
			sent = SentPart
		}
		return nil, h.failed(ctx, sent, reused.Load(), err)
	}
	if err := checkHead(resp, false); err != nil {
		_ = resp.Body.Close()
		return nil, &Error{BadAnswer, SentAll, err}
	}
	return resp, nil
}

// failed returns why there is no answer. A site that closes an idle connection says so
// before, but what it said is lost if a request crosses it.
func (h *http2Pool) failed(ctx context.Context, sent Sent, reused bool, err error) error {
	var known *Error
	switch {
	case errors.Is(err, errNotHTTP2):
		return err
	case ctx.Err() != nil:
		return &Error{Cancelled, sent, context.Cause(ctx)}
	case errors.As(err, &known):
		return known
	case reused && !strings.Contains(err.Error(), "stream error"): // that is an answer, of a kind
		return &Error{Stale, sent, err}
	}
	return &Error{NoAnswer, sent, err}
}
