package history

import (
	"context"
	"fmt"
	"time"
)

// keepSums is how long sums are kept.
const keepSums = 2 * 366 * 24 * time.Hour

// perRemoval is how many rows are removed in one transaction: readers and the writer
// never wait longer than that takes.
const perRemoval = 2000

// tidy removes records that are too old, or for which there is no space.
func (w *writer) tidy(ctx context.Context) {
	s, f := w.store.settings.Load(), w.store.file.Load()
	if f == nil {
		return
	}
	now := w.store.options.Now()
	err := f.removeBefore(ctx, now.Add(-s.Keep))
	if err == nil {
		err = f.shrink(ctx, s.MaxSize)
	}
	if err == nil {
		err = f.removeSums(now.Add(-keepSums).In(s.Zone))
	}
	if err == nil {
		_, err = f.writing.ExecContext(context.Background(), "PRAGMA incremental_vacuum(2000); PRAGMA optimize;")
	}
	if err != nil {
		w.failed(err)
	}
}

// removeBefore removes the records of requests that arrived before a time.
func (f *file) removeBefore(ctx context.Context, t time.Time) error {
	for ctx.Err() == nil {
		n, err := f.removeSome("time < ? ORDER BY time", t.UnixMilli())
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// removeSome removes some requests with their attempts. It is not canceled when the
// program stops: a canceled call would leave a connection open for a moment.
func (f *file) removeSome(where string, args ...any) (int64, error) {
	ctx := context.Background()
	tx, err := f.writing.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	chosen := fmt.Sprintf("SELECT seq FROM requests WHERE %s LIMIT %d", where, perRemoval)
	if _, err := tx.ExecContext(ctx, "DELETE FROM attempts WHERE request IN ("+chosen+")", args...); err != nil {
		return 0, err
	}
	removed, err := tx.ExecContext(ctx, "DELETE FROM requests WHERE seq IN ("+chosen+")", args...)
	if err != nil {
		return 0, err
	}
	n, err := removed.RowsAffected()
	if err != nil {
		return 0, err
	}
	return n, tx.Commit()
}

// shrink removes the oldest records until the file has room again. It leaves a few
// percent free, so that this is rarely needed.
func (f *file) shrink(ctx context.Context, most int64) error {
	used, err := f.used()
	if err != nil || used <= most {
		return err
	}
	for used > most-most/20 && ctx.Err() == nil {
		n, err := f.removeSome("true ORDER BY time")
		if err != nil || n == 0 {
			return err
		}
		if used, err = f.used(); err != nil {
			return err
		}
	}
	return nil
}

// used returns how many bytes of the file contain data.
func (f *file) used() (bytes int64, err error) {
	var pages, free, size int64
	err = f.writing.QueryRowContext(context.Background(), "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&pages, &free, &size)
	return (pages - free) * size, err
}

func (f *file) removeSums(before time.Time) error {
	for _, t := range sumTables {
		from := int64(dayOf(before))
		if t.period == hourly.period {
			from = before.Truncate(time.Hour).UnixMilli()
		}
		if _, err := f.writing.ExecContext(context.Background(), fmt.Sprintf("DELETE FROM %s WHERE %s < ?", t.name, t.period), from); err != nil {
			return err
		}
	}
	return nil
}

// dayOf returns the day of a time in its zone, as a number such as 20261126.
func dayOf(t time.Time) int {
	year, month, day := t.Date()
	return year*10000 + int(month)*100 + day
}
