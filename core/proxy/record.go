package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// newRecord begins the record of a request. Mostly one attempt is enough, for
// which there is room beside it. It is remembered for long, so it leads to
// nothing else of the request.
func newRecord(r *http.Request) *event.Request {
	var roomy struct {
		event.Request
		first [1]event.Attempt
	}
	roomy.Request = event.Request{ID: requestID(), Method: r.Method, Path: r.URL.Path, Attempts: roomy.first[:0]}
	return &roomy.Request
}

// note adds the attempt that just ended to the request's record.
func (x *exchange) note(v verdict) {
	a := x.attempt
	e := event.Attempt{
		Channel: a.channel,
		Status:  a.status,
		Verdict: v.scope,
		Error:   v.reason,
		Wait:    event.Millis(a.waited),
		TTFB:    event.Millis(a.ttfb),
		Total:   event.Millis(time.Since(a.begun)),
		Sent:    a.status == 0 && v.scope == scopeChannel && a.sent.Load(),
		Plan:    x.pick.Plan,
		Reason:  x.pick.Reason,
		Key:     a.keyID,
	}
	if m := x.sentModel(); m != x.record.Model {
		e.Model = m
	}
	x.record.Attempts = append(x.record.Attempts, e)
}

// publish sends the record of the request that ended. The caller does not wait
// for a look into a compressed answer.
func (x *exchange) publish() {
	x.record.Total = event.Millis(time.Since(x.arrived))
	if x.usage.gzip {
		go x.tell()
		return
	}
	x.tell()
}

func (x *exchange) tell() {
	x.usage.end()
	r := x.record
	r.TokensIn, r.TokensOut = x.usage.input, x.usage.output
	r.Retries = max(len(r.Attempts)-1, 0)
	x.handler.bus.Publish(event.Event{Type: event.TypeRequest, Level: levelOf(r.Status), Channel: r.Channel, Key: r.Key, Request: r})
}

func levelOf(status int) event.Level {
	if status >= 500 {
		return event.LevelWarn
	}
	return event.LevelInfo
}

// tellRetry says at once that an attempt failed and another one follows.
func (x *exchange) tellRetry(v verdict) {
	last := x.record.Attempts[len(x.record.Attempts)-1]
	what := "trying again"
	if x.picked {
		what = "trying " + x.pick.Channel.Config.Name
	} else if x.wait > 0 {
		what = fmt.Sprintf("trying again in %s", x.wait.Round(time.Millisecond))
	}
	message := fmt.Sprintf("%s: %s; %s", x.record.ID, v.reason, what)
	if last.Sent {
		message += " (the whole request was delivered: the site may be at work on it)"
	}
	x.handler.bus.Publish(event.Event{Type: event.TypeRetry, Level: event.LevelWarn, Channel: last.Channel, Key: last.Key, Message: message})
}

// giveUp answers when no channel did: with 502 if attempts failed, with 503 if
// there was none to make.
func (x *exchange) giveUp(_ error) {
	f := fault{status: http.StatusBadGateway, code: "no_answer"}
	var why []string
	for _, a := range x.record.Attempts {
		why = append(why, a.Channel+": "+a.Error)
	}
	if len(why) > 0 {
		f.message = "no channel answered: " + strings.Join(why, "; ")
		x.refuse(f)
		return
	}
	f = fault{status: http.StatusServiceUnavailable, code: "no_channel"}
	for _, s := range x.walk.Skips(x.handler.registry.Now()) {
		why = append(why, s.Channel+": "+s.Why.Text())
	}
	f.message = "no channel is to be had now: " + strings.Join(why, "; ")
	if x.walk.NoneServesModel() {
		f = fault{http.StatusNotFound, "model_not_found", fmt.Sprintf("no channel of the route %s serves the model %q", x.record.Route, x.record.Model)}
	} else if at, ok := x.walk.Soonest(x.handler.registry.Now()); ok {
		wait := int(at.Sub(x.handler.registry.Now())/time.Second) + 1
		x.w.Header().Set("Retry-After", itoa(wait))
	}
	x.refuse(f)
}
