// Package event publishes what happens in the program: a bounded ring of recent
// events, and readers that follow new ones. Publishing never waits for a reader;
// one that falls behind misses events, and is told so.
package event

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Type says what an event is about.
type Type string

// The types of event.
const (
	TypeRequest       Type = "request"        // a request ended
	TypeRetry         Type = "retry"          // an attempt failed and another follows
	TypeHealth        Type = "health"         // a channel went in or out of service
	TypeKey           Type = "key"            // a key became limited, invalid, out of quota, suspect or usable
	TypeChannelToggle Type = "channel_toggle" // a channel was paused or resumed
	TypeReload        Type = "reload"
	TypeTunnel        Type = "tunnel"
	TypePlugin        Type = "plugin" // a plugin process or one of its plans
	TypeClient        Type = "client" // a client has used up its budget
	TypeLog           Type = "log"
	TypeNotice        Type = "notice" // about the event stream itself
)

// CodeKeyTrusted is a code of TypeTunnel in addition to the states of tunnels: the host's key
// was trusted.
const CodeKeyTrusted = "key_trusted"

// CodeBudgetUsedUp is the code of TypeClient.
const CodeBudgetUsedUp = "budget_used_up"

// Level says how serious an event is.
type Level string

// The levels, the least serious first.
const (
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// Levels are all levels in order.
var Levels = []Level{LevelInfo, LevelWarn, LevelError}

// AtLeast reports whether l is at least as serious as least.
func (l Level) AtLeast(least Level) bool {
	return slices.Index(Levels, l) >= slices.Index(Levels, least)
}

// Verdict says what the result of an attempt is about.
type Verdict string

// The verdicts.
const (
	VerdictOK      Verdict = "ok"      // the attempt succeeded
	VerdictChannel Verdict = "channel" // the channel failed
	VerdictKey     Verdict = "key"     // the key was refused
	VerdictRequest Verdict = "request" // the request itself was refused
	VerdictEgress  Verdict = "egress"  // the egress failed, not the site
	VerdictLocal   Verdict = "local"   // this machine failed, for example because of too many open files
	VerdictClient  Verdict = "client"  // the caller disconnected
)

// Answered reports whether the channel worked: it gave a good answer, or refused a wrong
// request.
func (v Verdict) Answered() bool { return v == VerdictOK || v == VerdictRequest }

// Event is one thing that happened. It never contains a body or a secret.
type Event struct {
	ID      uint64    `json:"id"`
	Time    time.Time `json:"time"`
	Type    Type      `json:"type"`
	Level   Level     `json:"level,omitempty"`
	Code    string    `json:"code,omitempty"` // what happened, for programs: a channel.ChangeKind
	Channel string    `json:"channel,omitempty"`
	Key     string    `json:"key,omitempty"`
	Plugin  string    `json:"plugin,omitempty"`
	Enabled *bool     `json:"enabled,omitempty"` // of a channel that was paused or resumed
	Tunnel  string    `json:"tunnel,omitempty"`
	Client  string    `json:"client,omitempty"` // for TypeClient
	Message string    `json:"message,omitempty"`
	Request *Request  `json:"request,omitempty"` // of TypeRequest and TypeRetry
}

// Request is the record of one request of a caller.
type Request struct {
	ID       string `json:"id"`
	Client   string `json:"client,omitempty"` // whose token it was: "default" for proxy.client_tokens, "anonymous" without tokens, "channel-test" for tests of a channel, "" for a request that was refused
	Method   string `json:"method"`
	Path     string `json:"path"`
	Route    string `json:"route,omitempty"`
	Model    string `json:"model,omitempty"`
	Channel  string `json:"channel,omitempty"` // the one that answered
	Key      string `json:"key,omitempty"`
	Status   int    `json:"status"` // 499: the caller disconnected
	Stream   bool   `json:"stream,omitempty"`
	Error    string `json:"error,omitempty"`
	Message  string `json:"message,omitempty"`    // the message to the caller of a request that was refused before any channel was tried
	TTFB     Millis `json:"ttfb_ms"`              // from the arrival of the request to the first byte passed on
	Content  Millis `json:"content_ms,omitempty"` // until the first content: not a keep-alive, nor an event that only opens the answer; 0: none was seen
	Total    Millis `json:"total_ms"`             // until the last
	BytesIn  int64  `json:"bytes_in"`
	BytesOut int64  `json:"bytes_out"`
	Retries  int    `json:"retries"`

	Entry    string `json:"entry,omitempty"`    // the tunnel that it came through; "" for the proxy's own port
	Dialect  string `json:"dialect,omitempty"`  // the API that it uses
	Endpoint string `json:"endpoint,omitempty"` // the kind of endpoint that was requested
	Egress   string `json:"egress,omitempty"`   // how the channel was reached, if not directly

	// What the site reports; 0: it does not.
	TokensIn         uint64 `json:"tokens_in,omitempty"`
	TokensOut        uint64 `json:"tokens_out,omitempty"`
	TokensCacheRead  uint64 `json:"tokens_cache_read,omitempty"`  // of tokens_in
	TokensCacheWrite uint64 `json:"tokens_cache_write,omitempty"` // of tokens_in
	TokensReasoning  uint64 `json:"tokens_reasoning,omitempty"`   // of tokens_out

	Cost     Money  `json:"cost,omitempty"`     // by the prices of the configuration
	Currency string `json:"currency,omitempty"` // of the cost; "": the cost is not known

	Attempts   []Attempt    `json:"attempts"`
	PassedOver []PassedOver `json:"passed_over,omitempty"` // unavailable channels that would or might have been picked instead
}

// PassedOver is a channel that a request was not sent to.
type PassedOver struct {
	Channel string `json:"channel"`
	Why     string `json:"why"`              // a code, such as paused or rate_limited: a channel.Skip
	Reason  string `json:"reason,omitempty"` // the cause, in words

	Keys []PassedOverKey `json:"keys,omitempty"` // at most eight, if none of the channel's keys was usable
}

// PassedOverKey is a key that was not usable.
type PassedOverKey struct {
	Key    string `json:"key"`
	Why    string `json:"why"`              // a code, such as invalid_key or quota_spent: a channel.Skip
	Reason string `json:"reason,omitempty"` // the cause, in words
}

// KeysDiffer reports whether the keys were not usable for different reasons.
func (p *PassedOver) KeysDiffer() bool {
	for _, k := range p.Keys {
		if k.Why != p.Keys[0].Why || k.Reason != p.Keys[0].Reason {
			return true
		}
	}
	return false
}

// Failed reports whether the caller got no answer or an error, unless it disconnected. A
// request that neither failed nor was canceled succeeded.
func (r *Request) Failed() bool {
	return !r.Canceled() && (r.Status >= 400 || r.Status == 0 || r.Error != "")
}

// Canceled reports whether the caller disconnected before the end of the answer.
func (r *Request) Canceled() bool {
	if r.Status == statusClientGone {
		return true
	}
	n := len(r.Attempts)
	return r.Status < 400 && r.Error != "" && n > 0 && r.Attempts[n-1].Verdict == VerdictClient
}

// statusClientGone is the status of a request whose caller disconnected.
const statusClientGone = 499

// Attempt is the record of one delivery to a channel.
type Attempt struct {
	Channel string  `json:"channel"`
	Key     string  `json:"key,omitempty"`
	Egress  string  `json:"egress,omitempty"` // the egress, if the channel has several
	Model   string  `json:"model,omitempty"`  // as sent, where the channel maps it
	Status  int     `json:"status,omitempty"`
	Verdict Verdict `json:"verdict"`
	Means   string  `json:"means,omitempty"` // what the answer means: good, blocked, rate_limited, …
	Rule    string  `json:"rule,omitempty"`  // the rule that decided this
	Error   string  `json:"error,omitempty"`
	Wait    Millis  `json:"wait_ms,omitempty"` // before the attempt
	TTFB    Millis  `json:"ttfb_ms,omitempty"`
	Total   Millis  `json:"total_ms"`
	Sent    bool    `json:"sent,omitempty"`  // it failed after the whole request was sent: the site may still be working on it
	Stale   bool    `json:"stale,omitempty"` // the site had closed the idle connection: the request was sent again over a new one
	Plan    uint64  `json:"plan,omitempty"`
	Reason  string  `json:"reason,omitempty"` // why this channel and key
}

// Millis is a duration that JSON shows in milliseconds.
type Millis time.Duration

// MarshalJSON writes milliseconds with microsecond precision.
func (m Millis) MarshalJSON() ([]byte, error) {
	return appendMillis(nil, time.Duration(m)), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Millis) UnmarshalJSON(b []byte) error {
	d, err := time.ParseDuration(string(b) + "ms")
	*m = Millis(d)
	return err
}

// Money is an amount in billionths of a currency's unit, so that sums are exact.
// JSON shows it in units.
type Money int64

// moneyUnit is one unit of a currency.
const moneyUnit = 1e9

// Units returns the amount in units of the currency.
func (m Money) Units() float64 { return float64(m) / moneyUnit }

// MarshalJSON writes the amount in units.
func (m Money) MarshalJSON() ([]byte, error) {
	sign, n := "", uint64(m)
	if m < 0 {
		sign, n = "-", uint64(-m)
	}
	whole, part := n/moneyUnit, n%moneyUnit
	if part == 0 {
		return fmt.Appendf(nil, "%s%d", sign, whole), nil
	}
	return bytes.TrimRight(fmt.Appendf(nil, "%s%d.%09d", sign, whole, part), "0"), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Money) UnmarshalJSON(b []byte) error {
	units, err := strconv.ParseFloat(string(b), 64)
	*m = Money(math.Round(units * moneyUnit))
	return err
}
