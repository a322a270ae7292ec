package history

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// With many keys in use, writing the sums costs much more than writing the rows, so
// sums are written less often. Until then, the table unsummed contains the number of
// the first row that is not in the sums: readers add the rows from there to the stored
// sums. If the program is killed in between, the next one adds them.

// markUnsummed stores the number of the next row as the first that is not in the sums,
// unless there is one already.
const markUnsummed = `INSERT INTO unsummed (id, first) SELECT 1, (SELECT coalesce(max(seq), 0) + 1 FROM requests) WHERE NOT EXISTS (SELECT 1 FROM unsummed)`

// recoverSums adds the rows that a killed program did not add to the sums.
func (w *writer) recoverSums(f *file) error {
	missing, err := missingSums(context.Background(), f.writing, w.store.settings.Load().Zone)
	if err != nil || len(missing) == 0 {
		return err
	}
	return f.write(nil, missing)
}

// querier is a connection pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// missingSums adds up the rows that are not in the sums.
func missingSums(ctx context.Context, from querier, zone *time.Location) (deltas, error) {
	rows, err := from.QueryContext(ctx, selectRequests+" WHERE seq >= (SELECT first FROM unsummed)")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	missing, known := deltas{}, names{}
	for rows.Next() {
		var r Record
		if _, err := r.read(rows); err != nil {
			return nil, err
		}
		i := item{r.Time.Add(time.Duration(r.Total)), &r.Request}
		missing.add(i, zone, known.of(i))
	}
	return missing, errors.Join(rows.Err(), rows.Close())
}

// includes reports whether the question is about the sums of a group.
func (q UsageQuery) includes(g group, s span) bool {
	if s.daily {
		if g.day < dayOf(s.from) && !s.from.IsZero() || g.day >= dayOf(s.to) {
			return false
		}
	} else if g.hour < s.from.UnixMilli() || g.hour >= s.to.UnixMilli() {
		return false
	}
	return (!q.unpriced || g.currency == "") && matches(q.Client, g.client) && matches(q.Channel, g.channel) && (matches(q.Key, g.key) || slices.Contains(q.keys, g.key)) && matches(q.Model, g.model)
}

// matches is the equivalent of [condition.name] for a name in memory.
func matches(wanted, name string) bool {
	if wanted == "" || !isPattern(wanted) {
		return wanted == "" || wanted == name
	}
	parts := strings.Split(wanted, "*")
	last := len(parts) - 1
	name, found := strings.CutPrefix(name, parts[0])
	if found {
		name, found = strings.CutSuffix(name, parts[last])
	}
	for _, part := range parts[1:last] {
		if found {
			_, name, found = strings.Cut(name, part)
		}
	}
	return found
}

// sumsDue reports whether it is time to write the sums.
func (w *writer) sumsDue() bool { return !time.Now().Before(w.sumsAt) }

// Writing a group of sums takes about 0.1 ms of CPU time. The pauses limit this to a
// fortieth of a core, but are never longer than a minute.
const (
	perGroup   = 4 * time.Millisecond
	sumsAtMost = time.Minute
)

// wroteSums records that all sums have been written.
func (w *writer) wroteSums() {
	w.sumsAt = time.Now().Add(min(sumsAtMost, perGroup*time.Duration(len(w.sums))))
	w.owed = false
	clear(w.sums)
}
