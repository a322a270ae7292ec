package history

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// writer is the one goroutine that writes. Rows get from the queue to the batch,
// and from there in chunks into the file, each with the sums that it adds to.
type writer struct {
	store *Store
	spare []item // what the queue will be when the batch is written
	batch []item // taken from the queue; not written yet
	sums  deltas // not written yet
	added int    // how many rows at the front of the batch are in the sums
	owed  bool   // the file has rows whose sums are only here
	names names
	lost  uint64 // rows that were dropped and not reported yet

	rate     float64   // rows a second for which it makes room
	madeRoom time.Time // when it did last

	fault    fault     // what is wrong with the file; "" if nothing is
	retryAt  time.Time // while something is wrong
	sumsAt   time.Time // when they are written next
	reportAt time.Time // of what was dropped
	tidyAt   time.Time
}

// Pauses of the writer.
const (
	retryEvery  = 5 * time.Second
	reportEvery = time.Minute
	tidyEvery   = time.Minute

	// restFactor: after a transaction the writer rests for this many times as long as
	// it took, so that a slow disk or a flood of requests costs a quarter of a core at
	// most.
	restFactor = 3
)

func (w *writer) run(ctx context.Context) {
	defer close(w.store.ended)
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			w.flush()
			if err := w.left(); err != nil {
				w.report(event.LevelError, err.Error()+"; they are lost, as the program ends")
			}
			w.close()
			return
		case do := <-w.store.ask:
			do()
		case <-tick.C:
			w.work(ctx)
		case <-w.store.wake:
			w.work(ctx)
		}
	}
}

// work writes what waits, and looks after the file.
func (w *writer) work(ctx context.Context) {
	now := w.store.options.Now()
	if !w.store.settings.Load().Enabled {
		w.flush()
		w.close()
		return
	}
	if w.fault != "" && now.Before(w.retryAt) {
		w.take() // so that what does not fit is counted
		w.reportLost(now)
		return
	}
	if !w.ready() {
		w.take()
		return
	}
	w.take()
	for len(w.batch) > 0 || len(w.sums) > 0 && w.sumsDue() {
		begun := time.Now()
		if !w.commit(w.sumsDue()) {
			break
		}
		if len(w.batch) == 0 {
			break
		}
		rest(ctx, restFactor*time.Since(begun))
	}
	w.reportLost(now)
	if w.fault != "" || now.Before(w.tidyAt) || w.owed && !w.commit(true) {
		return // rows are removed only once they are in the sums
	}
	w.tidyAt = now.Add(tidyEvery)
	w.tidy(ctx)
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// flush writes all that waits without rests.
func (w *writer) flush() {
	w.retryAt = time.Time{}
	for w.take(); len(w.batch) > 0 || len(w.sums) > 0; w.take() {
		if !w.ready() || !w.commit(true) || w.store.abandoned.Load() {
			return
		}
	}
}

// left says what flush could not write, and why; nil if it wrote all.
func (w *writer) left() error {
	rows, why := len(w.batch), cmp.Or(w.fault, "there was no time for it")
	switch {
	case rows == 0 && len(w.sums) == 0:
		return nil
	case rows == 0:
		return fmt.Errorf("sums of requests cannot be written to %s: %s", w.store.path, why)
	}
	w.store.mu.Lock()
	rows += len(w.store.queue)
	w.store.mu.Unlock()
	return fmt.Errorf("the records of %d requests cannot be written to %s: %s", rows, w.store.path, why)
}

// catchUp writes what waits, as far as it gets before ctx ends. A file that cannot be
// written is left alone until its next turn.
func (w *writer) catchUp(ctx context.Context) {
	if w.fault != "" && w.store.options.Now().Before(w.retryAt) {
		return
	}
	for w.take(); len(w.batch) > 0 || len(w.sums) > 0; w.take() {
		if ctx.Err() != nil || !w.ready() || !w.commit(true) {
			return
		}
	}
}

// take moves the queue into the batch, unless that is still full, makes room in the
// queue, and moves the sums of what did not fit into the others.
func (w *writer) take() {
	s := w.store
	s.mu.Lock()
	if len(w.batch) == 0 {
		if len(s.queue) > 0 {
			w.batch, s.queue, w.spare = s.queue, w.spare[:0], s.queue
			w.added = 0
		}
		if now := time.Now(); w.rate*now.Sub(w.madeRoom).Seconds() >= 1 {
			s.room = min(queueSize, s.room+int(w.rate*now.Sub(w.madeRoom).Seconds()))
			w.madeRoom = now
		}
	}
	var overflow deltas
	if len(s.overflow) > 0 {
		overflow, s.overflow = s.overflow, deltas{}
	}
	w.lost += s.dropped
	s.dropped = 0
	s.mu.Unlock()
	w.sums.join(overflow)
}

func (d deltas) join(others deltas) {
	for g, more := range others {
		if s := d[g]; s != nil {
			s.join(more)
		} else {
			d[g] = more
		}
	}
}

// commit writes one chunk, with the last one of the batch all sums if they are wanted; it
// returns false if that is not possible now.
func (w *writer) commit(sums bool) bool {
	chunk := w.batch[:min(len(w.batch), perCommit)]
	zone := w.store.settings.Load().Zone
	for _, i := range chunk[min(w.added, len(chunk)):] {
		w.sums.add(i, zone, w.names.of(i))
	}
	w.added = max(w.added, len(chunk))
	all := w.sums
	if !sums || len(chunk) < len(w.batch) {
		all = nil
	}
	f := w.store.file.Load()
	err := f.keepZone(zone.String())
	if err == nil {
		err = f.write(chunk, all)
	}
	if err != nil {
		w.failed(err)
		return false
	}
	w.wrote()
	w.added -= len(chunk)
	w.batch = w.batch[len(chunk):]
	if all != nil {
		w.wroteSums()
	} else {
		w.owed = true
	}
	clear(chunk) // so that records are not kept alive
	return true
}

// wrote notes that the file works.
func (w *writer) wrote() {
	if w.fault == "" {
		return
	}
	w.fault = ""
	w.store.trouble.Store(nil)
	w.report(event.LevelInfo, "the history can be written again")
}

func (w *writer) report(level event.Level, message string) {
	if w.store.options.Report != nil {
		w.store.options.Report(level, message)
	}
}

// reportLost says once a minute how many rows were dropped.
func (w *writer) reportLost(now time.Time) {
	if w.lost == 0 || now.Before(w.reportAt) {
		return
	}
	w.reportAt = now.Add(reportEvery)
	why := fmt.Sprintf("they came faster than the history writes them (at most %d a second)", int(w.rate))
	if w.fault != "" {
		why = "the file cannot be written"
	}
	w.report(event.LevelWarn, fmt.Sprintf("the history lacks the records of %d requests: %s; hourly and daily sums include them", w.lost, why))
	w.lost = 0
}
