package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxHeader        = 256 << 10 // of an answer
	maxFields        = 1000
	maxInformational = 20
	// lateAnswerTime is how long to wait for an answer that the site may have sent
	// before it stopped reading the request.
	lateAnswerTime = 200 * time.Millisecond
)

var (
	readers      = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}
	smallReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 2<<10) }}
	writers      = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 32<<10) }}
)

// exchange is a request on a connection, and afterwards the body of its answer.
type exchange struct {
	conn    *conn
	ctx     context.Context
	stop    func() bool // ends the watch for the end of ctx
	reader  *bufio.Reader
	readers *sync.Pool // where it comes from
	sending *sending   // nil: the request was sent before the answer was read
	broken  bool       // the request could not be written completely
	reuse   bool       // if the body is complete

	body io.ReadCloser
	err  error // of the body, once it has ended
}

// exchange sends the request and reads the head of the answer.
// short is the whole request if it is short. The error is errIdleClosed if nothing was
// sent because the site had closed the connection.
func (c *conn) exchange(r *http.Request, short *shortRequest, call Call) (*http.Response, error) {
	x := &exchange{conn: c, ctx: r.Context(), readers: &readers}
	if call.Stream {
		x.readers = &smallReaders
	}
	c.written.Store(0)
	c.arrived = false
	x.stop = afterFunc(x.ctx, c.close)
	sent, writeErr := x.send(r, short)
	var resp *http.Response
	var err error
	if writeErr == nil || sent != SentNothing {
		resp, err = x.receive(r, call)
	}
	if s := c.socket; s != nil && s.length > 0 {
		sent, writeErr = s.sentOfKept(), s.writeErr
		x.broken = writeErr != nil
	}
	switch {
	case errors.Is(err, errIdleClosed) && x.ctx.Err() == nil:
		x.end(false)
		return nil, errIdleClosed
	case resp == nil:
		return nil, x.fail(sent, writeErr, err)
	}
	if c.pool.absolute {
		if err := ofProxy(resp); err != nil {
			x.end(false)
			return nil, err
		}
	}
	return x.answer(r, resp), nil
}

// afterFunc is [context.AfterFunc], which makes a context and a channel if ctx is not one
// of its own.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if own, ok := ctx.(interface{ AfterFunc(func()) func() bool }); ok {
		return own.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// receive reads the head of the answer.
func (x *exchange) receive(r *http.Request, call Call) (*http.Response, error) {
	c := x.conn
	x.reader = x.readers.Get().(*bufio.Reader)
	x.reader.Reset(c)
	for range maxInformational + 1 {
		c.left = maxHeader
		resp, err := http.ReadResponse(x.reader, r)
		c.left = -1
		if err != nil {
			return nil, err
		}
		if err := checkHead(resp, r.Header["Upgrade"] != nil); err != nil {
			return nil, &Error{Phase: BadAnswer, Err: err}
		}
		switch {
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		case resp.StatusCode == http.StatusEarlyHints && call.Hints != nil:
			call.Hints.EarlyHints(resp.Header)
		}
	}
	return nil, &Error{Phase: BadAnswer, Err: errInformational}
}

// checkHead refuses heads that are not valid HTTP.
func checkHead(resp *http.Response, mayUpgrade bool) error {
	if resp.StatusCode < 100 || resp.StatusCode > 599 {
		return errStatus
	}
	if resp.StatusCode == http.StatusSwitchingProtocols && !mayUpgrade {
		return errUnrequestedUpgrade
	}
	fields := 0
	for _, values := range resp.Header {
		fields += len(values)
	}
	if fields > maxFields {
		return errFields
	}
	return nil
}

// fail ends the exchange without an answer and says why.
func (x *exchange) fail(sent Sent, writeErr, err error) error {
	c := x.conn
	canceled := x.ctx.Err() != nil
	if x.sending != nil {
		done, sendErr := x.sending.stopped()
		if writeErr = sendErr; !done {
			writeErr = errors.New("the whole request was not sent")
		}
		sent = c.sent(writeErr)
	}
	x.end(false) // the sending, if it goes on, meets a closed connection
	var known *Error
	switch {
	case canceled:
		return &Error{Canceled, sent, context.Cause(x.ctx)}
	case errors.As(err, &known):
		known.Sent = sent
		return known
	case !c.arrived && c.reused:
		return &Error{Stale, sent, errors.Join(writeErr, err)}
	case err != nil && !isTimeout(err) && c.arrived && !isBroken(err):
		return &Error{BadAnswer, sent, err}
	case err != nil && isAlert(err):
		return &Error{TLS, sent, err}
	case writeErr != nil && (x.sending == nil || isTimeout(err)):
		return &Error{Write, sent, writeErr}
	}
	return &Error{NoAnswer, sent, err}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func isAlert(err error) bool {
	var alert tls.AlertError
	return errors.As(err, &alert)
}

// isBroken reports whether the connection ended, as opposed to an invalid answer.
func isBroken(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &op)
}

// answer returns the answer with a body that gives the connection back.
func (x *exchange) answer(r *http.Request, resp *http.Response) *http.Response {
	if s := x.sending; s != nil {
		s.mu.Lock()
		s.answered = true
		_ = x.conn.SetReadDeadline(time.Time{})
		s.mu.Unlock()
	} else if x.broken {
		_ = x.conn.SetReadDeadline(time.Time{})
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = &upgraded{exchange: x}
		return resp
	}
	x.conn.idleFor = keepAliveTime(resp.Header, x.conn.idleFor)
	x.reuse = !x.broken && !resp.Close && !r.Close && x.conn.idleFor >= 0
	if resp.Body == http.NoBody {
		x.end(true)
		return resp
	}
	x.body, resp.Body = resp.Body, x
	return resp
}

// BodyHasArrived reports whether the whole body of an answer came with its head, so that
// reading it takes no time.
func BodyHasArrived(resp *http.Response) bool {
	x, ok := resp.Body.(*exchange)
	return ok && resp.ContentLength >= 0 && int64(x.reader.Buffered()) >= resp.ContentLength
}

// keepAliveTime returns how long a site keeps an idle connection, minus a second for
// latency; negative: not at all.
func keepAliveTime(h http.Header, before time.Duration) time.Duration {
	for _, v := range h["Keep-Alive"] {
		for part := range strings.SplitSeq(v, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !strings.EqualFold(name, "timeout") {
				continue
			}
			if seconds, err := strconv.ParseUint(strings.Trim(value, `" `), 10, 16); err == nil {
				if seconds <= 1 {
					return -1
				}
				return time.Duration(seconds-1) * time.Second
			}
		}
	}
	return before
}

// Read reads the body of the answer.
func (x *exchange) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	n, err := x.body.Read(p)
	if err != nil {
		x.err = err
		x.end(err == io.EOF)
	}
	return n, err
}

// Close drops the unread part of the body. Then the connection is closed.
func (x *exchange) Close() error {
	if x.err == nil {
		x.err = http.ErrBodyReadAfterClose
		x.end(false)
	}
	return nil
}

// end returns the connection to the pool if the answer is complete, or else closes it.
func (x *exchange) end(whole bool) {
	c := x.conn
	watched := x.stop()
	reuse := whole && watched && x.reuse && x.reader.Buffered() == 0
	if reuse && x.sending != nil {
		done, err := x.sending.stopped()
		reuse = done && err == nil
	}
	if !reuse {
		c.close()
	}
	if r := x.reader; r != nil {
		x.reader = nil
		r.Reset(nil)
		x.readers.Put(r)
	}
	if reuse {
		c.reused = true
		c.pool.keep(c)
	}
}

// upgraded is a connection after a change of protocol.
type upgraded struct {
	exchange *exchange
	once     sync.Once
}

// Read first reads the bytes that arrived with the answer.
func (u *upgraded) Read(p []byte) (int, error) { return u.exchange.reader.Read(p) }

// Write is for [io.Writer].
func (u *upgraded) Write(p []byte) (int, error) { return u.exchange.conn.Conn.Write(p) }

// SetWriteDeadline returns as that of [net.Conn].
func (u *upgraded) SetWriteDeadline(t time.Time) error {
	return u.exchange.conn.SetWriteDeadline(t)
}

// Close ends the connection. Its reader is not used again, as a Read may still
// be under way.
func (u *upgraded) Close() error {
	u.once.Do(func() {
		u.exchange.stop()
		u.exchange.conn.close()
	})
	return nil
}
