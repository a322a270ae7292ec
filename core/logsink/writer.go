package logsink

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of a queue.
const (
	maxLines = 8192
	maxBytes = 4 << 20
)

const (
	reportInterval = time.Minute      // between two reports of dropped lines
	checkInterval  = 10 * time.Second // between two checks whether the file was moved
	flushLimit     = time.Second
	stuckLimit     = 200 * time.Millisecond // a write that takes longer is stuck: callers do not wait for it
)

// errTooSlow is the reason for dropped lines if no write failed.
var errTooSlow = errors.New("it could not be written fast enough")

// Writer writes to another writer in its own goroutine. Its Write never blocks and never
// fails.
type Writer struct {
	to      io.Writer
	queue   chan item
	bytes   atomic.Int64
	dropped atomic.Uint64
	writing atomic.Int64          // when the current write began, in ns; 0: none
	fault   atomic.Pointer[error] // of the last write; nil if it succeeded
	report  atomic.Pointer[func(lines uint64, why error)]
	quit    chan struct{}
	ended   chan struct{} // the goroutine has ended
	closed  sync.Once

	// Owned by the goroutine.
	reported time.Time
	failure  error
}

// item is a line to write, or a function to run between two lines.
type item struct {
	line []byte
	do   func()
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{to: w, queue: make(chan item, maxLines), quit: make(chan struct{}), ended: make(chan struct{})}
	go out.run()
	return out
}

// Unwrap returns the underlying writer.
func (w *Writer) Unwrap() io.Writer { return w.to }

// Write queues p, or drops it if the queue is full.
func (w *Writer) Write(p []byte) (int, error) {
	size := int64(len(p))
	if w.bytes.Add(size) <= maxBytes && w.send(item{line: bytes.Clone(p)}) {
		return len(p), nil
	}
	w.bytes.Add(-size)
	w.dropped.Add(1)
	return len(p), nil
}

func (w *Writer) send(i item) bool {
	select {
	case w.queue <- i:
		return true
	default:
		return false
	}
}

// Flush waits until all queued lines are written, for a second at most. It does not wait
// for a writer that is stuck, such as a full pipe that nobody reads.
func (w *Writer) Flush() { w.doBetweenLines(func() {}) }

// doBetweenLines runs do in the goroutine, between two lines, and waits for it as Flush
// does.
func (w *Writer) doBetweenLines(do func()) {
	done := make(chan struct{})
	w.await(done, item{do: func() { do(); close(done) }})
}

// Close flushes the queue and ends the goroutine. Later writes are lost.
func (w *Writer) Close() {
	w.Flush()
	w.closed.Do(func() { close(w.quit) })
	w.await(w.ended)
}

// await queues items and waits until done is closed, the writer is stuck, or flushLimit
// has passed.
func (w *Writer) await(done <-chan struct{}, items ...item) {
	limit, check := time.NewTimer(flushLimit), time.NewTicker(stuckLimit/10)
	defer limit.Stop()
	defer check.Stop()
	for {
		var queue chan<- item
		var next item
		if len(items) > 0 {
			queue, next = w.queue, items[0]
		}
		select {
		case queue <- next:
			items = items[1:]
		case <-done:
			return
		case <-w.ended:
			return
		case <-limit.C:
			return
		case <-check.C:
			if w.isStuck() {
				return
			}
		}
	}
}

// isStuck reports whether the current write takes too long.
func (w *Writer) isStuck() bool {
	since := w.writing.Load()
	return since != 0 && time.Since(time.Unix(0, since)) >= stuckLimit
}

func (w *Writer) run() {
	defer close(w.ended)
	check := time.NewTicker(checkInterval)
	defer check.Stop()
	for {
		select {
		case <-w.quit:
			w.closeFile()
			return
		case <-check.C:
			w.reopenMoved()
		case i := <-w.queue:
			w.handle(i)
		}
	}
}

func (w *Writer) handle(i item) {
	if i.do != nil {
		i.do()
		return
	}
	w.bytes.Add(-int64(len(i.line)))
	w.writing.Store(time.Now().UnixNano())
	_, err := w.to.Write(i.line)
	w.writing.Store(0)
	switch {
	case err != nil:
		w.failure = err
		w.fault.Store(&err)
		w.dropped.Add(1)
	case w.fault.Load() != nil:
		w.fault.Store(nil)
	}
	w.reportDropped()
}

// reportDropped reports how many lines were dropped, once the queue is empty and at most
// once per reportInterval.
func (w *Writer) reportDropped() {
	report := w.report.Load()
	if report == nil || len(w.queue) > 0 || w.dropped.Load() == 0 || time.Since(w.reported) < reportInterval {
		return
	}
	why := errTooSlow
	if w.failure != nil {
		why, w.failure = w.failure, nil
	}
	w.reported = time.Now()
	(*report)(w.dropped.Swap(0), why)
}

func (w *Writer) reopenMoved() {
	if f, ok := w.to.(*file); ok {
		f.reopenMoved()
	}
}

func (w *Writer) closeFile() {
	if f, ok := w.to.(*file); ok {
		_ = f.out.Close() // it was only appended to
	}
}
