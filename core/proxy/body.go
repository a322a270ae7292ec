package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The slowest a caller may send: this many bytes a second, after a grace time.
const (
	slowestBody = 1 << 10
	bodyGrace   = 5 * time.Second
)

var (
	errBodyTooLarge = errors.New("the request body is larger than proxy.max_body")
	errBodySlow     = errors.New("the request body arrives too slowly")
	errNoBuffer     = errors.New("too many request bodies are in memory")
)

// budget bounds the memory that request bodies take together.
type budget struct {
	limit int64
	used  atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// buffers keeps the memory of small bodies for the next ones.
var buffers = sync.Pool{New: func() any { b := make([]byte, firstBuffer); return &b }}

const (
	firstBuffer = 4 << 10
	keepBuffer  = 256 << 10 // larger ones are left to the collector
)

// body is a request's body: the part held in memory, from which it can be sent
// again, and for a larger one the rest as it arrives, which can be sent once.
type body struct {
	head   []byte
	rest   io.Reader   // nil if head is all of it
	length int64       // -1 if it is not known
	begun  atomic.Bool // some of rest was read: there is no second time
	sent   atomic.Bool // all of it was read, so presumably delivered

	budget *budget
	charge int64
	users  atomic.Int32 // the handler and every reader not closed yet
	pooled *[]byte
}

// readBody reads up to limits.replay bytes of the request's body. The caller
// must release the body.
func readBody(w http.ResponseWriter, r *http.Request, l limits, mem *budget) (*body, error) {
	b := &body{budget: mem, length: r.ContentLength}
	b.users.Store(1)
	if r.ContentLength == 0 || r.Body == http.NoBody {
		b.length = 0
		return b, nil
	}
	if r.ContentLength > l.max {
		return b, errBodyTooLarge
	}
	b.pooled = buffers.Get().(*[]byte)
	in := &patientReader{in: r.Body, control: http.NewResponseController(w), left: l.max}
	err := b.fill(in, l.replay)
	in.rest()
	if err == nil && b.rest != nil {
		b.rest = in
	}
	return b, err
}

// fill reads into head until the body ends or limit bytes are held.
func (b *body) fill(in io.Reader, limit int64) error {
	buf := (*b.pooled)[:0]
	if !b.grow(int64(cap(buf))) {
		return errNoBuffer
	}
	for {
		if int64(len(buf)) >= limit {
			b.head, b.rest = buf, in
			return nil
		}
		if len(buf) == cap(buf) {
			next := min(int64(2*cap(buf)), max(limit, firstBuffer))
			if b.length > 0 {
				next = min(max(b.length+1, next), max(limit, firstBuffer))
			}
			if !b.grow(next - int64(cap(buf))) {
				return errNoBuffer
			}
			bigger := make([]byte, len(buf), next)
			copy(bigger, buf)
			buf = bigger
			*b.pooled = buf[:cap(buf)]
		}
		n, err := in.Read(buf[len(buf):min(int64(cap(buf)), max(limit, 1))])
		buf = buf[:len(buf)+n]
		if err == io.EOF || err == nil && b.length == int64(len(buf)) {
			b.head, b.length = buf, int64(len(buf))
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (b *body) grow(n int64) bool {
	if !b.budget.take(n) {
		return false
	}
	b.charge += n
	return true
}

// replayable says that the body can be sent (again).
func (b *body) replayable() bool { return b.rest == nil || !b.begun.Load() }

// open returns a reader of the whole body, head in place of its own.
func (b *body) open(head []byte) io.ReadCloser {
	b.users.Add(1)
	b.sent.Store(false)
	return &bodyReader{body: b, head: bytes.NewReader(head)}
}

// release gives the memory back when its last user is gone: the transport may
// read a body still after the answer has come.
func (b *body) release() {
	if b.users.Add(-1) > 0 {
		return
	}
	b.budget.give(b.charge)
	if b.pooled != nil && cap(*b.pooled) <= keepBuffer {
		buffers.Put(b.pooled)
	}
}

type bodyReader struct {
	body   *body
	head   *bytes.Reader
	closed atomic.Bool
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if n, err := r.head.Read(p); err == nil {
		if r.head.Len() == 0 && r.body.rest == nil {
			r.body.sent.Store(true)
		}
		return n, nil
	}
	if r.body.rest == nil {
		return 0, io.EOF
	}
	r.body.begun.Store(true)
	n, err := r.body.rest.Read(p)
	if err == io.EOF {
		r.body.sent.Store(true)
	}
	return n, err
}

// Close may be called more than once, and while a Read is under way.
func (r *bodyReader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		r.body.release()
	}
	return nil
}

// patientReader reads what a caller sends, up to a limit, and gives up when it
// trickles. Only the time spent waiting for the caller counts.
type patientReader struct {
	in      io.Reader
	control *http.ResponseController
	left    int64
	read    int64
	waited  time.Duration
	watch   *time.Timer
	slow    atomic.Bool
	failed  atomic.Pointer[error] // the caller's fault, if there was one
}

func (p *patientReader) Read(buf []byte) (int, error) {
	allowed := bodyGrace + time.Duration(p.read)*time.Second/slowestBody - p.waited
	if p.watch == nil {
		p.watch = time.AfterFunc(allowed, p.giveUp)
	} else {
		p.watch.Reset(allowed)
	}
	begun := time.Now()
	n, err := p.in.Read(buf)
	p.watch.Stop()
	p.waited += time.Since(begun)
	p.read += int64(n)
	if p.left -= int64(n); p.left < 0 {
		err = errBodyTooLarge
	} else if p.slow.Load() && err != io.EOF {
		err = errBodySlow
	}
	if err != nil && err != io.EOF {
		p.failed.Store(&err)
	}
	return n, err
}

func (p *patientReader) giveUp() {
	p.slow.Store(true)
	_ = p.control.SetReadDeadline(time.Unix(1, 0)) // ends the Read; where there are no deadlines it goes on
}

func (p *patientReader) rest() {
	if p.watch != nil {
		p.watch.Stop()
	}
}

// callersFault is the error that reading the rest of the body met, if any: not
// the channel's doing.
func (b *body) callersFault() error {
	if p, ok := b.rest.(*patientReader); ok {
		if err := p.failed.Load(); err != nil {
			return *err
		}
	}
	return nil
}

type limits struct{ max, replay int64 }
