package history

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// writer is the only goroutine that writes. It moves rows from the queue to the batch,
// and writes the batch in chunks, each together with its sums.
type writer struct {
	store *Store
	spare []item // memory for the next queue, once the batch is written
	batch []item // taken from the queue, not yet written
	sums  deltas // not yet written
	added int    // how many rows at the beginning of the batch are in sums
	owed  bool   // the file has rows whose sums are only in memory
	names names
	lost  uint64 // dropped rows that have not been reported yet

	rate     float64   // rows per second for which it makes room
	madeRoom time.Time // when it last did so

	fault    fault     // what is wrong with the file; "" if nothing is
	retryAt  time.Time // when writing is retried, after a fault
	sumsAt   time.Time // when the sums are written next
	reportAt time.Time // when dropped rows are reported next
	tidyAt   time.Time
}

// Pauses of the writer.
const (
	retryEvery  = 5 * time.Second
	reportEvery = time.Minute
	tidyEvery   = time.Minute

	// restFactor is how many times longer than a transaction the pause after it is. It
	// limits the load to a quarter of a core, even with a slow disk or a flood of
	// requests.
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
				w.report(event.LevelError, err.Error()+"; they are lost because the program stops")
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

// work writes queued rows and maintains the file.
func (w *writer) work(ctx context.Context) {
	now := w.store.options.Now()
	if !w.store.settings.Load().Enabled {
		w.flush()
		w.close()
		return
	}
	if w.fault != "" && now.Before(w.retryAt) {
		w.take() // counts what does not fit
		w.reportLost(now)
		return
	}
	if !w.ready() {
		w.take()
		return
	}
	_ = w.store.file.Load().storeKeys(w.store.keys.Load()) // or else with the next rows
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
		return // rows must be in the sums before they are removed
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

// flush writes everything without pauses.
func (w *writer) flush() {
	w.retryAt = time.Time{}
	for w.take(); len(w.batch) > 0 || len(w.sums) > 0; w.take() {
		if !w.ready() || !w.commit(true) || w.store.abandoned.Load() {
			return
		}
	}
}

// left returns what flush could not write and why, nil if it wrote everything.
func (w *writer) left() error {
	rows, why := len(w.batch), cmp.Or(w.fault, "there was not enough time")
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

// catchUp writes as much as it can before ctx ends. If the file cannot be written, it
// returns; the next attempt follows in the next round.
func (w *writer) catchUp(ctx context.Context) {
	if w.fault != "" && w.store.options.Now().Before(w.retryAt) {
		return
	}
	for w.take(); len(w.batch) > 0 || len(w.sums) > 0; w.take() {
		if ctx.Err() != nil || !w.ready() || !w.commit(true) {
			return
		}
	}
	if f := w.store.file.Load(); f != nil {
		_ = f.storeKeys(w.store.keys.Load()) // or else with the next rows
	}
}

// take moves the queue into the batch, unless the batch is still full. It makes room
// in the queue, and adds the sums of dropped rows to the others.
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

// commit writes one chunk; with the last one of the batch, if sums is set, also all
// sums. It returns false if that is impossible now.
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
	err := f.storeZone(zone.String())
	if err == nil {
		err = f.storeKeys(w.store.keys.Load())
	}
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
	clear(chunk) // so that the records can be freed
	return true
}

// wrote records that the file can be written.
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

// reportLost reports once a minute how many rows were dropped.
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
