package history

import (
	"context"
	"time"
)

// With many keys in use, sums cost much more than the rows that they are of, so they
// are written less often. Until then the table unsummed holds the number of the first row
// that is not in the sums, so that a program that was killed in between loses none: the
// next one adds them up from the rows.

// noteUnsummed notes the next row as the first one, unless there is one already.
const noteUnsummed = `INSERT INTO unsummed (id, first) SELECT 1, (SELECT coalesce(max(seq), 0) + 1 FROM requests) WHERE NOT EXISTS (SELECT 1 FROM unsummed)`

// recoverSums adds what a killed program left out to the sums.
func (w *writer) recoverSums(f *file) error {
	ctx := context.Background()
	zone := w.store.settings.Load().Zone
	rows, err := f.writing.QueryContext(ctx, selectRequests+" WHERE seq >= (SELECT first FROM unsummed)")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	missing, known := deltas{}, names{}
	for rows.Next() {
		var r Record
		if _, err := r.read(rows); err != nil {
			return err
		}
		i := item{r.Time.Add(time.Duration(r.Total)), &r.Request}
		missing.add(i, zone, known.of(i))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil || len(missing) == 0 {
		return err
	}
	return f.write(nil, missing)
}

// sumsDue reports whether it is time to write the sums.
func (w *writer) sumsDue() bool { return !time.Now().Before(w.sumsAt) }

// A group of sums costs about 0.1 ms of CPU time, so that sums take a fortieth of a core,
// unless that would be more than a minute for all.
const (
	perGroup   = 4 * time.Millisecond
	sumsAtMost = time.Minute
)

// wroteSums notes that all sums have been written.
func (w *writer) wroteSums() {
	w.sumsAt = time.Now().Add(min(sumsAtMost, perGroup*time.Duration(len(w.sums))))
	w.owed = false
	clear(w.sums)
}
