package tunnel

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// wire is the TCP connection below everything. What is written to it is sent by
// a goroutine of its own: the SSH library writes each packet by itself, and
// those of connections that answer at the same time go out together, which
// spares this side and sshd most of their system calls.
type wire struct {
	net.Conn
	last   atomic.Int64 // when something came, in Unix nanoseconds
	prompt atomic.Bool  // sshd sends without delay; else it may wait to hear that the last piece arrived
	quick  func()       // asks the kernel to acknowledge at once, which costs a packet

	mu      sync.Mutex // guards those below
	changed sync.Cond  // of them
	pending []byte     // to be sent
	closing bool
	failed  error
	sent    chan struct{} // closed when nothing more is sent
}

// Bounds of what is written and not sent.
const (
	maxPending = 256 << 10
	lastWords  = 200 * time.Millisecond // for it to be sent when the wire is closed
)

func newWire(c *net.TCPConn, silence time.Duration) *wire {
	w := &wire{Conn: c, sent: make(chan struct{})}
	w.changed.L = &w.mu
	w.quick = tune(c, silence)
	go w.send()
	return w
}

// Read is for net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.last.Store(time.Now().UnixNano())
		if !w.prompt.Load() {
			w.quick()
		}
	}
	return n, err
}

func (w *wire) heardSince(t time.Time) bool { return w.last.Load() > t.UnixNano() }

// Write is for net.Conn. It returns before p is sent: that this failed is told
// by a later one.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pending) > maxPending && w.failed == nil && !w.closing {
		w.changed.Wait()
	}
	switch {
	case w.failed != nil:
		return 0, w.failed
	case w.closing:
		return 0, net.ErrClosed
	}
	w.pending = append(w.pending, p...)
	w.changed.Broadcast()
	return len(p), nil
}

// send sends what is written until the wire is closed, or broken.
func (w *wire) send() {
	defer close(w.sent)
	var batch []byte
	for {
		w.mu.Lock()
		for len(w.pending) == 0 && !w.closing {
			w.changed.Wait()
		}
		if len(w.pending) == 0 {
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		runtime.Gosched() // others that are about to write may do so
		w.mu.Lock()
		batch, w.pending = w.pending, batch[:0]
		w.changed.Broadcast()
		w.mu.Unlock()
		if _, err := w.Conn.Write(batch); err != nil {
			w.mu.Lock()
			w.failed = err
			w.changed.Broadcast()
			w.mu.Unlock()
			_ = w.Conn.Close() // so that who reads learns of it too
			return
		}
	}
}

// Close is for net.Conn. What was written is sent before, if that takes no
// time: over a silent connection nothing can be.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closing = true
	w.changed.Broadcast()
	w.mu.Unlock()
	_ = w.SetWriteDeadline(time.Now().Add(lastWords)) // one that is broken has nothing to send
	<-w.sent
	return w.Conn.Close()
}
