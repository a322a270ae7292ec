package proxy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
)

// exchange is one request of a caller and its answer. The policies in retry.go make
// its attempts; each attempt has an outcome.
type exchange struct {
	handler *Handler
	setup   *setup
	caller  caller
	client  *client
	in      *http.Request
	parsed
	keyID   string // the only key to use; "" for any
	trial   bool   // the program's user tests a channel
	arrived time.Time
	body    body
	route   *route.Route
	walk    route.Walk
	record  *event.Request
	use     use
	usage   dialect.Usage

	pick     route.Pick
	timedOut bool            // it waited too long for a channel that is at its limit
	picked   bool            // pick is for the next attempt
	tried    tried           // egresses of the picked channel
	found    foundSite       // see site
	wait     time.Duration   // before the next attempt
	attempt  *attempt        // the latest
	first    attempt         // memory for the first attempt, as there is usually only one
	own      exchangeContext // of the client's request
	failures int             // attempts that count toward retry.max_retries

	passing *http.Response // the answer to pass on as it arrives
	answer  *keptAnswer    // the last real answer that was not passed on at once
}

// parsed is what path, headers and body say about a request.
type parsed struct {
	dialect  dialect.Dialect
	endpoint dialect.Endpoint
	format   dialect.Format
	path     requestPath
	model    dialect.Model
	mode     dialect.Mode
	object   string // an object that the request names, if it is known who created it
}

func (x *exchange) now() time.Time { return x.handler.registry.Now() }

// callerGone reports whether the caller disconnected.
func (x *exchange) callerGone() bool {
	return x.in.Context().Err() != nil && !x.interrupted() || x.body.callerError() != nil
}

// interrupted reports whether the program is stopping and the time to drain is over.
func (x *exchange) interrupted() bool {
	return errors.Is(context.Cause(x.in.Context()), ErrShutdown)
}

// run makes attempts until there is an answer, and sends it.
func (x *exchange) run(rt *route.Route) {
	x.beginWalk(rt)
	if x.pickNext() {
		x.send()
	}
	switch {
	case x.passing != nil:
		x.pass(x.passing)
	case x.body.callerError() != nil:
		x.refuseBody(x.body.callerError())
	case x.callerGone():
		x.abandon()
	case x.answer != nil:
		x.passKept()
	default:
		x.explainFailure()
	}
}

// beginWalk prepares for picking candidates of the route.
func (x *exchange) beginWalk(rt *route.Route) {
	x.findObject()
	x.route = rt
	x.walk.Begin(rt, route.Request{
		Model: x.record.Model, Client: x.record.Client, Tokens: x.use.tokens(), Endpoint: string(x.endpoint), Operation: dialect.Operation(x.in.Method, x.path.path), Object: x.object, Key: x.keyID, Trial: x.trial,
		Header: x.in.Header, RawQuery: x.in.URL.RawQuery, Body: x.body.head,
	})
	x.walk.CallRouter(x.in.Context(), x.now())
}

// send makes attempts until an answer can be passed on or no candidate is left. The
// results are in the exchange, so the client's own result is not needed.
func (x *exchange) send() {
	r := x.clientRequest()
	if prepareRetry(r) != nil {
		return
	}
	_, _ = x.setup.client.Do(&retryablehttp.Request{Request: r}) //nolint:bodyclose // pass closes it
}

// clientRequest returns the request that the client gets.
func (x *exchange) clientRequest() *http.Request {
	r := &http.Request{Method: x.in.Method, URL: clientURL, Header: clientHeader, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	x.own = exchangeContext{x.in.Context(), x}
	return r.WithContext(&x.own)
}

// beginAttempt begins the attempt of the picked candidate.
func (x *exchange) beginAttempt() {
	if x.attempt == nil {
		x.attempt = &x.first
		x.recordPassedOver(x.walk.PassedOver(x.pick))
	} else {
		x.attempt = &attempt{} // the last one may still be in use
	}
	a, ch := x.attempt, x.pick.Channel
	a.exchange, a.begun, a.waited = x, time.Now(), x.wait
	a.channel, a.egress, a.limits = ch.Config.Name, x.chooseEgress(), x.timeouts(ch)
	if k := x.pick.Key; k != nil {
		a.keyID, a.secret = k.State.ID(), k.Config.Value
	}
	x.picked, x.wait = false, 0
}

// abandon ends the exchange of a caller that disconnected. It closes the connection
// without an answer: an empty return would send a status of 200.
func (x *exchange) abandon() {
	x.record.Status, x.record.Error = statusClientGone, "the caller disconnected"
	panic(http.ErrAbortHandler)
}

// finishFailed ends an attempt without a good answer.
func (x *exchange) finishFailed(o *outcome) {
	if o.gone {
		x.finishCanceled()
		return
	}
	now := x.now()
	out := route.Outcome{
		Verdict: o.verdict, Silent: o.undecided && o.timedOut,
		NoEgress: o.noEgress,
		Missing:  x.attempt.status == http.StatusNotFound && x.object != "",
	}
	if o.verdict.SameChannel {
		// After a backoff, or after the time that the site asks for, up to retry.max_delay.
		out.RetryAt = now.Add(max(x.backoff(), min(o.verdict.For, x.setup.config.Retry.MaxDelay)))
	}
	x.walk.Failed(&x.pick, now, out)
	if x.passing == nil {
		x.pick.Correct(now, 0)
	}
	x.handler.queues.Freed()
}

// finishCanceled ends an attempt whose result says nothing about channel or key.
func (x *exchange) finishCanceled() {
	x.pick.Lease.Cancel()
	x.pick.ReleaseKey()
	x.handler.queues.Freed()
}

// finishPassed ends the attempt whose answer was passed on. err is the error of passing
// it on.
func (x *exchange) finishPassed(resp *http.Response, err error) {
	a, o := x.attempt, goodOutcome
	switch {
	case errors.Is(err, errCaller):
		o = outcome{gone: true}
		x.finishCanceled()
	case err != nil:
		o = a.failed(err)
		o.verdict.Reason = err.Error()
		x.finishFailed(&o)
	case a.lateFault:
		o = a.late(resp)
		x.finishFailed(&o)
	default:
		x.pick.Lease.Succeed(x.now())
		x.pick.ReleaseKey()
		x.handler.queues.Freed()
	}
	x.record.Error = o.reason()
	x.recordAttempt(&o)
}
