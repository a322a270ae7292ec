package sshclient

import (
	"sync"
	"time"
)

// fairQueue schedules the writes of a connection's streams. The SSH library encrypts
// packets in the order in which they are written, so writes have to be scheduled before
// that: a stream may write only while there is little unsent data. Each stream gets the
// same share of the line, in bytes, and one that sends little has priority (start-time
// fair queueing).
type fairQueue struct {
	unsent func() (bytes, limit int) // of the wire

	mu      sync.Mutex
	waiting []*ticket
	granted map[*ticket]struct{} // of writes in progress
	bytes   int                  // sum of their sizes
	now     uint64               // virtual time: the start of the latest write, in bytes of its share
	timer   *time.Timer          // runs while a write waits
	open    bool                 // after close: no write waits any more
}

// flow records the share that a stream has used, in virtual time.
type flow struct{ used uint64 }

// ticket is one write, waiting or in progress.
type ticket struct {
	size  int
	start uint64 // virtual time
	since time.Time
	turn  chan struct{}
}

const (
	maxPiece = 16 << 10 // the library keeps a packet of this size for each stream
	minPiece = 4 << 10

	// stuckTime is how long a write counts as unsent data. A write that takes longer
	// waits for its receiver, and does not delay others.
	stuckTime = 2 * time.Millisecond
)

func newFairQueue(unsent func() (bytes, limit int)) *fairQueue {
	return &fairQueue{unsent: unsent, granted: map[*ticket]struct{}{}}
}

// pieceSize returns how much a stream may write at once: less on a slow line.
func (q *fairQueue) pieceSize() int {
	_, limit := q.unsent()
	return min(max(limit/4, minPiece), maxPiece)
}

// acquire waits until it is the stream's turn to write size bytes. ok is false
// if closed was closed before.
func (q *fairQueue) acquire(f *flow, size int, closed <-chan struct{}) (t *ticket, ok bool) {
	q.mu.Lock()
	t = &ticket{size: size, start: max(q.now, f.used)}
	f.used = t.start + uint64(size)
	if len(q.waiting) == 0 && q.hasRoom() {
		q.grant(t)
		q.mu.Unlock()
		return t, true
	}
	t.turn = make(chan struct{})
	q.waiting = append(q.waiting, t)
	if q.timer == nil {
		q.timer = time.AfterFunc(stuckTime, q.tick)
	}
	q.mu.Unlock()
	select {
	case <-t.turn:
		return t, true
	case <-closed:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == t {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return nil, false
		}
	}
	q.finish(t)
	return nil, false
}

// release ends a write.
func (q *fairQueue) release(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finish(t)
	q.dispatch()
}

// sent is called when the wire has sent something.
func (q *fairQueue) sent() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dispatch()
}

// close lets all waiting writes proceed, which the closed wire rejects.
func (q *fairQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = true
	q.dispatch()
}

// The methods below are called with the lock held.

func (q *fairQueue) hasRoom() bool {
	bytes, limit := q.unsent()
	return q.open || bytes+q.bytes < limit
}

func (q *fairQueue) grant(t *ticket) {
	q.granted[t] = struct{}{}
	q.bytes += t.size
	q.now = max(q.now, t.start)
	t.since = time.Now()
}

func (q *fairQueue) finish(t *ticket) {
	if _, is := q.granted[t]; is {
		delete(q.granted, t)
		q.bytes -= t.size
	}
}

// dispatch grants turns, first to the stream that has used the least.
func (q *fairQueue) dispatch() {
	for len(q.waiting) > 0 && q.hasRoom() {
		first := 0
		for i, t := range q.waiting {
			if t.start < q.waiting[first].start {
				first = i
			}
		}
		t := q.waiting[first]
		q.waiting = append(q.waiting[:first], q.waiting[first+1:]...)
		q.grant(t)
		close(t.turn)
	}
}

// tick stops counting writes that are stuck, as long as a write waits.
func (q *fairQueue) tick() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for t := range q.granted {
		if time.Since(t.since) > stuckTime {
			q.finish(t)
		}
	}
	q.dispatch()
	if q.timer = nil; len(q.waiting) > 0 {
		q.timer = time.AfterFunc(stuckTime, q.tick)
	}
}
