package history

import (
	"database/sql/driver"
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

// arrival returns when the request arrived.
func arrival(i item) time.Time { return i.ended.Add(-time.Duration(i.request.Total)) }

// maxText is the maximum length of texts that callers choose, in bytes.
const maxText = 256

// maxMessage is the maximum length of a message, in bytes.
const maxMessage = 512

func short(s string) string { return cut(s, maxText) }

func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// requestColumns are the columns of the table of requests except its key, in the order
// of [addRow].
var requestColumns = strings.Fields(`time id client entry method path dialect endpoint model sent route channel key egress status verdict error failed
	stream ttfb total attempts bytes_in bytes_out tokens_in tokens_out tokens_cache_read tokens_cache_write tokens_reasoning cost currency passed_over content attempt_list message`)

// attemptColumns are the columns of the table of attempts, which only rows of earlier
// versions have.
var attemptColumns = strings.Fields(`channel key sent status verdict means rule egress wait ttfb total undecided`)

func micros(m event.Millis) int64 { return time.Duration(m).Microseconds() }

// addRow appends the row of a request to the arguments of a statement.
func addRow(args *arguments, i item) {
	r := i.request
	var last event.Attempt
	if n := len(r.Attempts); n > 0 {
		last = r.Attempts[n-1]
	}
	var cost driver.Value // NULL if unknown
	if r.Currency != "" {
		cost = int64(r.Cost)
	}
	args.add(arrival(i).UnixMilli(), r.ID, r.Client, r.Entry, short(r.Method), short(r.Path), r.Dialect, r.Endpoint, short(r.Model), last.Model, r.Route, r.Channel, r.Key,
		r.Egress, int64(r.Status), last.Means, errorCode(r, last), r.Failed(), r.Stream, micros(r.TTFB), micros(r.Total), int64(len(r.Attempts)), r.BytesIn, r.BytesOut,
		int64(r.TokensIn), int64(r.TokensOut), int64(r.TokensCacheRead), int64(r.TokensCacheWrite), int64(r.TokensReasoning), cost, r.Currency, passedOver(r), micros(r.Content), attemptList(r), cut(r.Message, maxMessage)) //nolint:gosec // counts of tokens
}

// passedOver returns the channels that were passed over, as they are stored.
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

// Error codes in addition to those of the program's own answers and of verdicts.
const (
	codeGone   = "client_gone"
	codeBroken = "broken_off"
)

// errorCode returns the error of a request as a code: its text may be a site's, which
// may quote the request.
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

// storedAttempt is an attempt as it is stored. Times are in microseconds.
type storedAttempt struct {
	Channel   string        `json:"channel,omitempty"`
	Key       string        `json:"key,omitempty"`
	Sent      string        `json:"sent,omitempty"` // the model
	Status    int           `json:"status,omitempty"`
	Verdict   event.Verdict `json:"verdict,omitempty"`
	Means     string        `json:"means,omitempty"`
	Rule      string        `json:"rule,omitempty"`
	Egress    string        `json:"egress,omitempty"`
	Wait      int64         `json:"wait,omitempty"`
	TTFB      int64         `json:"ttfb,omitempty"`
	Total     int64         `json:"total,omitempty"`
	Undecided bool          `json:"undecided,omitempty"`
}

// attemptList returns the attempts of a request as they are stored.
func attemptList(r *event.Request) string {
	if len(r.Attempts) == 0 {
		return ""
	}
	var roomy [1]storedAttempt
	kept := roomy[:0]
	for i := range r.Attempts {
		a := &r.Attempts[i]
		kept = append(kept, storedAttempt{a.Channel, a.Key, short(a.Model), a.Status, a.Verdict, a.Means, a.Rule, a.Egress, micros(a.Wait), micros(a.TTFB), micros(a.Total), a.Sent})
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return ""
	}
	return string(text)
}

// attemptsOf parses a stored list of attempts.
func attemptsOf(list string) ([]event.Attempt, error) {
	var kept []storedAttempt
	if err := json.Unmarshal([]byte(list), &kept); err != nil {
		return nil, err
	}
	out := make([]event.Attempt, len(kept))
	for i, a := range kept {
		out[i] = event.Attempt{
			Channel: a.Channel, Key: a.Key, Model: a.Sent, Status: a.Status, Verdict: a.Verdict, Means: a.Means, Rule: a.Rule, Egress: a.Egress,
			Wait: ofMicros(a.Wait), TTFB: ofMicros(a.TTFB), Total: ofMicros(a.Total), Sent: a.Undecided,
		}
	}
	return out, nil
}
