package history

import (
	"encoding/json"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// Record is a recorded request. In lists, it has no attempts.
type Record struct {
	Time time.Time `json:"time"` // of arrival
	event.Request
	Sent    string `json:"sent,omitempty"`    // the model as sent to the channel, if its name differs
	Verdict string `json:"verdict,omitempty"` // what the last answer means: good, blocked, rate_limited, …
	Failed  bool   `json:"failed"`

	attemptList string // as stored; "" in rows of earlier versions
}

// scanner is a row of a query's result.
type scanner interface{ Scan(to ...any) error }

// read reads a row: seq, then requestColumns.
func (r *Record) read(row scanner) (seq int64, err error) {
	var at, ttfb, content, total int64
	var attempts int
	var cost *int64
	var passed string
	err = row.Scan(&seq, &at, &r.ID, &r.Client, &r.Entry, &r.Method, &r.Path, &r.Dialect, &r.Endpoint, &r.Model, &r.Sent, &r.Route, &r.Channel, &r.Key,
		&r.Egress, &r.Status, &r.Verdict, &r.Error, &r.Failed, &r.Stream, &ttfb, &total, &attempts, &r.BytesIn, &r.BytesOut,
		&r.TokensIn, &r.TokensOut, &r.TokensCacheRead, &r.TokensCacheWrite, &r.TokensReasoning, &cost, &r.Currency, &passed, &content, &r.attemptList, &r.Message)
	r.Time, r.TTFB, r.Content, r.Total = time.UnixMilli(at), ofMicros(ttfb), ofMicros(content), ofMicros(total)
	r.Retries, r.Attempts = max(attempts-1, 0), []event.Attempt{}
	if passed != "" {
		_ = json.Unmarshal([]byte(passed), &r.PassedOver) // unreadable entries are left out
	}
	if cost != nil {
		r.Cost = event.Money(*cost)
	}
	return seq, err
}

func ofMicros(n int64) event.Millis { return event.Millis(time.Duration(n) * time.Microsecond) }

func readAttempt(row scanner) (a event.Attempt, err error) {
	var wait, ttfb, total int64
	err = row.Scan(&a.Channel, &a.Key, &a.Model, &a.Status, &a.Verdict, &a.Means, &a.Rule, &a.Egress, &wait, &ttfb, &total, &a.Sent)
	a.Wait, a.TTFB, a.Total = ofMicros(wait), ofMicros(ttfb), ofMicros(total)
	return a, err
}
