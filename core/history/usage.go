package history

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// Dimension is a dimension by which usage can be grouped.
type Dimension string

// The dimensions.
const (
	ByHour    Dimension = "hour"
	ByDay     Dimension = "day"
	ByMonth   Dimension = "month"
	ByClient  Dimension = "client"
	ByChannel Dimension = "channel"
	ByKey     Dimension = "key"
	ByModel   Dimension = "model"
)

// Dimensions are all dimensions.
var Dimensions = []Dimension{ByHour, ByDay, ByMonth, ByClient, ByChannel, ByKey, ByModel}

// isTime reports whether the dimension is a period of time.
func (d Dimension) isTime() bool { return d == ByHour || d == ByDay || d == ByMonth }

// UsageQuery is a query for usage.
type UsageQuery struct {
	Filter // only its times and names are used
	By     []Dimension

	unpriced bool // only requests that ended without a price
	keyNames keyNames
}

// Usage is the answer to a [UsageQuery].
type Usage struct {
	From   time.Time   `json:"from"` // the requested period, rounded to whole hours or days; the zero time: everything
	To     time.Time   `json:"to"`
	By     []Dimension `json:"by"`
	Rows   []UsageRow  `json:"rows"` // in the order of By
	Total  UsageSums   `json:"total"`
	Before *UsageSums  `json:"before"` // the total of the preceding period of the same length; null if the period is everything
}

// UsageRow is the usage of one combination of the requested dimensions.
type UsageRow struct {
	Hour    string `json:"hour,omitempty"`  // its beginning, in RFC 3339
	Day     string `json:"day,omitempty"`   // as in 2026-11-26
	Month   string `json:"month,omitempty"` // as in 2026-11
	Client  string `json:"client,omitempty"`
	Channel string `json:"channel,omitempty"`
	Key     string `json:"key,omitempty"` // its ID at present
	Model   string `json:"model,omitempty"`

	KeyName    string `json:"key_name,omitempty"`    // what lists call the key
	KeyRemoved bool   `json:"key_removed,omitempty"` // there is no such key any more
	UsageSums
}

// UsageSums are the totals of requests. Latencies are times to the first byte.
type UsageSums struct {
	Requests         int64        `json:"requests"`
	Failed           int64        `json:"failed"`
	Retries          int64        `json:"retries"`
	TokensIn         int64        `json:"tokens_in"`
	TokensOut        int64        `json:"tokens_out"`
	TokensCacheRead  int64        `json:"tokens_cache_read"`  // of tokens_in
	TokensCacheWrite int64        `json:"tokens_cache_write"` // of tokens_in
	TokensReasoning  int64        `json:"tokens_reasoning"`   // of tokens_out
	Cost             []Cost       `json:"cost"`               // by currency; empty: unknown
	Unpriced         int64        `json:"unpriced"`           // requests whose cost is unknown
	UnpricedTokens   int64        `json:"unpriced_tokens"`    // their tokens; 0: the sites sent no token counts for them
	Estimate         []Cost       `json:"estimate"`           // by currency: what some of those cost by the prices of today
	Estimated        int64        `json:"estimated"`          // how many of the unpriced requests that includes
	P50              event.Millis `json:"p50_ms"`
	P90              event.Millis `json:"p90_ms"`
	P99              event.Millis `json:"p99_ms"`
}

// Cost is an amount of money.
type Cost struct {
	Amount   event.Money `json:"amount"`
	Currency string      `json:"currency"`
}

// tally collects the sums of one row.
type tally struct {
	key  [len(keyColumns)]string
	sums sums
	cost map[string]int64

	unpriced int64 // tokens without a price

	estimate  map[string]int64 // by currency
	estimated int64            // requests
}

// keyColumns are the dimensions that identify a row, in the order of [Dimensions].
var keyColumns = [7]Dimension{ByHour, ByDay, ByMonth, ByClient, ByChannel, ByKey, ByModel}

func (t *tally) show() UsageSums {
	s := t.sums
	out := UsageSums{
		Requests: s.requests, Failed: s.failed, Retries: s.retries, TokensIn: s.input, TokensOut: s.output,
		TokensCacheRead: s.cacheRead, TokensCacheWrite: s.cacheWrite, TokensReasoning: s.reasoning, Unpriced: s.unpriced, UnpricedTokens: t.unpriced, Cost: costs(t.cost), Estimate: costs(t.estimate), Estimated: t.estimated,
		P50: event.Millis(quantile(s.latency[:], 0.5)), P90: event.Millis(quantile(s.latency[:], 0.9)), P99: event.Millis(quantile(s.latency[:], 0.99)),
	}
	return out
}

func costs(by map[string]int64) []Cost {
	out := []Cost{}
	for _, currency := range slices.Sorted(maps.Keys(by)) {
		out = append(out, Cost{event.Money(by[currency]), currency})
	}
	return out
}

func (t *tally) join(currency string, s *sums) {
	t.sums.join(s)
	if currency == "" {
		t.unpriced += s.input + s.output
		return
	}
	if t.cost == nil {
		t.cost = map[string]int64{}
	}
	t.cost[currency] += s.cost
}

// dailyFrom is the length from which a period is rounded to days, and read from the
// sums by day.
const dailyFrom = 48 * time.Hour

// Usage returns the sums for a query. The period is extended to whole hours; if it
// is long, or grouped by days or months, to whole days.
func (r *Reader) Usage(ctx context.Context, q UsageQuery, now time.Time) (Usage, error) {
	if err := q.check(); err != nil {
		return Usage{}, err
	}
	span := q.span(now, r.zone)
	from, err := r.db.BeginTx(ctx, nil) // a consistent view of the sums and the rows not yet in them
	if err != nil {
		return Usage{}, err
	}
	defer func() { _ = from.Rollback() }()
	missing, err := missingSums(ctx, from, r.zone)
	if err == nil {
		q.Filter, err = q.withIDs(ctx, from)
	}
	if err == nil && slices.Contains(q.By, ByKey) {
		q.keyNames, err = readKeys(ctx, from)
	}
	if err != nil {
		return Usage{}, err
	}
	rows, total, err := r.tallies(ctx, from, missing, q, span)
	if err == nil {
		err = r.estimate(ctx, from, missing, q, span, rows, total)
	}
	if err != nil {
		return Usage{}, err
	}
	out := Usage{From: span.from, To: span.to, By: append([]Dimension{}, q.By...), Rows: []UsageRow{}, Total: total.show()}
	for _, t := range rows {
		row := t.row()
		row.KeyName, row.KeyRemoved = q.keyNames.name(row.Channel, row.Key)
		out.Rows = append(out.Rows, row)
	}
	if !span.from.IsZero() {
		past := UsageQuery{Filter: q.Filter}
		_, before, err := r.tallies(ctx, from, missing, past, span.before(r.zone))
		if err == nil {
			err = r.estimate(ctx, from, missing, past, span.before(r.zone), nil, before)
		}
		if err != nil {
			return Usage{}, err
		}
		shown := before.show()
		out.Before = &shown
	}
	return out, nil
}

func (q UsageQuery) check() error {
	times := 0
	for i, d := range q.By {
		if !slices.Contains(Dimensions, d) {
			return &QueryError{fmt.Sprintf("cannot group by %q: expected some of hour, day, month, client, channel, key and model", d)}
		}
		if slices.Contains(q.By[:i], d) {
			return &QueryError{fmt.Sprintf("%q is named twice", d)}
		}
		if d.isTime() {
			times++
		}
	}
	if times > 1 {
		return &QueryError{"use only one of hour, day and month"}
	}
	if q.Status != "" || q.Verdict != "" || q.Text != "" || q.Failed || q.Retried {
		return &QueryError{"sums are kept by client, channel, key and model only"}
	}
	if !q.To.IsZero() && !q.From.Before(q.To) {
		return &QueryError{"the period is empty: it must end after it begins (the end is not included)"}
	}
	return nil
}

// tallies reads sums and adds those that are not stored yet.
func (r *Reader) tallies(ctx context.Context, from querier, missing deltas, q UsageQuery, s span) ([]*tally, *tally, error) {
	query, args := q.query(s)
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	found, total := map[[len(keyColumns)]string]*tally{}, &tally{}
	one := newSumRow(q.By)
	join := func() {
		key := one.key(r.zone)
		if i := slices.Index(keyColumns[:], ByKey); key[i] != "" {
			key[i] = q.keyNames.follow(key[slices.Index(keyColumns[:], ByChannel)], key[i])
		}
		t := found[key]
		if t == nil {
			t = &tally{key: key}
			found[key] = t
		}
		t.join(one.currency, &one.sums)
		total.join(one.currency, &one.sums)
	}
	for rows.Next() {
		if err := rows.Scan(one.to...); err != nil {
			return nil, nil, err
		}
		join()
	}
	for g, sum := range missing {
		if q.includes(g, s) {
			one.set(g, sum)
			join()
		}
	}
	out := slices.Collect(maps.Values(found))
	slices.SortFunc(out, func(a, b *tally) int {
		for _, d := range q.By {
			i := slices.Index(keyColumns[:], d)
			if n := cmp.Compare(a.key[i], b.key[i]); n != 0 {
				return n
			}
		}
		return 0
	})
	return out, total, rows.Err()
}

// query reads the sums from the smallest table that has them.
func (q UsageQuery) query(s span) (query string, args []any) {
	var c condition
	c.names(q.Filter)
	if q.unpriced {
		c.add("currency = ''")
	}
	table := hourly
	if s.daily {
		table = dailyFor(append(q.columns(), c.columns...))
		if !s.from.IsZero() {
			c.add("day >= ?", dayOf(s.from))
		}
		c.add("day < ?", dayOf(s.to))
	} else {
		c.add("time >= ? AND time < ?", s.from.UnixMilli(), s.to.UnixMilli())
	}
	var keys []string
	for _, d := range q.By {
		switch d {
		case ByHour, ByDay:
			keys = append(keys, table.period)
		case ByMonth:
			keys = append(keys, "day/100")
		default:
			keys = append(keys, string(d))
		}
	}
	keys = append(keys, "currency")
	// SQLite groups without sorting if this is the order of the table's key.
	order := slices.Clone(keys)
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(slices.Index(table.by, a), slices.Index(table.by, b)) })
	return fmt.Sprintf("SELECT %s%s FROM %s%s GROUP BY %s", strings.Join(keys, ", "), sumOf(), table.name, c.where(), strings.Join(order, ", ")), c.args
}

// columns returns the dimensions to group by, without time.
func (q UsageQuery) columns() (out []string) {
	for _, d := range q.By {
		if !d.isTime() {
			out = append(out, string(d))
		}
	}
	return out
}

func (t *tally) row() UsageRow {
	return UsageRow{Hour: t.key[0], Day: t.key[1], Month: t.key[2], Client: t.key[3], Channel: t.key[4], Key: t.key[5], Model: t.key[6], UsageSums: t.show()}
}

// Of returns the row's value of a dimension.
func (r *UsageRow) Of(d Dimension) string {
	switch d {
	case ByHour:
		return r.Hour
	case ByDay:
		return r.Day
	case ByMonth:
		return r.Month
	case ByClient:
		return r.Client
	case ByChannel:
		return r.Channel
	case ByKey:
		return r.Key
	}
	return r.Model
}
