package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// How much of an answer is read before it is judged.
const (
	maxErrorBody  = 64 << 10
	maxFirstEvent = 64 << 10
	errorBodyTime = 10 * time.Second
)

var (
	errFirstByte  = errors.New("no first byte in time")
	errStreamIdle = errors.New("the answer stalled")
	errRedelivery = errors.New("the connection broke after the request was sent")
)

// attempt is one delivery of a request to a channel.
type attempt struct {
	exchange *exchange
	begun    time.Time
	waited   time.Duration // before it
	channel  string
	keyID    string
	timeouts config.Timeouts
	status   int    // 0: no answer
	location string // kept from http.Client, which would follow or dislike it
	ttfb     time.Duration
	passed   bool // its answer goes to the caller
	verdict  verdict

	cancel   context.CancelCauseFunc
	ctx      context.Context
	watch    *time.Timer
	relaying atomic.Bool

	trace   httptrace.ClientTrace
	written atomic.Bool // the request's head, to a connection
	sent    atomic.Bool // the whole request: the site may be at work on it

	buffer *[]byte
	head   []byte // the beginning of the body
	ended  bool   // head is all of it
	broken error  // why reading head ended early
}

var (
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}
)

// RoundTrip makes the attempt that was prepared last. It returns with an answer
// once enough of its body is there to judge it by.
func (x *exchange) RoundTrip(*http.Request) (*http.Response, error) {
	a := x.attempt
	a.ctx, a.cancel = context.WithCancelCause(x.in.Context())
	a.watch = time.AfterFunc(a.timeouts.FirstByte, a.expire)
	a.trace.WroteRequest = a.wroteRequest
	if x.body.length == 0 {
		a.trace.WroteHeaders, a.trace.GotConn = a.wroteHeaders, a.gotConn
	}
	req := x.request(httptrace.WithClientTrace(a.ctx, &a.trace))
	resp, err := x.setup.paths[x.pick.Channel].transport.RoundTrip(req)
	if err != nil {
		a.watch.Stop()
		if cause := context.Cause(a.ctx); cause != nil {
			err = cause
		}
		a.cancel(nil)
		return nil, err
	}
	a.status = resp.StatusCode
	if resp.StatusCode == http.StatusSwitchingProtocols {
		a.watch.Stop()
		a.ttfb = time.Since(a.begun)
		return resp, nil
	}
	resp.Body = &attemptBody{resp.Body, a}
	a.location = first(resp.Header, "Location")
	delete(resp.Header, "Location")
	a.readHead(resp)
	a.watch.Stop()
	a.ttfb = time.Since(a.begun)
	return resp, nil
}

func (a *attempt) wroteRequest(w httptrace.WroteRequestInfo) {
	if w.Err == nil {
		a.sent.Store(true)
	}
}

func (a *attempt) wroteHeaders() { a.written.Store(true) }

// gotConn ends the attempt when net/http, on its own account, would send a
// request again that had been written to a connection: each delivery is to be
// an attempt that is known of. With a body it does that only to keyed
// requests, which are given no way to read the body again.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	if !a.written.Load() {
		return
	}
	a.cancel(errRedelivery)
	// By HTTP/1 the request may be written before anybody looks at the context.
	// A connection of HTTP/2 is others' too, and there the context is looked at.
	if t, ok := info.Conn.(*tls.Conn); !ok || t.ConnectionState().NegotiatedProtocol != "h2" {
		_ = info.Conn.Close()
	}
}

func (a *attempt) expire() {
	if a.relaying.Load() {
		a.cancel(errStreamIdle)
	} else {
		a.cancel(errFirstByte)
	}
}

// attemptBody ends the attempt's context with the body.
type attemptBody struct {
	io.ReadCloser
	attempt *attempt
}

func (b *attemptBody) Close() error {
	err := b.ReadCloser.Close()
	a := b.attempt
	a.watch.Stop()
	a.cancel(nil)
	if a.buffer != nil {
		pool := &smallBuffers
		if cap(*a.buffer) > 4<<10 {
			pool = &largeBuffers
		}
		pool.Put(a.buffer)
		a.buffer, a.head = nil, nil
	}
	return err
}

// readHead reads the first bytes of the body: of an error all that is worth
// having, of an event stream the first event.
func (a *attempt) readHead(resp *http.Response) {
	if resp.ContentLength == 0 || resp.Body == http.NoBody || a.exchange.in.Method == http.MethodHead {
		a.ended = true
		return
	}
	stream := isEventStream(resp.Header)
	pool := &largeBuffers
	if stream || resp.ContentLength > 0 && resp.ContentLength <= 4<<10 {
		pool = &smallBuffers
	}
	a.buffer = pool.Get().(*[]byte)
	a.head = (*a.buffer)[:0]
	enough := func() bool { return len(a.head) > 0 }
	switch {
	case resp.StatusCode >= 400:
		a.watch.Reset(min(errorBodyTime, a.timeouts.FirstByte))
		enough = func() bool { return len(a.head) >= maxErrorBody }
	case stream:
		enough = func() bool { return len(a.head) >= maxFirstEvent || firstEvent(a.head) != nil }
	}
	for !enough() {
		if len(a.head) == cap(a.head) {
			a.head = append(a.head, 0)[:len(a.head)]
		}
		n, err := resp.Body.Read(a.head[len(a.head):cap(a.head)])
		a.head = a.head[:len(a.head)+n]
		if err == io.EOF {
			a.ended = true
			return
		}
		if err != nil {
			a.broken = err
			return
		}
	}
}

// firstEvent is the first event of a stream that has data, nil if it is not
// all there yet. Comments, with which sites keep a line open, are none.
func firstEvent(stream []byte) []byte {
	for len(stream) > 0 {
		end, next := blankLine(stream)
		if end < 0 {
			return nil
		}
		event := stream[:end]
		if bytes.HasPrefix(event, []byte("data")) || bytes.Contains(event, []byte("\ndata")) {
			return event
		}
		stream = stream[next:]
	}
	return nil
}

// blankLine finds the end of an event and the beginning of the next.
func blankLine(b []byte) (end, next int) {
	end = -1
	for _, sep := range []string{"\n\n", "\r\n\r\n"} {
		if i := bytes.Index(b, []byte(sep)); i >= 0 && (end < 0 || i < end) {
			end, next = i, i+len(sep)
		}
	}
	return end, next
}

// judge decides on the attempt from what http.Client made of it.
func (a *attempt) judge(resp *http.Response, err error) verdict {
	a.verdict = a.verdictOn(resp, err)
	if a.verdict.reason != "" {
		a.verdict.reason = a.discreet(a.verdict.reason)
	}
	return a.verdict
}

func (a *attempt) verdictOn(resp *http.Response, err error) verdict {
	x := a.exchange
	switch {
	case x.in.Context().Err() != nil, x.body.callersFault() != nil:
		if resp != nil {
			_ = resp.Body.Close()
		}
		return verdict{scope: scopeClient, reason: "the caller went away"}
	case err != nil:
		return verdict{scope: scopeChannel, reason: a.why(err), retry: true}
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return verdict{}.ok()
	case resp.StatusCode >= 400:
		return judge(resp.StatusCode, resp.Header, a.head, x.sentModel(), x.setup.config.Retry, x.handler.registry.Now())
	case a.broken != nil && len(a.head) == 0:
		return verdict{scope: scopeChannel, reason: a.why(a.broken), retry: true}
	case isEventStream(resp.Header):
		return a.judgeStream(resp)
	case a.isEmpty(resp):
		return verdict{scope: scopeChannel, reason: "the answer is empty", retry: true}
	}
	return verdict{}.ok()
}

// discreet takes the key out of what is told of the attempt: a site may have
// written it where its error's code belongs.
func (a *attempt) discreet(reason string) string {
	k := a.exchange.pick.Key
	if k == nil || k.Config.Value.IsZero() {
		return reason
	}
	return strings.ReplaceAll(reason, k.Config.Value.Reveal(), "***")
}

func (verdict) ok() verdict { return verdict{scope: scopeNone} }

func (a *attempt) judgeStream(resp *http.Response) verdict {
	x := a.exchange
	event := firstEvent(a.head)
	switch {
	case event != nil:
	case a.broken != nil:
		return verdict{scope: scopeChannel, reason: a.why(a.broken), retry: true}
	case a.ended && len(bytes.TrimSpace(a.head)) == 0:
		return verdict{scope: scopeChannel, reason: "the stream is empty", retry: true}
	default:
		event = a.head
	}
	return judgeEvent(event, x.sentModel(), resp.Header, x.setup.config.Retry, x.handler.registry.Now())
}

// isEmpty finds a 200 with nothing in it, which no API sends on purpose.
func (a *attempt) isEmpty(resp *http.Response) bool {
	if resp.StatusCode != http.StatusOK || !a.ended || len(a.head) > 0 {
		return false
	}
	m := a.exchange.in.Method
	return m == http.MethodPost || m == http.MethodGet
}

// why is the error of an attempt in words for people. It never has an URL in
// it, since that may hold a key, nor what a site sent.
func (a *attempt) why(err error) string {
	if cause := context.Cause(a.ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, errFirstByte):
		return fmt.Sprintf("no answer within %s", a.timeouts.FirstByte)
	case errors.Is(err, errStreamIdle):
		return fmt.Sprintf("the answer stalled for %s", a.timeouts.StreamIdle)
	case errors.Is(err, errRedelivery):
		return errRedelivery.Error()
	case errors.As(err, &dns):
		return "cannot resolve the host's name"
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return fmt.Sprintf("no connection within %s", a.timeouts.Connect)
	case errors.As(err, &op) && op.Op == "dial":
		return "cannot connect: " + op.Err.Error()
	case strings.Contains(err.Error(), "TLS handshake timeout"):
		return fmt.Sprintf("no TLS handshake within %s", a.timeouts.Connect)
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "the site speaks no TLS here: is its address http://?"
	case strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "x509:"):
		return "TLS failed: " + tlsReason(err)
	case strings.Contains(err.Error(), "malformed"):
		return "the answer is no HTTP"
	}
	return "the connection broke before an answer"
}

func tlsReason(err error) string {
	text := err.Error()
	for _, mark := range []string{"x509:", "tls:"} {
		if i := strings.Index(text, mark); i >= 0 {
			return text[i:]
		}
	}
	return "handshake failed"
}

// noBodyStatus says that an answer with this status has no body.
func noBodyStatus(status int) bool {
	return status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}
