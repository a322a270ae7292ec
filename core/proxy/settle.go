package proxy

import (
	"errors"
	"net/http"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/verdict"
)

var goodOutcome = outcome{verdict: verdict.Verdict{Means: verdict.Good}}

// settle records what came of an attempt that gave no good answer.
func (x *exchange) settle(o outcome) {
	if o.gone {
		x.cancelAttempt()
		return
	}
	now := x.now()
	out := route.Outcome{
		Verdict: o.verdict, Silent: o.undecided && o.timedOut,
		NoEgress: o.noEgress,
		Missing:  x.attempt.status == http.StatusNotFound && x.object != "",
	}
	if o.verdict.SameChannel {
		// After a backoff, and after what the site asks for, up to retry.max_delay.
		out.RetryAt = now.Add(max(x.backoff(), min(o.verdict.For, x.setup.config.Retry.MaxDelay)))
	}
	x.walk.Settle(&x.pick, now, out)
	if x.passing == nil {
		x.pick.Correct(now, 0)
	}
	x.handler.lines.Freed()
}

// cancelAttempt ends an attempt of whose result nobody is to be blamed.
func (x *exchange) cancelAttempt() {
	x.pick.Lease.Cancel()
	x.pick.ReleaseKey()
	x.handler.lines.Freed()
}

// conclude ends an attempt whose answer was passed on: err is how that ended,
// late what the site said after the content had begun.
func (x *exchange) conclude(late outcome, err error) {
	o := late
	switch {
	case errors.Is(err, errCaller):
		o = outcome{gone: true}
		x.cancelAttempt()
	case err != nil:
		o = x.attempt.failed(err)
		o.verdict.Reason = err.Error()
		x.settle(o)
	case late.verdict.Means != "":
		x.settle(o)
	default:
		o = goodOutcome
		x.pick.Lease.Succeed(x.now())
		x.pick.ReleaseKey()
		x.handler.lines.Freed()
	}
	x.record.Error = o.reason()
	x.recordAttempt(o)
}

// storesObjects says that requests like this one make things that a site keeps,
// or name such things.
func (x *exchange) storesObjects() bool {
	return x.endpoint == dialect.Files || x.format == dialect.Responses
}

// findObject finds an object that the request names and whose maker is known:
// other sites and keys do not have it.
func (x *exchange) findObject() {
	for _, id := range dialect.Objects(x.in, x.body.head) {
		if _, _, ok := x.handler.registry.ObjectOwner(id); ok {
			x.object = id
			return
		}
	}
}

// rememberObjects records who made the objects that an answer names.
func (x *exchange) rememberObjects(h http.Header, data []byte) {
	if !x.storesObjects() {
		return
	}
	for _, id := range dialect.Created(x.path.path, h, data) {
		if x.pick.Key != nil {
			x.handler.registry.RememberObject(id, x.pick.Channel.State, x.pick.Key.State)
		} else {
			x.handler.registry.RememberObject(id, x.pick.Channel.State, nil)
		}
	}
}
