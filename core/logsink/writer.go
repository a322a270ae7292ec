package logsink

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of a queue.
const (
	maxLines = 8192
	maxBytes = 4 << 20
)

const (
	reportInterval = time.Minute      // between two reports of dropped lines
	checkInterval  = 10 * time.Second // between two looks whether the file was moved
	flushLimit     = time.Second
)

// errTooSlow is why lines were dropped when no write failed.
var errTooSlow = errors.New("it could not be written fast enough")

// Writer writes to another writer from a goroutine of its own. Its Write never
// blocks and never fails.
type Writer struct {
	to      io.Writer
	queue   chan item
	bytes   atomic.Int64
	dropped atomic.Uint64
	report  atomic.Pointer[func(lines uint64, why error)]
	quit    chan struct{}
	ended   chan struct{} // the goroutine has ended
	closed  sync.Once

	// Of the goroutine.
	reported time.Time
	failure  error
}

// item is a line to be written, or something to be done between two lines.
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

// Unwrap is the writer that is written to.
func (w *Writer) Unwrap() io.Writer { return w.to }

// Write queues p, or drops it where the queue is full.
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

// Flush waits until all lines written before it have been passed on, but no
// longer than a second.
func (w *Writer) Flush() { w.between(func() {}) }

// between does something in the goroutine, between two lines, and waits for
// that no longer than a second.
func (w *Writer) between(do func()) {
	done := make(chan struct{})
	limit := time.NewTimer(flushLimit)
	defer limit.Stop()
	select {
	case w.queue <- item{do: func() { do(); close(done) }}:
	case <-w.quit:
		return
	case <-limit.C:
		return
	}
	select {
	case <-done:
	case <-limit.C:
	}
}

// Close flushes the queue and ends the goroutine. What is written later is
// lost.
func (w *Writer) Close() {
	w.Flush()
	w.closed.Do(func() { close(w.quit) })
	select {
	case <-w.ended:
	case <-time.After(flushLimit):
	}
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
	if _, err := w.to.Write(i.line); err != nil {
		w.failure = err
		w.dropped.Add(1)
	}
	w.reportDropped()
}

// reportDropped reports lines that were lost, once there is room for a line
// about it, and not too often.
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
