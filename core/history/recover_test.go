package history

import (
	"fmt"
	"testing"
	"time"
)

// compareSums compares the sums with what the rows add up to.
func (r *rig) compareSums(columns ...string) {
	r.t.Helper()
	for _, c := range columns {
		of := map[string]string{"requests": "count(*)", "retries": "sum(attempts - 1)"}[c]
		if of == "" {
			of = "sum(" + c + ")"
		}
		for _, table := range sumTables {
			var rows, sums int64
			scan(r.t, r.reader().db, fmt.Sprintf("SELECT (SELECT %s FROM requests), (SELECT sum(%s) FROM %s)", of, c, table.name), &rows, &sums)
			if rows != sums {
				r.t.Errorf("%s in %s: %d, the rows have %d", c, table.name, sums, rows)
			}
		}
	}
}

// TestSumsOfAKilledProgram: sums of many keys are written later than the rows. If the program
// ends before that, the next one adds them up, once.
func TestSumsOfAKilledProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	written := 0
	for range 3 {
		killed := newRig(t, dir)
		killed.onWriter(func(w *writer) {
			if !w.ready() {
				t.Error(killed.messages)
				return
			}
			w.sumsAt, w.tidyAt = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
		})
		generated(700, time.Hour, func(i item) { killed.Add(i.ended, i.request) })
		written += 700
		killed.nudge()
		eventually(t, "the rows are written", func() bool { return killed.count("requests") == written })
		killed.onWriter(func(w *writer) {
			if !w.owed || len(w.sums) == 0 {
				t.Error("the sums are written already")
			}
			w.sums, w.owed = deltas{}, false // what a process has in memory ends with it
		})
		killed.stop()
	}
	next := newRig(t, dir)
	next.Add(day0, one("req_last"))
	next.flush()
	next.compareSums("requests", "failed", "retries", "tokens_in", "tokens_out", "cost")
	if n := next.count("unsummed"); n != 0 {
		t.Error("some rows are still noted as missing in the sums")
	}
}

// TestAFileThatIsOpenedAgain while sums are in memory: they are not added twice.
func TestAFileThatIsOpenedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.onWriter(func(w *writer) { w.sumsAt, w.tidyAt = time.Now().Add(time.Hour), time.Now().Add(time.Hour) })
	generated(600, time.Hour, func(i item) { r.Add(i.ended, i.request) })
	r.nudge()
	eventually(t, "the rows are written", func() bool { return r.file.Load() != nil && r.count("requests") == 600 })
	r.onWriter(func(w *writer) { w.close(); w.ready() })
	r.flush()
	r.compareSums("requests", "tokens_in")
}

// onWriter calls f on the goroutine that writes.
func (r *rig) onWriter(f func(*writer)) {
	r.t.Helper()
	r.do(r.t.Context(), func() { f(&r.writer) })
}

// TestSumsOfFewKeysAreWrittenWithTheirRows.
func TestSumsOfFewKeysAreWrittenWithTheirRows(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Add(day0, one("req_1"))
	eventually(t, "the row is written", func() bool { return r.file.Load() != nil && r.count("requests") == 1 })
	if r.count("hourly") != 1 || r.count("unsummed") != 0 {
		t.Error("its sums are not written")
	}
}

// TestManyKeysDelayTheirSums: they cost a fortieth of a core at most.
func TestManyKeysDelayTheirSums(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i := range 2000 {
		q := one(fmt.Sprint("req_", i))
		q.Key = fmt.Sprint("key-", i)
		r.Add(day0, q)
	}
	r.flush()
	r.onWriter(func(w *writer) {
		if wait := time.Until(w.sumsAt); wait < time.Second {
			t.Errorf("the next sums are written in %s already", wait)
		}
	})
	r.Add(day0, one("req_last"))
	r.nudge()
	eventually(t, "the row is written", func() bool { return r.count("requests") == 2001 })
	if got, err := r.ReadFresh(t.Context()); err != nil {
		t.Error(err)
	} else if usage, err := got.Usage(t.Context(), Question{}, day0.AddDate(1, 0, 0)); err != nil || usage.Total.Requests != 2001 {
		t.Errorf("a question sees %+v, %v", usage.Total, err)
	}
}
