package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// maxScan is about how many requests are read for one page. Two common names that never
// occur together would otherwise have the whole history read, at 1 to 10 µs a request,
// depending on how far apart they are.
const maxScan = 5000

// perRead is how many entries of an index cost about as much as reading one request.
const perRead = 8

// source is an index that finds requests, the newest first. Which one is used decides how
// many requests are read in vain, so it is named in each query: SQLite's own choice, without
// statistics, reads the whole history for two names that are rare together.
type source struct {
	index string
	term  string // what it finds; "": all
	args  []any
	alone bool // the index has all that the filter is about: only requests that match are read
}

// sources returns the indexes that find the requests of a filter, those that find the
// fewest first, as a rule.
func (f Filter) sources() (out []source) {
	if f.Failed || isFailure(f.Status) {
		out = append(out, source{index: "requests_failed", term: "failed", alone: f.Text == "" && !f.Retried})
	}
	for _, name := range []struct{ column, value string }{{"key", f.Key}, {"model", f.Model}, {"channel", f.Channel}, {"client", f.Client}} {
		if name.value != "" && !isPattern(name.value) {
			out = append(out, source{index: "requests_" + name.column, term: name.column + " = ?", args: []any{name.value}})
		}
	}
	if len(out) == 0 {
		out = append(out, source{index: "requests_time"})
	}
	return out
}

// exact reports whether each request that the only source finds matches the filter.
func (f Filter) exact() bool {
	terms := 0
	for _, set := range []bool{f.Failed, f.Retried, f.Client != "", f.Channel != "", f.Key != "", f.Model != "", f.Status != "", f.Verdict != "", f.Text != ""} {
		if set {
			terms++
		}
	}
	if f.sources()[0].term != "" {
		return terms == 1 && f.Status == ""
	}
	return terms == 0
}

// isFailure reports whether only requests that failed have the status, or one of the
// class. 499 is that of a request whose caller went away.
func isFailure(status string) bool {
	return status == "5xx" || len(status) == 3 && (status[0] == '4' || status[0] == '5') && status != "499" && status != "4xx"
}

// search is where the requests of a page are looked for.
type search struct {
	source
	bounded bool  // there are very many: they are read down to the time
	floor   int64 // in milliseconds
}

// choose returns how to find the requests of a page: by the source that finds very few, or
// few enough to read them all, or the one that comes back furthest with maxScan of them.
func (r *Reader) choose(ctx context.Context, f Filter, within condition) (search, error) {
	sources := f.sources()
	if f.exact() {
		return search{source: sources[0]}, nil
	}
	most := cmp.Or(r.scan, maxScan)
	var best search
	for _, n := range []int{most / 20, most} {
		best = search{}
		for _, s := range sources {
			floor, bounded, err := r.floor(ctx, s, within, n)
			if err != nil || !bounded {
				return search{source: s}, err
			}
			if best.index == "" || floor < best.floor {
				best = search{s, true, floor}
			}
		}
	}
	return best, nil
}

// floor returns the time of the nth request that a source finds; bounded is false if it
// does not find as many.
func (r *Reader) floor(ctx context.Context, s source, within condition, n int) (floor int64, bounded bool, err error) {
	if s.alone {
		n *= perRead
	}
	if s.term != "" {
		within.add(s.term, s.args...)
	}
	err = r.db.QueryRowContext(ctx, "SELECT time FROM requests INDEXED BY "+s.index+within.where()+" ORDER BY time DESC LIMIT 1 OFFSET "+strconv.Itoa(n-1), within.args...).Scan(&floor)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return floor, err == nil, err
}
