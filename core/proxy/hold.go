package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// A status of 200 guarantees nothing, so an answer is held until its first content.
// Until then the request can still go to another site without the caller noticing.
const (
	maxErrorBody = 64 << 10
	maxDocument  = 64 << 10 // bytes of an answer that is not a stream
	maxDecoded   = 4 << 20  // bytes of a compressed answer that are examined
	maxPreamble  = 1 << 20  // bytes of a stream: its first event can repeat instructions and tools
	errorTime    = 10 * time.Second
	holdTime     = 60 * time.Second // the longest time for which an answer is held
	earlyTime    = time.Second      // the time after which a site's own keep-alives are passed on
)

// heldAnswer is the part of an answer that was read to judge it.
type heldAnswer struct {
	stream    dialect.Stream
	follows   bool             // the stream is being parsed
	decoder   *dialect.Decoder // of a compressed answer
	plain     []byte           // what was decoded last
	lateFault bool             // an error came after content; fault is its JSON
	buffer    *[]byte          // from pool
	pool      *sync.Pool
	head      []byte       // bytes that were read and not yet passed on
	held      int64        // bytes of head charged to proxy.buffer_limit
	crowded   bool         // proxy.buffer_limit is reached
	fed       int          // bytes of head that were given to the stream
	found     dialect.Kind // what the deciding event was, if there was one
	fault     []byte       // the error's JSON, if found is an error
	decided   bool         // no more needs to be read: found says what the answer is
	ended     bool         // the body has ended
	broken    error        // why the body could not be read to its end
}

// hold reads the answer until it can be judged.
func (a *attempt) hold(resp *http.Response) {
	x := a.exchange
	if resp.ContentLength == 0 || resp.Body == http.NoBody || x.in.Method == http.MethodHead || noBodyStatus(resp.StatusCode) {
		a.ended = true
		return
	}
	a.takeBuffer(resp)
	if resp.StatusCode >= 300 {
		a.watch.Reset(min(errorTime, a.limits.FirstByte))
		for len(a.head) < maxErrorBody && a.reading() {
			a.read(resp)
		}
		return
	}
	a.stream.Begin(x.format, resp.Header)
	a.follows = true
	if coding := dialect.Coding(resp.Header); coding != "" {
		a.decoder = dialect.NewDecoder(coding, maxDecoded)
	}
	if !a.arrived {
		a.watch.Reset(a.limits.StreamIdle)
	}
	x.caller.expect(a)
	for !a.decided && a.reading() && !a.holdsEnough() {
		a.read(resp)
		if a.reading() {
			a.watch.Reset(a.limits.StreamIdle)
		}
		a.examine()
	}
	switch {
	case a.ended && !a.decided && a.stream.Framing() == dialect.Document && a.isCutOff(resp):
		a.ended, a.broken = false, io.ErrUnexpectedEOF
	case a.ended && !a.decided:
		a.examineEnd(resp)
	}
}

// isCutOff reports whether an answer that has ended is incomplete, although nothing shows that
// its connection broke: an answer without a length ends where the connection is closed, which
// is also how a site, or a proxy on the way, dies. Compressed answers have an end of their own,
// which the caller checks.
func (a *attempt) isCutOff(resp *http.Response) bool {
	untilClose := resp.ProtoMajor == 1 && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
	return untilClose && a.follows && a.decoder == nil && !a.lateFault && a.stream.LacksEnd()
}

func (a *attempt) takeBuffer(resp *http.Response) {
	switch {
	case isEventStream(resp.Header):
		a.pool = streamBuffers
	case resp.ContentLength > 0 && resp.ContentLength <= 4<<10:
		a.pool = smallBuffers
	default:
		a.pool = largeBuffers
	}
	a.buffer = a.pool.Get().(*[]byte)
	a.head = (*a.buffer)[:0]
}

// reading reports whether there may be more of the body.
func (a *attempt) reading() bool { return !a.ended && a.broken == nil }

// read appends the next bytes to head. Bytes that do not fit into the pooled buffer
// are charged to proxy.buffer_limit.
func (a *attempt) read(resp *http.Response) {
	if len(a.head) == cap(a.head) {
		grown := slices.Grow(a.head, len(a.head))
		if more := int64(cap(grown) - cap(a.head)); a.exchange.setup.memory.take(more, 0) {
			a.held += more
		} else {
			a.crowded = true // it is passed on as it is
		}
		a.head = grown
	}
	n, err := resp.Body.Read(a.head[len(a.head):cap(a.head)])
	a.head = a.head[:len(a.head)+n]
	switch {
	case err == io.EOF:
		a.ended = true
	case err != nil:
		a.broken = err
	}
}

// dropHead releases the bytes that were held, and their memory.
func (a *attempt) dropHead() {
	a.head = nil
	a.exchange.setup.memory.give(a.held)
	a.held = 0
}

// holdsEnough reports whether the answer is passed on although nothing was found in
// it yet.
func (a *attempt) holdsEnough() bool {
	limit := maxDocument
	if a.stream.Framing() == dialect.SSE || a.stream.Framing() == dialect.Array || a.stream.Framing() == dialect.NDJSON {
		limit = maxPreamble
	}
	return a.crowded || len(a.head) >= limit || time.Since(a.begun) > a.limits.FirstByte+holdTime || a.exchange.mode.Background
}

// examine looks at the events in the bytes that were read last.
func (a *attempt) examine() {
	if a.decoder != nil {
		a.examineDecoded(a.decode(a.head[a.fed:]))
		a.fed = len(a.head)
		return
	}
	start := a.fed // of the event that is being read
	for a.fed < len(a.head) && !a.decided {
		e, n, ok := a.stream.Next(a.head[a.fed:])
		a.fed += n
		if !ok {
			return
		}
		if e.Kind == dialect.KeepAlive && a.exchange.caller.mayPass(a) {
			a.exchange.caller.passKeepAlive(a.head[start:a.fed])
			a.head = slices.Delete(a.head, start, a.fed)
			a.fed = start
		} else {
			a.take(e)
		}
		start = a.fed
	}
}

// examineDecoded looks into a compressed answer, which is passed on as it came.
func (a *attempt) examineDecoded(plain []byte) {
	for len(plain) > 0 && !a.decided {
		e, n, ok := a.stream.Next(plain)
		plain = plain[n:]
		if !ok {
			return
		}
		a.take(e)
	}
}

// examineEnd looks at what follows the last complete event. Some compressed answers
// can only be decoded now.
func (a *attempt) examineEnd(resp *http.Response) {
	if a.decoder != nil {
		a.stream.Begin(a.exchange.format, resp.Header)
		plain, _ := dialect.Decode(dialect.Coding(resp.Header), a.head, maxDecoded) // as much as can be decoded
		if a.examineDecoded(plain); a.decided {
			return
		}
	}
	if e, ok := a.stream.End(); ok {
		a.take(e)
	}
}

// take records what an event says about the answer. Keep-alives and the preamble
// say nothing yet.
func (a *attempt) take(e dialect.Event) {
	if a.exchange.storesObjects() {
		a.exchange.rememberObjects(nil, e.Data)
	}
	switch e.Kind {
	case dialect.KeepAlive, dialect.Preamble:
		return
	case dialect.HardEnd:
		if a.stream.Empty() {
			a.ended = true // nothing came before it, and nothing will follow
			return
		}
	case dialect.Error, dialect.Page:
		a.fault = bytes.Clone(e.Data)
	}
	a.found, a.decided = e.Kind, true
}

// isFault reports whether the answer is an error or a web page, whatever its status.
func (a *attempt) isFault() bool {
	return a.decided && (a.found == dialect.Error || a.found == dialect.Page && a.exchange.endpoint != dialect.Other)
}

// isEmpty reports whether the answer ended without any content, where every API has
// some.
func (a *attempt) isEmpty(resp *http.Response) bool {
	if !a.ended || a.decided || a.exchange.in.Method == http.MethodHead {
		return false
	}
	if resp.StatusCode != http.StatusOK && (resp.StatusCode < 200 || resp.StatusCode >= 300 || !dialect.IsObjectFormat(a.exchange.format)) {
		return false
	}
	switch a.exchange.endpoint {
	case dialect.Files, dialect.Account, dialect.Other:
		return false
	}
	return !a.follows || a.stream.Empty()
}

// decodedHead returns the beginning of an error answer, decompressed.
func (a *attempt) decodedHead(h http.Header) []byte {
	return dialect.DecodeError(h, a.head, maxErrorBody)
}

// decode decodes the next piece of a compressed answer. The result is valid
// until the next call.
func (a *attempt) decode(piece []byte) []byte {
	a.plain = a.decoder.Write(a.plain[:0], piece)
	return a.plain
}

// cause returns why the attempt's context ended, or else err.
func (a *attempt) cause(err error) error {
	if cause := a.ctx.reason(); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}
