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

// attempt is one delivery of a request to a channel. It ends with an outcome.
type attempt struct {
	exchange *exchange
	begun    time.Time
	waited   time.Duration // before it
	channel  string
	way      way
	keyID    string
	secret   config.Secret // the key, to find it in an answer
	limits   config.Timeouts
	status   int           // 0: no answer
	location string        // kept from http.Client, which would act on it
	ttfb     time.Duration // to the site's first byte

	ctx      context.Context
	cancel   context.CancelCauseFunc
	watch    *time.Timer // cancels when a phase takes too long
	answered atomic.Bool // the head of the answer has come

	url     *url.URL
	header  http.Header
	payload []byte // of the body, as far as it is in memory
	sent    bool   // the whole request: the site may be working on it
	stale   bool   // it was repeated, as the site had closed a connection that was kept

	// The answer as far as it was read to judge it: see hold.go.
	stream    dialect.Stream
	follows   bool             // the stream is in use
	decoder   *dialect.Decoder // of a compressed answer
	plain     []byte           // what it decoded last
	lateFault bool             // an error came after content; fault is its JSON
	buffer    *[]byte          // from a pool
	head      []byte           // bytes read and not passed on yet
	held      int64            // bytes of head charged to proxy.buffer_limit
	crowded   bool             // proxy.buffer_limit is reached
	fed       int              // bytes of head that the stream has seen
	found     dialect.Kind     // what ended the reading, if anything did
	fault     []byte           // the error's JSON, if found is an error
	settled   bool             // found says what the answer is
	ended     bool             // the body has ended
	broken    error            // why the body could not be read further
}

var (
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}
)

// timeouts are the channel's. How long a site has until the head of its answer
// depends on the request where the configuration does not say: clients give up
// after 5 minutes, and while another channel is left to ask, the caller must get
// its answer before that.
func (x *exchange) timeouts(ch *route.Channel) config.Timeouts {
	t := ch.Config.Timeouts
	if t.FirstByte == 0 {
		switch {
		case !x.walk.HasAlternative(ch, x.now()):
			t.FirstByte = config.FirstByteLast
		case x.ask.Stream:
			t.FirstByte = config.FirstByteStreamed
		default:
			t.FirstByte = config.FirstByteWhole
		}
	}
	return t
}

// deliver sends the request and reads enough of the answer to judge it.
func (a *attempt) deliver(r *http.Request) (*http.Response, error) {
	x := a.exchange
	a.ctx, a.cancel = context.WithCancelCause(x.in.Context())
	a.watch = time.AfterFunc(a.limits.FirstByte, a.expire)
	x.handler.live.add(a)
	r = r.WithContext(a.ctx)
	r.URL, r.Header = a.url, a.header
	resp, err := a.roundTrip(r)
	a.ttfb = time.Since(a.begun)
	if err != nil {
		a.watch.Stop()
		a.sent = sentOf(err) == upstream.SentAll
		if cause := context.Cause(a.ctx); cause != nil {
			err = cause
		}
		a.end()
		return nil, err
	}
	a.status = resp.StatusCode
	a.answered.Store(true)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		a.watch.Stop()
		return resp, nil
	}
	resp.Body = &attemptBody{resp.Body, a}
	a.location = first(resp.Header, "Location")
	delete(resp.Header, "Location")
	a.hold(resp)
	a.watch.Stop()
	return resp, nil
}

// roundTrip delivers the request, and again if the site had closed the connection
// that was kept for it.
func (a *attempt) roundTrip(r *http.Request) (*http.Response, error) {
	x := a.exchange
	to, call := a.way.transport, upstream.Call{Hints: &x.caller}
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

// NewBody is the body of the request from its beginning.
func (a *attempt) NewBody() io.ReadCloser { return a.exchange.body.reader(a.payload) }

// mayRepeat says whether err is about a connection that was kept, and the site
// does not work on the request, or may do so twice.
func (a *attempt) mayRepeat(err error) bool {
	x := a.exchange
	if upstream.PhaseOf(err) != upstream.Stale || !x.body.replayable() || a.ctx.Err() != nil {
		return false
	}
	retry := &x.setup.config.Retry
	return sentOf(err) != upstream.SentAll || retry.MaxRetries > 0 && (isIdempotent(x.in.Method) || retry.AfterSent)
}

// isIdempotent says that a request may be sent twice (RFC 9110, section 9.2.2).
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

// end releases what the attempt holds of the site.
func (a *attempt) end() {
	a.cancel(nil)
	a.exchange.handler.live.remove(a)
}

// discard gives an answer up.
func (a *attempt) discard(resp *http.Response) {
	if resp != nil {
		_ = resp.Body.Close()
		resp.Body = http.NoBody // the client reads what it takes for the rest of it
	}
}

// expire ends a phase that takes too long.
func (a *attempt) expire() {
	if a.answered.Load() {
		a.cancel(errStreamIdle)
	} else {
		a.cancel(errFirstByte)
	}
}

// attemptBody ends the attempt with the body.
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
		pool := &smallBuffers
		if cap(*a.buffer) > 4<<10 {
			pool = &largeBuffers
		}
		pool.Put(a.buffer)
		a.buffer = nil
	}
	return err
}

// attempts are those that wait for a site or read its answer, so that they can
// be interrupted.
type attempts struct {
	mu  sync.Mutex
	all map[*attempt]struct{}
}

func (s *attempts) add(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*attempt]struct{}{}
	}
	s.all[a] = struct{}{}
}

func (s *attempts) remove(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, a)
}

// Interrupt ends the requests under way, with an error in the dialect's own
// shape where the answer has begun as a stream. It is for a shutdown whose time
// for draining is over.
func (h *Handler) Interrupt() {
	h.live.mu.Lock()
	defer h.live.mu.Unlock()
	for a := range h.live.all {
		a.cancel(ErrShutdown)
	}
}
