package proxy

import (
	"errors"
	"net/http"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/verdict"
)

var goodOutcome = outcome{verdict: verdict.Verdict{Means: verdict.Good}}

// finishFailed ends an attempt without a good answer.
func (x *exchange) finishFailed(o outcome) {
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
	x.handler.lines.Freed()
}

// finishCanceled ends an attempt whose result says nothing about channel or key.
func (x *exchange) finishCanceled() {
	x.pick.Lease.Cancel()
	x.pick.ReleaseKey()
	x.handler.lines.Freed()
}

// finishPassed ends an attempt whose answer was passed on. err is the error of passing
// it on; late is the outcome of an error after the first content.
func (x *exchange) finishPassed(late outcome, err error) {
	o := late
	switch {
	case errors.Is(err, errCaller):
		o = outcome{gone: true}
		x.finishCanceled()
	case err != nil:
		o = x.attempt.failed(err)
		o.verdict.Reason = err.Error()
		x.finishFailed(o)
	case late.verdict.Means != "":
		x.finishFailed(o)
	default:
		o = goodOutcome
		x.pick.Lease.Succeed(x.now())
		x.pick.ReleaseKey()
		x.handler.lines.Freed()
	}
	x.record.Error = o.reason()
	x.recordAttempt(o)
}

// storesObjects reports whether requests like this one create objects that a site
// stores, or name such objects.
func (x *exchange) storesObjects() bool {
	return x.endpoint == dialect.Files || x.format == dialect.Responses
}

// findObject finds an object that the request names, if it is known which channel and
// key created it: others do not have it.
func (x *exchange) findObject() {
	if !x.handler.registry.KnowsObjects() {
		return
	}
	for _, id := range dialect.Objects(x.in, x.body.head) {
		if _, _, ok := x.handler.registry.ObjectOwner(id); ok {
			x.object = id
			return
		}
	}
}

// rememberObjects records who created the objects that an answer names.
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
