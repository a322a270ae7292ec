package history

import (
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// item is a request that ended.
type item struct {
	ended   time.Time
	request *event.Request
}

// arrival returns when the request came.
func arrival(i item) time.Time { return i.ended.Add(-time.Duration(i.request.Total)) }

// maxText bounds what callers can make as long as they like, in bytes.
const maxText = 256

func short(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// columns of the table of requests but its key, in the order of [rowValues].
var requestColumns = strings.Fields(`time id client entry method path dialect endpoint model sent route channel key egress status verdict error failed
	stream ttfb total attempts bytes_in bytes_out tokens_in tokens_out tokens_cache_read tokens_cache_write tokens_reasoning cost currency passed_over content`)

var attemptColumns = strings.Fields(`request n channel key sent status verdict means rule egress wait ttfb total undecided`)

func micros(m event.Millis) int64 { return time.Duration(m).Microseconds() }

func rowValues(args []any, i item) []any {
	r := i.request
	var last event.Attempt
	if n := len(r.Attempts); n > 0 {
		last = r.Attempts[n-1]
	}
	cost := sql.NullInt64{Int64: int64(r.Cost), Valid: r.Currency != ""}
	return append(args,
		arrival(i).UnixMilli(), r.ID, r.Client, r.Entry, short(r.Method), short(r.Path), r.Dialect, r.Endpoint, short(r.Model), last.Model, r.Route, r.Channel, r.Key,
		r.Egress, r.Status, last.Means, errorCode(r, last), r.Failed(), r.Stream, micros(r.TTFB), micros(r.Total), len(r.Attempts), r.BytesIn, r.BytesOut,
		int64(r.TokensIn), int64(r.TokensOut), int64(r.TokensCacheRead), int64(r.TokensCacheWrite), int64(r.TokensReasoning), cost, r.Currency, passedOver(r), micros(r.Content))
}

// passedOver returns the list of channels that were passed over, as it is kept.
func passedOver(r *event.Request) string {
	if len(r.PassedOver) == 0 {
		return ""
	}
	text, err := json.Marshal(r.PassedOver)
	if err != nil {
		return ""
	}
	return string(text)
}

// Codes of errors beside those of the program's own answers and what an answer
// means.
const (
	codeGone   = "client_gone"
	codeBroken = "broken_off"
)

// errorCode returns the error of a request without its words: those may be a site's,
// which may quote the request.
func errorCode(r *event.Request, last event.Attempt) string {
	switch {
	case r.Error == "":
		return ""
	case r.Status == 499:
		return codeGone
	case isCode(r.Error):
		return r.Error
	case last.Means != "" && last.Means != "good":
		return last.Means
	}
	return codeBroken
}

// isCode reports whether a text is one of the program's own codes.
func isCode(s string) bool {
	return len(s) < 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

func attemptValues(args []any, request int64, n int, a *event.Attempt) []any {
	return append(args, request, n, a.Channel, a.Key, short(a.Model), a.Status, string(a.Verdict), a.Means, a.Rule, a.Egress, micros(a.Wait), micros(a.TTFB), micros(a.Total), a.Sent)
}
