package sshclient

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// wire is the TCP connection below SSH. A goroutine sends what is written to it: the
// SSH library writes each packet separately, and packets of streams that answer at the
// same time are sent together, which saves this side and sshd most of their system
// calls.
//
// It keeps little unsent data, here and in the kernel, because later data cannot
// overtake it, and would wait behind it on a slow line.
type wire struct {
	net.Conn
	socket  socket
	queue   *fairQueue
	noDelay atomic.Bool // sshd sends without delay; otherwise it may wait for an acknowledgement

	received atomic.Int64 // when something came, in Unix nanoseconds
	progress struct {     // of what the other side acknowledges
		sync.Mutex
		acked uint64
		at    time.Time
	}

	mu      sync.Mutex // guards those below
	changed sync.Cond  // of them
	pending []byte     // to be sent
	sending int        // bytes that are being sent
	limit   int        // of both
	total   uint64     // written
	closing bool
	failed  error
	done    chan struct{} // closed when nothing more is sent
}

// Bounds of what is written and not sent.
const (
	minUnsent = 6 << 10
	maxUnsent = 256 << 10
	unsentFor = 40 * time.Millisecond  // as much as the line carries in this time
	closeTime = 200 * time.Millisecond // for it to be sent when the wire is closed
	roomPoll  = 2 * time.Millisecond   // between two looks whether the kernel has sent it
)

func newWire(c *net.TCPConn) *wire {
	w := &wire{Conn: c, socket: newSocket(c), limit: minUnsent, done: make(chan struct{})}
	w.changed.L = &w.mu
	w.queue = newFairQueue(w.unsent)
	w.socket.limitUnsent(w.limit)
	go w.send()
	return w
}

// Read is for net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.received.Store(time.Now().UnixNano())
		if !w.noDelay.Load() {
			w.socket.acknowledge()
		}
	}
	if err != nil {
		w.mu.Lock()
		if w.failed == nil && !w.closing {
			w.failed = err
		}
		w.mu.Unlock()
	}
	return n, err
}

// written returns how much was written so far, whether it is sent or not.
func (w *wire) written() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// lastProgress returns when data was last received, or data written up to a position was
// last acknowledged. Later data does not count: the other machine's kernel acknowledges
// it even if the server is stuck.
func (w *wire) lastProgress(position uint64) time.Time {
	received := time.Unix(0, w.received.Load())
	p := &w.progress
	p.Lock()
	defer p.Unlock()
	acked, ago, ok := w.socket.acknowledged()
	if ok && acked > p.acked {
		if p.acked < position {
			p.at = time.Now().Add(-ago)
		}
		p.acked = acked
	}
	return latest(received, p.at)
}

// largePacket is the payload of a full packet on most links.
const largePacket = 1400

// unacknowledged returns how many bytes were sent that the other side has not
// acknowledged; 0 if that is unknown.
func (w *wire) unacknowledged() int64 {
	acked, _, ok := w.socket.acknowledged()
	if !ok {
		return 0
	}
	return int64(w.written()) - int64(acked)
}

// failure returns why the connection broke, nil if it did not.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// unsent returns how much data waits to be sent, and the limit for that.
func (w *wire) unsent() (bytes, limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending) + w.sending, w.limit
}

// Write is for net.Conn. It returns before p is sent; a later Write reports a failure.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pending) > maxUnsent && w.failed == nil && !w.closing {
		w.changed.Wait()
	}
	switch {
	case w.failed != nil:
		return 0, w.failed
	case w.closing:
		return 0, net.ErrClosed
	}
	w.pending = append(w.pending, p...)
	w.total += uint64(len(p))
	w.changed.Broadcast()
	return len(p), nil
}

// send sends what is written until the wire is closed, or broken.
func (w *wire) send() {
	defer close(w.done)
	defer w.queue.close()
	var batch []byte
	rate := rateMeter{delivered: w.socket.deliveryRate}
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
		started := time.Now()
		w.awaitRoom()
		runtime.Gosched() // others that are about to write may do so
		w.mu.Lock()
		batch, w.pending = w.pending, batch[:0]
		w.sending = len(batch)
		w.changed.Broadcast()
		w.mu.Unlock()
		_, err := w.Conn.Write(batch)
		limit, changed := rate.add(len(batch), time.Since(started))
		if changed {
			w.socket.limitUnsent(limit)
		}
		w.mu.Lock()
		w.sending = 0
		if changed {
			w.limit = limit
		}
		if err != nil {
			if w.failed == nil {
				w.failed = err
			}
			w.changed.Broadcast()
		}
		w.mu.Unlock()
		if err != nil {
			_ = w.Conn.Close() // so that readers learn of it too
			return
		}
		w.queue.sent()
	}
}

// awaitRoom waits, on a slow line, until the kernel has sent what it accepted.
func (w *wire) awaitRoom() {
	for {
		w.mu.Lock()
		limit, closing := w.limit, w.closing
		w.mu.Unlock()
		if closing || limit >= maxUnsent || w.socket.notSent() < limit {
			return
		}
		time.Sleep(roomPoll)
	}
}

// Close is for net.Conn. It first sends what was written, if that is possible within
// closeTime.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closing = true
	w.changed.Broadcast()
	w.mu.Unlock()
	_ = w.SetWriteDeadline(time.Now().Add(closeTime)) // one that is broken has nothing to send
	<-w.done
	return w.Conn.Close()
}

// reset makes Close drop unsent data and reset the connection. If only large packets get
// lost, the other side would otherwise keep waiting for them, and keep its ports.
func (w *wire) reset() {
	if c, ok := w.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // a connection that is closed needs nothing
	}
}

// rateMeter measures the rate of the line, which determines how much data may be unsent.
type rateMeter struct {
	delivered func() (bytesPerSecond float64) // as the kernel measures it; 0: it does not
	bytes     int
	took      time.Duration
	limit     int
}

// The least that a rate is measured by.
const (
	rateTime  = 20 * time.Millisecond
	rateBytes = 1 << 20
)

// add counts a write. changed reports whether the limit differs much from the last
// one.
func (r *rateMeter) add(bytes int, took time.Duration) (limit int, changed bool) {
	r.bytes += bytes
	r.took += took
	if r.took < rateTime && r.bytes < rateBytes {
		return r.limit, false
	}
	perSecond := float64(r.bytes) / max(r.took, time.Microsecond).Seconds()
	if delivered := r.delivered(); delivered > 0 {
		perSecond = min(perSecond, 2*delivered) // what the kernel took at once says nothing about the line
	}
	limit = int(min(max(perSecond*unsentFor.Seconds(), minUnsent), maxUnsent))
	r.bytes, r.took = 0, 0
	if limit > r.limit*3/2 || limit < r.limit*2/3 {
		r.limit = limit
		return limit, true
	}
	return r.limit, false
}
