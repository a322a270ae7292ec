package history

import (
	"fmt"
	"slices"
	"time"
)

// sumRow is a row of sums as it is read.
type sumRow struct {
	by       []Dimension
	at       integer // the period
	names    [len(keyColumns)]string
	currency string
	sums     sums
	to       []any // pointers to all of it, in the order of the columns
}

// newSumRow returns a row with these dimensions.
func newSumRow(by []Dimension) *sumRow {
	r := &sumRow{by: by}
	for _, d := range by {
		if d.isTime() {
			r.to = append(r.to, &r.at)
		} else {
			r.to = append(r.to, &r.names[slices.Index(keyColumns[:], d)])
		}
	}
	r.to = r.sums.targets(append(r.to, &r.currency))
	return r
}

// set sets the row to a sum that is not stored in a table.
func (r *sumRow) set(g group, s *sums) {
	r.currency, r.sums = g.currency, *s
	for _, d := range r.by {
		switch d {
		case ByHour:
			r.at = integer(g.hour)
		case ByDay:
			r.at = integer(g.day)
		case ByMonth:
			r.at = integer(g.day / 100)
		default:
			r.names[slices.Index(keyColumns[:], d)] = *g.column(string(d))
		}
	}
}

// key returns the values of [keyColumns].
func (r *sumRow) key(zone *time.Location) [len(keyColumns)]string {
	key, at := r.names, int64(r.at)
	for _, d := range r.by {
		i := slices.Index(keyColumns[:], d)
		switch d {
		case ByHour:
			key[i] = time.UnixMilli(at).In(zone).Format(time.RFC3339)
		case ByDay:
			key[i] = fmt.Sprintf("%04d-%02d-%02d", at/10000, at/100%100, at%100)
		case ByMonth:
			key[i] = fmt.Sprintf("%04d-%02d", at/100, at%100)
		}
	}
	return key
}
