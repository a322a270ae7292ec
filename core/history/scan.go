package history

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// maxScan is about how many requests are read for one page. Two common names that never
// occur together would otherwise have the whole history read, at about a microsecond a
// request.
const maxScan = 20_000

// reads reports whether requests must be read to know whether they match: those that the
// index finds may not.
func (f Filter) reads() bool {
	if f.index() == "failed" {
		return f.Text != "" || f.Retried // the index has all other columns
	}
	terms := 0
	if f.Retried {
		terms++
	}
	for _, value := range []string{f.Client, f.Channel, f.Key, f.Model, f.Status, f.Verdict, f.Text} {
		if value != "" {
			terms++
		}
	}
	if f.index() != "" {
		terms--
	}
	return terms > 0
}

// scanned is the condition of the requests that the index finds.
func (f Filter) scanned() (c condition) {
	if !f.From.IsZero() {
		c.add("time >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		c.add("time < ?", f.To.UnixMilli())
	}
	switch f.index() {
	case "failed":
		c.add("failed")
	case "key":
		c.add("key = ?", f.Key)
	case "model":
		c.add("model = ?", f.Model)
	case "channel":
		c.add("channel = ?", f.Channel)
	case "client":
		c.add("client = ?", f.Client)
	}
	return c
}

// scanFloor returns the time down to which requests are read for a page; bounded is
// false if they are few enough to read them all.
func (r *Reader) scanFloor(ctx context.Context, f Filter, within condition) (floor int64, bounded bool, err error) {
	if !f.reads() {
		return 0, false, nil
	}
	most := r.scan
	if most == 0 {
		most = maxScan
	}
	err = r.db.QueryRowContext(ctx, "SELECT time FROM requests"+within.where()+" ORDER BY time DESC, seq DESC LIMIT 1 OFFSET "+strconv.Itoa(most-1), within.args...).Scan(&floor)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return floor, err == nil, err
}
