package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// The slowest rate at which a caller may send, in bytes per second, after a grace
// period; it must never pause for longer than bodyStall.
const (
	slowestBody = 1 << 10
	bodyGrace   = 5 * time.Second
	bodyStall   = 30 * time.Second
)

var (
	errBodyTooLarge = errors.New("the request body is larger than proxy.max_body")
	errBodySlow     = errors.New("the request body arrives too slowly")
	errNoBuffer     = errors.New("too many request bodies are in memory")
)

// budget limits the memory of all request bodies together.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves n more bytes for a body that has own bytes. While there are other
// bodies, a part of what is left stays free for them, so that large bodies cannot
// lock out small ones.
func (b *budget) take(n, own int64) bool {
	used := b.used.Add(n)
	own += n
	others := used - own
	if used > b.limit || others > 0 && own > firstBuffer && b.limit-used < own/8 {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// The size of a body's first buffer. An announced length is trusted up to the
// constant announced; more memory is taken only for bytes that arrive.
const (
	firstBuffer = 4 << 10
	announced   = 64 << 10
)

// body is a request's body. The part in memory can be sent again; the rest of a
// larger body is read from the caller and can be sent only once.
type body struct {
	head   []byte
	rest   io.Reader   // nil if head is the whole body
	whole  atomic.Bool // the caller has sent the whole body
	length int64       // -1 if unknown
	begun  atomic.Bool // a part of rest was read, so the body cannot be sent again

	in     timedReader
	budget *budget
	charge int64
}

// read reads up to limits.replay bytes of the request's body. It must be
// released, also after an error.
func (b *body) read(w http.ResponseWriter, r *http.Request, l limits, mem *budget) error {
	b.budget, b.length = mem, r.ContentLength
	if r.ContentLength == 0 || r.Body == http.NoBody {
		b.length = 0
		b.whole.Store(true)
		return nil
	}
	if r.ContentLength > l.max {
		return errBodyTooLarge
	}
	b.in.in, b.in.w, b.in.left = r.Body, w, l.max
	err := b.fill(l.replay)
	b.in.clearDeadline()
	return err
}

// fill reads into head until the body ends or limit bytes are held.
func (b *body) fill(limit int64) error {
	first := int64(firstBuffer)
	if b.length > 0 {
		first = min(b.length, announced)
	}
	first = min(first, limit)
	if !b.grow(first) {
		return errNoBuffer
	}
	return b.fillFrom(make([]byte, 0, first), limit)
}

// fillMore reads on until limit bytes are held. It must be called before anything
// else reads rest.
func (b *body) fillMore(limit int64) error {
	b.rest = nil
	err := b.fillFrom(b.head, limit)
	b.in.clearDeadline()
	return err
}

func (b *body) fillFrom(buf []byte, limit int64) error {
	for {
		if int64(len(buf)) == limit {
			b.head, b.rest = buf, &b.in
			return nil
		}
		if len(buf) == cap(buf) {
			next := min(int64(2*cap(buf)), limit)
			if b.length > 0 {
				next = min(next, b.length)
			}
			if !b.grow(next - int64(cap(buf))) {
				return errNoBuffer
			}
			buf = append(make([]byte, 0, next), buf...)
		}
		n, err := b.in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) || err == nil && b.length == int64(len(buf)) {
			b.head, b.length = buf, int64(len(buf))
			b.whole.Store(true)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (b *body) grow(n int64) bool {
	if !b.budget.take(n, b.charge) {
		return false
	}
	b.charge += n
	return true
}

// replayable reports whether the body can be sent (again).
func (b *body) replayable() bool { return b.rest == nil || !b.begun.Load() }

// release returns the memory to the budget. It may be called more than once.
func (b *body) release() {
	if b.charge > 0 {
		b.budget.give(b.charge)
	}
	b.charge, b.head = 0, nil
}

// reader returns the body for one attempt, with head in place of its own. If all
// of it is in memory, the result has a type that net/http knows and sends in one
// packet with the header.
func (b *body) reader(head []byte) io.ReadCloser {
	switch {
	case b.length == 0:
		return nil
	case b.rest == nil:
		return io.NopCloser(bytes.NewReader(head))
	}
	return io.NopCloser(&restReader{body: b, head: bytes.NewReader(head)})
}

// restReader reads a body that is only partly in memory.
type restReader struct {
	body *body
	head *bytes.Reader
}

func (r *restReader) Read(p []byte) (int, error) {
	if n, err := r.head.Read(p); err == nil {
		return n, nil
	}
	r.body.begun.Store(true)
	n, err := r.body.rest.Read(p)
	if err == io.EOF {
		r.body.whole.Store(true)
		r.body.in.clearDeadline()
	}
	return n, err
}

// timedReader reads what a caller sends, up to a limit, and fails if it arrives too
// slowly. Only the time spent waiting for the caller counts. On a connection
// without deadlines a single read may take any time.
type timedReader struct {
	in     io.Reader
	w      http.ResponseWriter
	left   int64
	read   int64
	waited time.Duration
	failed atomic.Pointer[error] // the error, if the caller caused one
}

func (p *timedReader) Read(buf []byte) (int, error) {
	allowed := min(bodyGrace+time.Duration(p.read)*time.Second/slowestBody-p.waited, bodyStall)
	begun := time.Now()
	_ = http.NewResponseController(p.w).SetReadDeadline(begun.Add(allowed))
	n, err := p.in.Read(buf)
	waited := time.Since(begun)
	p.waited += waited
	p.read += int64(n)
	if p.left -= int64(n); p.left < 0 {
		err = errBodyTooLarge
	} else if waited >= allowed && err != io.EOF {
		err = errBodySlow
	}
	if err != nil && err != io.EOF {
		failed := err
		p.failed.Store(&failed)
	}
	return n, err
}

// clearDeadline restores the server's own limit for waiting for the next request.
func (p *timedReader) clearDeadline() {
	if p.failed.Load() == nil {
		_ = http.NewResponseController(p.w).SetReadDeadline(time.Time{})
	}
}

// callerError returns the error of reading the rest of the body, if there was one:
// it was not caused by the channel.
func (b *body) callerError() error {
	if err := b.in.failed.Load(); err != nil {
		return *err
	}
	return nil
}

type limits struct{ max, replay int64 }
