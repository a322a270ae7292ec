package history

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sumTable is a table of sums by hour or day, and by further columns.
type sumTable struct {
	name   string
	period string // the column of the time: "time" or "day"
	by     []string
}

// The tables of sums. Hours are whole hours in UTC, as milliseconds; a day is a number
// such as 20261126, in the time zone of the configuration. Because of the order of
// their columns, sums by time and model, the most frequent query, are read without
// sorting.
var (
	hourly = sumTable{"hourly", "time", []string{"currency", "model", "channel", "key", "client"}}
	daily  = sumTable{"daily", "day", hourly.by}

	// narrow are the tables by day that have few rows per year, the smallest first.
	narrow = []sumTable{
		{"daily_client", "day", []string{"currency", "client"}},
		{"daily_channel", "day", []string{"currency", "channel"}},
		{"daily_model", "day", []string{"currency", "model"}},
		{"daily_key", "day", []string{"currency", "channel", "key"}},
	}

	sumTables = append([]sumTable{hourly, daily}, narrow...)
)

// sumColumns are the columns of totals, in the order of [sums.addTo].
var sumColumns = func() []string {
	columns := []string{
		"requests", "failed", "retries", "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "cost", "unpriced", "ttfb",
	}
	for i := range buckets {
		columns = append(columns, "ttfb_"+strconv.Itoa(i))
	}
	return columns
}()

// dailyFor returns the smallest table by day that has the columns.
func dailyFor(columns []string) sumTable {
	for _, t := range narrow {
		if t.has(columns) {
			return t
		}
	}
	return daily
}

func (t sumTable) has(columns []string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(t.by, c) })
}

func (t sumTable) key() []string { return append([]string{t.period}, t.by...) }

func (t sumTable) create() string {
	columns := []string{t.period + " INTEGER NOT NULL"}
	for _, c := range t.by {
		columns = append(columns, c+" TEXT NOT NULL")
	}
	for _, c := range sumColumns {
		columns = append(columns, c+" INTEGER NOT NULL")
	}
	return fmt.Sprintf("CREATE TABLE %s (\n\t%s,\n\tPRIMARY KEY (%s)\n) WITHOUT ROWID;\n", t.name, strings.Join(columns, ",\n\t"), strings.Join(t.key(), ", "))
}

// fill returns a statement that computes the table from the sums by day.
func (t sumTable) fill() string {
	key := strings.Join(t.key(), ", ")
	columns := strings.Join(sumColumns, ", ")
	return fmt.Sprintf("INSERT INTO %s (%s, %s) SELECT %s%s FROM %s GROUP BY %s;\n", t.name, key, columns, key, sumOf(), daily.name, key)
}

// sumOf returns the sum of every column of totals.
func sumOf() (out string) {
	for _, c := range sumColumns {
		out += fmt.Sprintf(", sum(%s)", c)
	}
	return out
}

// add returns a statement that adds sums to the stored ones.
func (t sumTable) add() string {
	var updates []string
	for _, c := range sumColumns {
		updates = append(updates, fmt.Sprintf("%s = %s + excluded.%s", c, c, c))
	}
	columns := append(t.key(), sumColumns...)
	return insertInto(t.name, columns) + fmt.Sprintf(" ON CONFLICT (%s) DO UPDATE SET %s", strings.Join(t.key(), ", "), strings.Join(updates, ", "))
}

// reduce combines the sums that share a row of the table.
func (t sumTable) reduce(all deltas) deltas {
	out := make(deltas, len(all))
	for g, s := range all {
		to := group{day: g.day}
		if t.period == hourly.period {
			to = group{hour: g.hour}
		}
		for _, c := range t.by {
			*to.column(c) = *g.column(c)
		}
		if sum := out[to]; sum != nil {
			sum.join(s)
		} else {
			copied := *s
			out[to] = &copied
		}
	}
	return out
}

// addKey appends the key of a row to the arguments of a statement.
func (t sumTable) addKey(args *arguments, g group) {
	if t.period == hourly.period {
		args.add(g.hour)
	} else {
		args.add(int64(g.day))
	}
	for _, c := range t.by {
		args.add(*g.column(c))
	}
}

func (g *group) column(name string) *string {
	switch name {
	case "currency":
		return &g.currency
	case "model":
		return &g.model
	case "channel":
		return &g.channel
	case "key":
		return &g.key
	}
	return &g.client
}
