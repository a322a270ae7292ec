package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// statusClientGone is recorded for a caller that left before an answer, as
// nginx does.
const statusClientGone = 499

// saved is an answer that was not passed on at once, kept in case no better
// one comes.
type saved struct {
	status  int
	header  http.Header
	body    []byte
	whole   bool
	channel string
	key     string
}

// save keeps the answer. Its body is read as far as it was needed for the
// verdict, and of a short stream the rest.
func (a *attempt) save(resp *http.Response) *saved {
	if !a.ended && a.broken == nil && isEventStream(resp.Header) {
		a.watch.Reset(time.Second)
		rest, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		a.head = append(a.head, rest...)
		a.ended = err == nil && len(rest) < maxErrorBody
	}
	s := &saved{status: resp.StatusCode, header: resp.Header, body: append([]byte(nil), a.head...), whole: a.ended, channel: a.channel, key: a.keyID}
	if a.location != "" {
		s.header.Set("Location", a.location)
	}
	return s
}

// passSaved passes on the last real answer.
func (x *exchange) passSaved() {
	s := x.answer
	x.record.Status, x.record.Channel, x.record.Key = s.status, s.channel, s.key
	x.headers(s.header)
	if !s.whole {
		x.w.Header().Del("Content-Length")
	}
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	x.w.WriteHeader(s.status)
	n, _ := x.w.Write(s.body)
	x.record.BytesOut = int64(n)
	if !s.whole {
		panic(http.ErrAbortHandler)
	}
}

// headers puts a channel's headers on the answer.
func (x *exchange) headers(from http.Header) {
	h := x.w.Header()
	if h["Access-Control-Allow-Origin"] != nil { // ours; the site's would contradict it
		for name := range from {
			if strings.HasPrefix(name, "Access-Control-") {
				delete(from, name)
			}
		}
	}
	backward(h, from)
	if theirs := h["X-Request-Id"]; theirs != nil {
		h["X-Site-Request-Id"] = theirs
	}
	h["X-Request-Id"] = []string{x.record.ID}
}

// pass passes on the answer of the attempt that just ended well, or that no
// other could better. A broken answer breaks the caller's connection off, so
// that it never looks whole.
func (x *exchange) pass(resp *http.Response) {
	a := x.attempt
	now := x.handler.registry.Now()
	good := a.verdict.scope == scopeNone
	if good {
		x.walk.Answered(&x.pick, now, a.ttfb)
	}
	x.record.Channel, x.record.Key, x.record.Status = a.channel, a.keyID, resp.StatusCode
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.end(x.upgrade(resp))
		return
	}
	defer func() { _ = resp.Body.Close() }()
	x.headers(resp.Header)
	if a.location != "" {
		x.w.Header().Set("Location", a.location)
	}
	x.record.Stream = isEventStream(resp.Header)
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	x.usage.begin(resp.Header)
	x.w.WriteHeader(resp.StatusCode)
	err := x.relay(resp)
	for name, values := range resp.Trailer {
		x.w.Header()[http.TrailerPrefix+name] = values
	}
	if good {
		x.end(err)
	} else if err != nil {
		x.record.Error = err.Error()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// errCaller marks what went wrong on the caller's side.
var errCaller = errors.New("the caller went away")

// end ends a good attempt by how its answer ended.
func (x *exchange) end(err error) {
	now := x.handler.registry.Now()
	v := verdict{scope: scopeNone}
	switch {
	case err == nil:
		x.pick.Lease.Succeed(now)
	case errors.Is(err, errCaller):
		v = verdict{scope: scopeClient, reason: err.Error()}
		x.pick.Lease.Cancel()
	default:
		v = verdict{scope: scopeChannel, reason: err.Error()}
		x.pick.Lease.Fail(now, err.Error())
	}
	x.record.Error = v.reason
	x.note(v)
	x.releaseKey()
}

// relay copies the body. What comes as a stream is flushed as it comes.
func (x *exchange) relay(resp *http.Response) error {
	a := x.attempt
	if noBodyStatus(resp.StatusCode) || a.exchange.in.Method == http.MethodHead {
		return nil
	}
	flusher, _ := x.w.(http.Flusher)
	if resp.ContentLength >= 0 && !x.record.Stream {
		flusher = nil
	}
	a.relaying.Store(true)
	idle := a.timeouts.StreamIdle
	chunk := a.head
	for {
		if len(chunk) > 0 {
			n, err := x.w.Write(chunk)
			x.record.BytesOut += int64(n)
			if err != nil {
				return errCaller
			}
			if flusher != nil && !a.ended {
				flusher.Flush()
			}
			x.usage.pass(chunk)
		}
		if a.ended {
			return nil
		}
		if a.broken != nil {
			return x.cut(a.broken)
		}
		a.watch.Reset(idle)
		n, err := resp.Body.Read(*a.buffer)
		a.watch.Stop()
		chunk = (*a.buffer)[:n]
		if err == io.EOF {
			a.ended = true
		} else if err != nil {
			a.broken = err
		}
	}
}

// cut is the error of an answer that does not come to its end.
func (x *exchange) cut(err error) error {
	if x.in.Context().Err() != nil {
		return errCaller
	}
	if errors.Is(context.Cause(x.attempt.ctx), errStreamIdle) {
		return fmt.Errorf("the answer stalled for %s", x.attempt.timeouts.StreamIdle)
	}
	_ = err // may quote what the site sent
	return errors.New("the answer was cut off")
}
