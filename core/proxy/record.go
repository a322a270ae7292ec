package proxy

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/sdk"
)

// entryKey is the key in a context of the tunnel that the request came through.
type entryKey struct{}

// ThroughTunnel returns a handler for requests that come through a tunnel. Their records contain
// its name.
func ThroughTunnel(tunnel string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), entryKey{}, tunnel)))
	})
}

// newRecord begins the record of a request. It is allocated with one attempt, which
// is usually enough. It is kept for a long time, so it refers to nothing else of the request.
func newRecord(r *http.Request) *event.Request {
	var roomy struct {
		event.Request
		first [1]event.Attempt
	}
	entry, _ := r.Context().Value(entryKey{}).(string)
	roomy.Request = event.Request{ID: requestID(), Method: r.Method, Path: r.URL.Path, Entry: entry, Attempts: roomy.first[:0]}
	return &roomy.Request
}

// recordAttempt adds the attempt that just ended to the request's record.
func (x *exchange) recordAttempt(o *outcome) {
	a := x.attempt
	e := event.Attempt{
		Channel: a.channel,
		Status:  a.status,
		Verdict: o.concerns(),
		Means:   string(o.verdict.Means),
		Rule:    o.verdict.Rule,
		Error:   o.reason(),
		Wait:    event.Millis(a.waited),
		TTFB:    event.Millis(a.ttfb),
		Total:   event.Millis(time.Since(a.begun)),
		Sent:    o.undecided,
		Stale:   a.stale,
		Egress:  a.egress.name,
		Plan:    x.pick.Plan,
		Reason:  x.pick.Reason,
		Key:     a.keyID,
	}
	if m := x.sentModel(); m != x.record.Model {
		e.Model = m
	}
	x.record.Attempts = append(x.record.Attempts, e)
}

// recordPassedOver adds the channels that were not available.
func (x *exchange) recordPassedOver(all []route.Skipped) {
	for _, s := range all {
		p := event.PassedOver{Channel: s.Channel, Why: string(s.Why), Reason: s.Cause}
		for _, k := range s.Keys {
			p.Keys = append(p.Keys, event.PassedOverKey{Key: k.Key, Why: string(k.Why), Reason: k.Cause})
		}
		x.record.PassedOver = append(x.record.PassedOver, p)
	}
}

// concerns returns what the outcome is about.
func (o *outcome) concerns() event.Verdict {
	switch o.verdict.Means {
	case verdict.Good:
		return event.VerdictOK
	case verdict.Broken:
		switch {
		case o.ofEgress:
			return event.VerdictEgress
		case o.local:
			return event.VerdictLocal
		}
		return event.VerdictChannel
	case verdict.Blocked, verdict.Overloaded:
		return event.VerdictChannel
	case verdict.RateLimited, verdict.QuotaSpent, verdict.InvalidKey, verdict.NoAccess:
		return event.VerdictKey
	case "":
		return event.VerdictClient
	}
	return event.VerdictRequest
}

// reason returns why the attempt failed; "" if it succeeded.
func (o *outcome) reason() string {
	if o.gone {
		return "the caller disconnected"
	}
	return o.verdict.Reason
}

// publish publishes the record of the request that ended. If a compressed answer must
// be examined first, that happens in the background.
func (x *exchange) publish() {
	x.record.Total = event.Millis(time.Since(x.arrived))
	observe := x.walk.Observer()
	if x.usage.Deferred() {
		go x.publishRecord(observe)
		return
	}
	x.publishRecord(observe)
}

// observed returns the record for a strategy.
func (x *exchange) observed() sdk.RequestResult {
	r := x.record
	return sdk.RequestResult{
		Channel: r.Channel, Status: r.Status, Attempts: len(r.Attempts), TTFB: time.Duration(r.TTFB), Duration: time.Duration(r.Total),
		TokensIn: r.TokensIn, TokensOut: r.TokensOut, Cost: r.Cost.Units(), At: x.arrived,
	}
}

func (x *exchange) publishRecord(observe func(sdk.RequestResult)) {
	r, t := x.record, x.usage.Tokens()
	r.TokensIn, r.TokensOut = t.Input, t.Output
	r.TokensCacheRead, r.TokensCacheWrite, r.TokensReasoning = t.CacheRead, t.CacheWrite, t.Reasoning
	r.Retries = max(len(r.Attempts)-1, 0)
	if n := len(r.Attempts); n > 0 {
		r.Egress = r.Attempts[n-1].Egress
	}
	r.Dialect, r.Endpoint = x.dialect.String(), string(x.endpoint)
	x.recordCost(t)
	x.recordUse(t)
	hideKeys(r)
	e := event.Event{Type: event.TypeRequest, Level: levelOf(r.Status), Channel: r.Channel, Key: r.Key, Request: r}
	if n := len(r.Attempts); n > 0 && r.Channel == "" {
		e.Channel, e.Key = r.Attempts[n-1].Channel, r.Attempts[n-1].Key // for the log of the channel
	}
	x.handler.bus.Publish(e)
	if observe != nil {
		observe(x.observed())
	}
}

// hideKeys hides what looks like a key where apps were given one in place of a model or an address.
func hideKeys(r *event.Request) {
	r.Model, r.Path = redact.KeyLike(r.Model), redact.KeyLike(r.Path)
	for i := range r.Attempts {
		r.Attempts[i].Model = redact.KeyLike(r.Attempts[i].Model)
	}
}

// recordCost adds the cost of the answer, if there is one and it is known.
func (x *exchange) recordCost(t dialect.Tokens) {
	r := x.record
	if len(r.Attempts) == 0 {
		return
	}
	last := &r.Attempts[len(r.Attempts)-1]
	if last.Verdict != event.VerdictOK && t.Input+t.Output == 0 {
		return
	}
	if cost, currency, known := x.setup.config.Prices.Cost(last.Model, r.Model, x.setup.factors[r.Channel], t); known {
		r.Cost, r.Currency = cost, currency
	}
}

func levelOf(status int) event.Level {
	if status >= 500 {
		return event.LevelWarn
	}
	return event.LevelInfo
}

// nextCandidate describes the pick that follows the last attempt.
func (x *exchange) nextCandidate(last event.Attempt) string {
	name := x.pick.Channel.Config.Name
	switch {
	case x.tried.channel == x.pick.Channel && x.tried.egresses != 0:
		return name + " by egress " + x.chooseEgress().name
	case name == last.Channel && x.pick.Key != nil && x.pick.Key.State.ID() != last.Key:
		return "another key of " + name
	case name == last.Channel:
		return name + " again"
	}
	return name
}

// announceRetry publishes at once that an attempt failed and another one follows.
func (x *exchange) announceRetry(o *outcome) {
	last := x.record.Attempts[len(x.record.Attempts)-1]
	next := "trying again"
	if x.picked {
		next = "trying " + x.nextCandidate(last)
	} else if x.wait > 0 {
		next = fmt.Sprintf("trying again in %s", x.wait.Round(time.Millisecond))
	}
	message := fmt.Sprintf("%s: %s; %s", x.record.ID, o.reason(), next)
	if last.Sent {
		message += " (the whole request was delivered: the site may be working on it)"
	}
	x.handler.bus.Publish(event.Event{Type: event.TypeRetry, Level: event.LevelWarn, Channel: last.Channel, Key: last.Key, Message: message})
}
