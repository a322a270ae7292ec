package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

// statusClientGone is recorded if the caller disconnected before the answer, as in
// nginx.
const statusClientGone = 499

// errCaller marks errors of the caller's connection.
var errCaller = errors.New("the caller disconnected")

// trailingTime is how long a site may take to close an answer after its last event.
const trailingTime = time.Second

// pass passes on the good answer of the latest attempt. If the answer breaks off, so
// does the caller's, so that it never looks complete.
func (x *exchange) pass(resp *http.Response) {
	a := x.attempt
	x.walk.Answered(&x.pick, x.now(), a.ttfb)
	a.egressWorks(x.pick.Channel, x.now())
	x.rememberObjects(resp.Header, nil)
	x.record.Channel, x.record.Key, x.record.Status = a.channel, a.keyID, resp.StatusCode
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.finishPassed(resp, x.upgrade(resp))
		return
	}
	defer func() { _ = resp.Body.Close() }()
	x.record.Stream = isEventStream(resp.Header) || a.stream.Framing() == dialect.NDJSON || a.stream.Framing() == dialect.Array
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	if !x.caller.hasBegun() {
		x.answerHeaders(resp.Header)
	}
	if x.body.whole.Load() {
		x.dropBody(resp)
	} else {
		x.caller.w.Header()["Connection"] = []string{"close"} // or the server would wait for the rest
	}
	x.usage.Begin(x.format, resp.Header)
	x.caller.head(resp.StatusCode)
	err := x.relay(resp)
	x.caller.finish()
	x.passTrailers(resp.Trailer)
	x.finishPassed(resp, err)
	x.endAnswer(err)
}

// dropBody releases the request's body, which is not sent again: a stream can take
// minutes, and a prompt can be large.
func (x *exchange) dropBody(resp *http.Response) {
	x.walk.DropBody()
	x.attempt.payload, resp.Request = nil, nil
	x.body.release()
}

// passTrailers passes on the site's trailers. It sends the head first: otherwise a
// short answer would get a length, and have no trailers.
func (x *exchange) passTrailers(trailer http.Header) {
	sent := false
	for name, values := range trailer {
		if len(values) == 0 || forbiddenTrailer(name) {
			continue
		}
		if !sent {
			x.caller.flush()
			sent = true
		}
		x.caller.w.Header()[http.TrailerPrefix+name] = values
	}
}

// relay copies the body, and flushes each part of a stream.
func (x *exchange) relay(resp *http.Response) error {
	a := x.attempt
	if noBodyStatus(resp.StatusCode) || x.in.Method == http.MethodHead {
		return nil
	}
	flush := resp.ContentLength < 0 || x.record.Stream
	chunk, unseen := a.head, a.head[a.fed:]
	trailing := false
	for {
		if len(chunk) > 0 {
			a.follow(unseen)
			if a.lateFault {
				chunk = x.maskLate(chunk)
			}
			if err := x.caller.write(chunk, a.stream.Between(), flush && !a.ended); err != nil {
				return err
			}
			x.record.BytesOut += int64(len(chunk))
			if x.record.Content == 0 && a.stream.Started {
				x.record.Content = event.Millis(time.Since(x.arrived))
			}
			x.usage.Pass(chunk)
			a.dropHead()
		}
		switch {
		case a.ended && a.isCutOff(resp):
			return x.cut(io.ErrUnexpectedEOF)
		case a.ended:
			return nil
		case a.broken != nil && (trailing || a.stream.Finished):
			return nil // it was complete before the connection broke
		case a.broken != nil:
			return x.cut(a.broken)
		case !a.follows || !a.stream.Ended:
			a.watch.Reset(a.limits.StreamIdle)
		case !trailing:
			trailing = true
			a.watch.Reset(trailingTime)
		}
		n, err := resp.Body.Read(*a.buffer)
		chunk = (*a.buffer)[:n]
		unseen = chunk
		if err == io.EOF {
			a.ended = true
		} else if err != nil {
			a.broken = err
		}
	}
}

// follow looks for the end of a stream, and for an error, in the bytes that pass.
func (a *attempt) follow(b []byte) {
	if !a.follows || a.stream.Framing() == dialect.Binary {
		return
	}
	if a.decoder != nil {
		b = a.decode(b)
	}
	for len(b) > 0 {
		e, n, ok := a.stream.Next(b)
		b = b[n:]
		if !ok {
			return
		}
		if e.Kind == dialect.Error && !a.lateFault {
			a.lateFault, a.fault = true, bytes.Clone(e.Data)
		}
	}
}

// endAnswer ends the answer to the caller after err.
func (x *exchange) endAnswer(err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, ErrShutdown), !x.in.ProtoAtLeast(1, 1) && !errors.Is(err, errCaller):
		x.writeErrorEvent(x.problem(http.StatusBadGateway, "stream_interrupted", err.Error()))
		if errors.Is(err, ErrShutdown) {
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// writeErrorEvent ends an answer that has begun with an error event, if its format
// has one.
func (x *exchange) writeErrorEvent(p dialect.Problem) {
	c := &x.caller
	c.mu.Lock()
	defer c.mu.Unlock()
	b := dialect.ErrorEvent(x.format, c.framing, c.content, p)
	if b == nil {
		return
	}
	if !c.between && c.framing == dialect.SSE {
		c.send([]byte("\n\n"))
	}
	c.send(b)
	c.flush()
}

// cut returns the error of an answer that breaks off.
func (x *exchange) cut(err error) error {
	a := x.attempt
	err = a.cause(err)
	switch {
	case errors.Is(err, ErrShutdown), x.interrupted():
		return ErrShutdown
	case x.in.Context().Err() != nil:
		return errCaller
	case errors.Is(err, errStreamIdle):
		return fmt.Errorf("the answer stalled for %s", wording.Duration(a.limits.StreamIdle))
	}
	return errors.New("the answer was cut off") // err may quote what the site sent
}
