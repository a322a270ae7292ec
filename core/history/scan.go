package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// maxScan is about how many requests are read for one page. Otherwise a search for two
// common names that never occur together would read the whole history, at 1 to 10 µs
// per request, depending on how far apart they are stored.
const maxScan = 5000

// perRead is how many index entries can be read in the time that reading one request
// takes.
const perRead = 8

// source is an index that finds requests, the newest first. The choice decides how
// many requests are read unnecessarily, so each query names its index: without
// statistics, SQLite would read the whole history for two names that rarely occur
// together.
type source struct {
	index string
	term  string // the condition that it satisfies; "": none
	args  []any
	alone bool // the index covers the whole filter: only matching requests are read
}

// sources returns the indexes that can find the requests of a filter, usually the most
// selective first.
func (f Filter) sources() (out []source) {
	if f.Failed || isFailure(f.Status) {
		out = append(out, source{index: "requests_failed", term: "failed", alone: f.Text == "" && !f.Retried})
	}
	for _, name := range []struct{ column, value string }{{"key", f.singleKey()}, {"model", f.Model}, {"channel", f.Channel}, {"client", f.Client}} {
		if name.value != "" && !isPattern(name.value) {
			out = append(out, source{index: "requests_" + name.column, term: name.column + " = ?", args: []any{name.value}})
		}
	}
	if len(out) == 0 {
		out = append(out, source{index: "requests_time"})
	}
	return out
}

// singleKey returns the ID of the key, unless it has had several: their requests are looked for among
// all, as those of a pattern are.
func (f Filter) singleKey() string {
	if len(f.keys) > 0 {
		return ""
	}
	return f.Key
}

// exact reports whether every request that the only source finds matches the filter.
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

// isFailure reports whether only failed requests can have the status, or one of its
// class. 499 is the status of a request whose caller disconnected.
func isFailure(status string) bool {
	return status == "5xx" || len(status) == 3 && (status[0] == '4' || status[0] == '5') && status != "499" && status != "4xx"
}

// search is where to look for the requests of a page.
type search struct {
	source
	bounded bool  // there are too many: only those since floor are read
	floor   int64 // in milliseconds
}

// choose returns how to find the requests of a page: by a source that finds few enough
// to read all of them, or else by the one that reaches back furthest within maxScan.
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

// floor returns the time of the nth request that a source finds; bounded is false if
// it finds fewer.
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
