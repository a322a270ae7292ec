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

// exchange is one request of a caller, on its way to an answer. It is led from
// attempt to attempt by the policies in retry.go; each attempt has an outcome.
type exchange struct {
	handler  *Handler
	setup    *setup
	caller   caller
	client   *client
	in       *http.Request
	dialect  dialect.Dialect
	endpoint dialect.Endpoint
	format   dialect.Format
	path     requestPath
	model    dialect.Model
	ask      dialect.Ask
	keyID    string // of the only key to use; "": any
	object   string // an object that the request names, whose maker is known
	arrived  time.Time
	body     body
	route    *route.Route
	walk     route.Walk
	record   *event.Request
	use      use
	usage    dialect.Usage

	pick     route.Pick
	timedOut bool          // it waited in vain for a channel that is at its limit
	picked   bool          // pick is for the next attempt
	tried    tried         // ways to the picked channel
	wait     time.Duration // before the next attempt
	attempt  *attempt      // the latest
	first    attempt       // the room of the first, as mostly there is no other
	failures int           // attempts that count towards retry.max_retries

	passing *http.Response // the answer that is passed on as it arrives
	answer  *keptAnswer    // the last real answer that was not passed on at once
}

func (x *exchange) now() time.Time { return x.handler.registry.Now() }

// callerGone says that nobody waits for the answer any more.
func (x *exchange) callerGone() bool {
	return x.in.Context().Err() != nil && !x.interrupted() || x.body.callersFault() != nil
}

// interrupted says that the program stops, and that the time for requests in
// flight is over.
func (x *exchange) interrupted() bool {
	return errors.Is(context.Cause(x.in.Context()), ErrShutdown)
}

// run leads the request to an answer.
func (x *exchange) run(rt *route.Route) {
	x.findObject()
	x.route = rt
	x.walk.Begin(rt, route.Request{
		Model: x.record.Model, Client: x.record.Client, Tokens: x.use.tokens(), Endpoint: string(x.endpoint), Object: x.object, Key: x.keyID,
		Header: x.in.Header, RawQuery: x.in.URL.RawQuery, Body: x.body.head,
	})
	x.walk.Ask(x.in.Context(), x.now())
	if x.pickNext() {
		x.send()
	}
	switch {
	case x.passing != nil:
		x.pass(x.passing)
	case x.body.callersFault() != nil:
		x.refuseBody(x.body.callersFault())
	case x.callerGone():
		x.abandon()
	case x.answer != nil:
		x.passKept()
	default:
		x.explainFailure()
	}
}

// send makes attempts until one is to be passed on or none is left. What came of
// them is in the exchange: the client's own result says nothing more.
func (x *exchange) send() {
	r := (&http.Request{Method: x.in.Method, URL: clientURL, Header: clientHeader, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).
		WithContext(exchangeContext{x.in.Context(), x})
	if prepareRetry(r) != nil {
		return
	}
	_, _ = x.setup.client.Do(&retryablehttp.Request{Request: r}) //nolint:bodyclose // pass closes it
}

// beginAttempt makes the picked candidate the latest attempt.
func (x *exchange) beginAttempt() {
	if x.attempt == nil {
		x.attempt = &x.first
		x.recordPassedOver(x.walk.PassedOver(x.pick))
	} else {
		x.attempt = &attempt{} // something of the last one may still be under way
	}
	*x.attempt = attempt{exchange: x, begun: time.Now(), waited: x.wait, channel: x.pick.Channel.Config.Name, way: x.chooseWay(), limits: x.timeouts(x.pick.Channel)}
	if x.pick.Key != nil {
		x.attempt.keyID, x.attempt.secret = x.pick.Key.State.ID(), x.pick.Key.Config.Value
	}
	x.picked, x.wait = false, 0
}

// abandon ends the exchange with a caller that is gone: its connection is
// closed without an answer, as a 200 would be one that no site gave.
func (x *exchange) abandon() {
	x.record.Status, x.record.Error = statusClientGone, "the caller disconnected"
	panic(http.ErrAbortHandler)
}
