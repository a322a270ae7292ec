package sshclient

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// wire is the connection below SSH, usually TCP. A goroutine sends what is written to it: the
// SSH library writes each packet separately, and packets of streams that answer at the
// same time are sent together, which saves this program and sshd most of their system
// calls.
//
// There is little unsent data, here and in the kernel, because later data cannot overtake
// it and would be delayed on a slow line.
type wire struct {
	net.Conn
	socket  socket
	queue   *fairQueue
	noDelay atomic.Bool // sshd sends without delay; otherwise it may wait for an acknowledgement

	received atomic.Int64 // when data was last received, in Unix nanoseconds
	progress struct {     // acknowledgements of the peer
		sync.Mutex
		acked uint64
		at    time.Time
	}

	mu      sync.Mutex // guards the fields below
	changed sync.Cond  // signaled when they change
	pending []byte     // to be sent
	sending int        // bytes that are being sent
	limit   int        // of both together
	total   uint64     // bytes written so far
	closing bool
	failed  error
	done    chan struct{} // closed when nothing more is sent
}

// Limits of unsent data.
const (
	minUnsent = 6 << 10
	maxUnsent = 256 << 10
	unsentFor = 40 * time.Millisecond  // the limit is what the line carries in this time
	closeTime = 200 * time.Millisecond // to send the rest when the wire is closed
	roomPoll  = 2 * time.Millisecond   // between two checks whether the kernel has sent it
)

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, socket: newSocket(c), limit: minUnsent, done: make(chan struct{})}
	w.changed.L = &w.mu
	w.queue = newFairQueue(w.unsent)
	w.socket.limitUnsent(w.limit)
	go w.send()
	return w
}

// Read implements net.Conn.
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

// written returns how many bytes were written so far, sent or not.
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

// unacknowledged returns how many written bytes the peer has not acknowledged; 0 if that
// is unknown.
func (w *wire) unacknowledged() int64 {
	acked, _, ok := w.socket.acknowledged()
	if !ok {
		return 0
	}
	return int64(w.written()) - int64(acked)
}

// failure returns why the connection broke, nil if it has not.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// unsent returns how many bytes are waiting to be sent, and the limit.
func (w *wire) unsent() (bytes, limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending) + w.sending, w.limit
}

// Write implements net.Conn. It returns before p is sent; a later Write returns the error.
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

// send sends written data until the wire is closed or broken.
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
		runtime.Gosched() // let other goroutines write first
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
			_ = w.Conn.Close() // so that reads fail too
			return
		}
		w.queue.sent()
	}
}

// awaitRoom waits, on a slow line, until the kernel has sent most of what it accepted.
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

// Close implements net.Conn. It first sends what was written, if that is possible within
// closeTime.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closing = true
	w.changed.Broadcast()
	w.mu.Unlock()
	_ = w.SetWriteDeadline(time.Now().Add(closeTime)) // a broken connection has nothing to send
	<-w.done
	return w.Conn.Close()
}

// reset makes Close drop unsent data and reset the connection. Otherwise, if only large
// packets get lost, the peer would keep waiting for them and keep its ports open.
func (w *wire) reset() {
	if c, ok := w.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // a connection that is closed needs nothing
	}
}

// rateMeter measures the rate of the line, which determines the limit of unsent data.
type rateMeter struct {
	delivered func() (bytesPerSecond float64) // as measured by the kernel; 0: unknown
	bytes     int
	took      time.Duration
	limit     int
}

// The minimum time or bytes for a measurement.
const (
	rateTime  = 20 * time.Millisecond
	rateBytes = 1 << 20
)

// add adds a write. changed reports whether the limit differs much from the previous one.
func (r *rateMeter) add(bytes int, took time.Duration) (limit int, changed bool) {
	r.bytes += bytes
	r.took += took
	if r.took < rateTime && r.bytes < rateBytes {
		return r.limit, false
	}
	perSecond := float64(r.bytes) / max(r.took, time.Microsecond).Seconds()
	if delivered := r.delivered(); delivered > 0 {
		perSecond = min(perSecond, 2*delivered) // the kernel may have accepted data faster than the line carries it
	}
	limit = int(min(max(perSecond*unsentFor.Seconds(), minUnsent), maxUnsent))
	r.bytes, r.took = 0, 0
	if limit > r.limit*3/2 || limit < r.limit*2/3 {
		r.limit = limit
		return limit, true
	}
	return r.limit, false
}
