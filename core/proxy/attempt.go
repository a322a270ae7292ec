package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
)

var (
	errFirstByte  = errors.New("no answer in time")
	errStreamIdle = errors.New("the answer stalled")
)

// requestPath is a path without and with its escapes.
type requestPath struct{ path, escaped string }

// The client gets these instead of the real URL and headers: it copies headers for
// redirects, which are not followed, and quotes the URL in its errors.
var (
	clientURL    = &url.URL{Scheme: "http", Host: "channel"}
	clientHeader = http.Header{}
)

// attempt is one delivery of a request to a channel. It ends with an outcome.
type attempt struct {
	exchange *exchange
	begun    time.Time
	waited   time.Duration // before it began
	channel  string
	egress   egress
	keyID    string
	secret   config.Secret // the key, to find it in an answer
	limits   config.Timeouts
	status   int           // 0 if there was no answer
	location string        // hidden from http.Client, which would follow it
	ttfb     time.Duration // to the site's first byte

	ctx      attemptContext
	watch    *time.Timer // cancels when a phase takes too long
	answered atomic.Bool // the head of the answer has arrived

	url     *url.URL
	header  http.Header
	payload []byte // the part of the body that is in memory
	sent    bool   // the whole request was sent: the site may be working on it
	arrived bool   // the answer was complete with its head
	stale   bool   // it was sent again because the site had closed the idle connection

	heldAnswer
	neighbors // in the list of those in flight
}

// A stream has its buffer for as long as it takes, and its events are small.
var (
	streamBuffers = buffers(2 << 10)
	smallBuffers  = buffers(4 << 10)
	largeBuffers  = buffers(32 << 10)
)

func buffers(size int) *sync.Pool {
	return &sync.Pool{New: func() any { b := make([]byte, size); return &b }}
}

// timeouts returns the channel's timeouts. If the configuration does not set the
// time to the first byte, it depends on the request: clients give up after 5
// minutes, and a request that can fail over must have time to do so.
func (x *exchange) timeouts(ch *route.Channel) config.Timeouts {
	t := ch.Config.Timeouts
	if t.FirstByte == 0 {
		switch {
		case !x.walk.HasAlternative(ch, x.now()):
			t.FirstByte = config.FirstByteLast
		case x.mode.Stream:
			t.FirstByte = config.FirstByteStreamed
		default:
			t.FirstByte = config.FirstByteWhole
		}
	}
	return t
}

// write sets r to the request that the picked channel gets, with its key.
func (a *attempt) write(r *http.Request) {
	x := a.exchange
	c := x.pick.Channel.Config
	to := x.site()
	h := copyRequestHeaders(x.in.Header)
	dialect.LimitEncodings(h, x.mode.Stream)
	parts := x.mapped()
	if parts.Coding == "" {
		delete(h, "Content-Encoding") // a compressed body with another model is sent decoded
	}
	var drop func(string) bool
	if c.Auth.Style == config.AuthPassthrough {
		drop = x.setup.guard.isToken
	}
	query := dialect.RemoveCredentials(h, parts.Query, drop)
	if x.pick.Key != nil {
		auth := dialect.Auth{Style: dialect.Style(c.Auth.Style), Param: c.Auth.Param}
		query = auth.AddKey(x.in, h, query, x.pick.Key.Config.Value.Plaintext())
	}
	if protocol := upgradeOf(x.in.Header); protocol != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{protocol}
	}
	head := parts.Body
	length := x.body.length
	if length > 0 {
		length += int64(len(head) - len(x.body.head))
	}
	escaped, _ := dialect.JoinPath(to.escaped, parts.Path)
	a.url = &url.URL{Scheme: c.Target.Scheme, Host: c.Target.Host, Path: unescapedPath(escaped), RawPath: escaped, RawQuery: query}
	a.payload, a.header = head, h
	r.Body, r.ContentLength = x.body.reader(head), length
}

// deliver sends the request and returns the head of the answer.
func (a *attempt) deliver(r *http.Request) (*http.Response, error) {
	x := a.exchange
	a.ctx.Context = x.in.Context()
	a.watch = time.AfterFunc(a.limits.FirstByte, a.expire)
	x.handler.live.add(a)
	r = r.WithContext(&a.ctx)
	r.URL, r.Header = a.url, a.header
	resp, err := a.roundTrip(r)
	a.ttfb = time.Since(a.begun)
	if err != nil {
		a.watch.Stop()
		a.sent = sentOf(err) == upstream.SentAll
		if cause := a.ctx.reason(); cause != nil {
			err = cause
		}
		a.end()
		return nil, err
	}
	a.status = resp.StatusCode
	a.answered.Store(true)
	if a.arrived = upstream.BodyHasArrived(resp); !a.arrived {
		a.ctx.follow()
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		a.watch.Stop()
		return resp, nil
	}
	resp.Body = &attemptBody{resp.Body, a}
	a.location = first(resp.Header, "Location")
	delete(resp.Header, "Location")
	return resp, nil
}

// roundTrip sends the request, and sends it once more on a new connection if the
// site had closed the idle connection that was used.
func (a *attempt) roundTrip(r *http.Request) (*http.Response, error) {
	x := a.exchange
	to, call := a.egress.transport, upstream.Call{Hints: &x.caller, Stream: x.mode.Stream}
	if x.body.rest == nil {
		call.Body = a
	}
	resp, err := to.Do(r, call)
	if !a.mayRepeat(err) {
		return resp, err
	}
	a.stale, call.Fresh = true, true
	r.Body = a.NewBody()
	return to.Do(r, call)
}

// NewBody returns the body of the request from its beginning.
func (a *attempt) NewBody() io.ReadCloser { return a.exchange.body.reader(a.payload) }

// mayRepeat reports whether err means that the site had closed an idle connection,
// and the request can safely be sent again.
func (a *attempt) mayRepeat(err error) bool {
	x := a.exchange
	if upstream.PhaseOf(err) != upstream.Stale || !x.body.replayable() || a.ctx.Err() != nil {
		return false
	}
	retry := &x.setup.config.Retry
	return sentOf(err) != upstream.SentAll || retry.MaxRetries > 0 && (isIdempotent(x.in.Method) || retry.AfterSent)
}

// isIdempotent reports whether a request may be sent twice (RFC 9110, section 9.2.2).
func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func sentOf(err error) upstream.Sent {
	var e *upstream.Error
	if errors.As(err, &e) {
		return e.Sent
	}
	return upstream.SentNothing
}

// end releases the attempt's connection to the site.
func (a *attempt) end() {
	a.ctx.end(context.Canceled)
	a.exchange.handler.live.remove(a)
}

// discard drops an answer.
func (a *attempt) discard(resp *http.Response) {
	if resp != nil {
		_ = resp.Body.Close()
		resp.Body = http.NoBody // the client would read the rest
	}
}

// expire cancels the attempt when a phase takes too long.
func (a *attempt) expire() {
	if a.answered.Load() {
		a.ctx.end(errStreamIdle)
	} else {
		a.ctx.end(errFirstByte)
	}
}

// attemptBody ends the attempt when the body is closed.
type attemptBody struct {
	io.ReadCloser
	attempt *attempt
}

func (b *attemptBody) Close() error {
	err := b.ReadCloser.Close()
	a := b.attempt
	a.watch.Stop()
	a.end()
	if a.decoder != nil {
		a.decoder.Close()
		a.decoder = nil
	}
	a.dropHead()
	if a.buffer != nil {
		a.pool.Put(a.buffer)
		a.buffer = nil
	}
	return err
}
