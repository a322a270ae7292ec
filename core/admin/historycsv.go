package admin

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

var recordColumns = []string{
	"time", "id", "client", "entry", "method", "path", "dialect", "endpoint", "model", "sent", "route", "channel", "key", "egress", "status", "verdict", "error", "stream",
	"ttfb_ms", "total_ms", "retries", "bytes_in", "bytes_out", "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "cost", "currency", "content_ms",
}

func recordCells(r history.Record) []string {
	cost := ""
	if r.Currency != "" {
		cost = text(r.Cost)
	}
	return []string{
		r.Time.UTC().Format(time.RFC3339Nano), r.ID, r.Client, r.Entry, r.Method, r.Path, r.Dialect, r.Endpoint, r.Model, r.Sent, r.Route, r.Channel, r.Key, r.Egress,
		strconv.Itoa(r.Status), r.Verdict, r.Error, strconv.FormatBool(r.Stream), text(r.TTFB), text(r.Total), strconv.Itoa(r.Retries), text(r.BytesIn), text(r.BytesOut),
		text(r.TokensIn), text(r.TokensOut), text(r.TokensCacheRead), text(r.TokensCacheWrite), text(r.TokensReasoning), cost, r.Currency, text(r.Content),
	}
}

// text returns a number in the format of JSON.
func text[T int64 | uint64 | event.Millis | event.Money](n T) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// usageColumns returns the columns of a table by some dimensions. As there may be several
// currencies, costs have one column for the amounts and one for the currencies.
func usageColumns(by []history.Dimension) []string {
	var columns []string
	for _, d := range by {
		columns = append(columns, string(d))
	}
	return append(columns, "requests", "failed", "retries", "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning",
		"cost", "currency", "unpriced", "p50_ms", "p90_ms", "p99_ms", "estimate", "estimate_currency", "estimated", "key_name")
}

func usageCells(r history.UsageRow, by []history.Dimension) []string {
	var cells []string
	for _, d := range by {
		cells = append(cells, r.Of(d))
	}
	cost, currency := costCells(r.Cost)
	estimate, of := costCells(r.Estimate)
	return append(cells, text(r.Requests), text(r.Failed), text(r.Retries), text(r.TokensIn), text(r.TokensOut), text(r.TokensCacheRead), text(r.TokensCacheWrite), text(r.TokensReasoning),
		cost, currency, text(r.Unpriced), text(r.P50), text(r.P90), text(r.P99), estimate, of, text(r.Estimated), r.KeyName)
}

func costCells(costs []history.Cost) (amounts, currencies string) {
	var n, of []string
	for _, c := range costs {
		n, of = append(n, text(c.Amount)), append(of, c.Currency)
	}
	return strings.Join(n, " "), strings.Join(of, " ")
}
