package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/aitunnel/aitunnel/core/config"
)

// maxAttempts is the maximum number of attempts of one request: a channel may have
// many keys, all of them bad.
const maxAttempts = 64

// newClient returns the client that makes the attempts of all requests of a
// configuration. Its policies find the exchange in the context of the request. It has
// no logger, since an error of net/http quotes the URL, which may contain a key.
func newClient() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: attemptTransport{}, CheckRedirect: followNoRedirect},
		RetryMax:     maxAttempts,
		CheckRetry:   checkRetry,
		Backoff:      noBackoff,
		PrepareRetry: prepareRetry,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// attemptTransport makes the attempts. It does not have CloseIdleConnections, which
// the client calls after the last attempt and which would close those of all requests.
type attemptTransport struct{}

// RoundTrip makes the attempt that prepareRetry prepared.
func (attemptTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return exchangeOf(r.Context()).attempt.deliver(r)
}

func followNoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// noBackoff returns 0: prepareRetry waits, as it has the exchange.
func noBackoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 }

// checkRetry reads enough of the answer to judge the attempt that ended, and decides
// whether another follows. The transport has returned by now: parsing needs a deep stack,
// which the goroutine of a stream would keep.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	x := exchangeOf(ctx)
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		x.attempt.hold(resp)
		x.attempt.watch.Stop()
	}
	return x.judgeAndPick(resp, err), nil
}

// judgeAndPick judges the latest attempt and reports whether another one follows. If
// so, it has picked the candidate or set the time to wait for one.
func (x *exchange) judgeAndPick(resp *http.Response, err error) bool {
	o := x.attempt.judge(resp, err)
	if o.good() {
		x.passing = resp
		return false
	}
	if x.failEgress(&o) {
		x.recordAttempt(&o)
		x.picked = true // the same channel and key
		x.keepAnswer(resp, &o)
		x.announceRetry(&o)
		return true
	}
	may := x.mayRetry(&o)
	x.finishFailed(&o)
	x.recordAttempt(&o)
	if x.callerGone() {
		x.attempt.discard(resp)
		return false
	}
	if may && x.pickNext() {
		x.keepAnswer(resp, &o)
		x.announceRetry(&o)
		return true
	}
	x.lastAnswer(resp, &o)
	return false
}

// prepareRetry waits for a candidate if none has been picked, and sets the request's
// URL, key and body for it.
func prepareRetry(r *http.Request) error {
	x := exchangeOf(r.Context())
	if !x.picked {
		if err := x.waitForCandidate(); err != nil {
			return err
		}
	}
	x.beginAttempt()
	x.attempt.write(r)
	return nil
}

// exchangeContext carries the exchange to the policies of the shared client.
type exchangeContext struct {
	context.Context
	x *exchange
}

type exchangeKey struct{}

// Value is for [context.Context].
func (c *exchangeContext) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return c.x
	}
	return c.Context.Value(key)
}

func exchangeOf(ctx context.Context) *exchange {
	return ctx.Value(exchangeKey{}).(*exchange)
}

// mayRetry reports whether the request may be sent once more. It counts failures of
// channels; the first failure of a key is not counted, so that other keys are tried.
func (x *exchange) mayRetry(o *outcome) bool {
	retry := &x.setup.config.Retry
	if !o.verdict.Failover {
		return false
	}
	if o.ofChannel() || x.triedKey() {
		x.failures++
	}
	switch {
	case retry.MaxRetries == 0, x.failures > retry.MaxRetries, len(x.record.Attempts)+1 >= maxAttempts:
		return false
	case !x.body.replayable():
		return false
	case o.undecided && !retry.AfterSent:
		return false
	}
	return x.in.Context().Err() == nil
}

// triedKey reports whether an earlier attempt of this request had the same key.
func (x *exchange) triedKey() bool {
	for _, a := range x.record.Attempts {
		if a.Channel == x.attempt.channel && a.Key == x.attempt.keyID {
			return true
		}
	}
	return false
}

// pickNext picks a candidate, or sets the time to wait for one; it returns false if
// none will be available in time. While another request tests the only channel that
// is left, it waits for the outcome.
func (x *exchange) pickNext() bool {
	if len(x.record.Attempts) == 0 && x.handler.queues.Busy(x.kind()) {
		return x.queueUp()
	}
	for {
		if x.pick, x.picked = x.walk.Next(x.now()); x.picked {
			return true
		}
		if x.walk.AtLimit(x.now()) {
			return x.queueUp()
		}
		if !x.walk.AwaitProbe(x.in.Context()) {
			return x.mayWait()
		}
	}
}

// backoff returns the pause before the same request is sent again to a channel that
// failed.
func (x *exchange) backoff() time.Duration {
	retry := &x.setup.config.Retry
	d := retry.BaseDelay
	if retry.Backoff == config.BackoffExponential {
		d <<= min(max(x.failures-1, 0), 20)
	}
	return min(d, retry.MaxDelay)
}

// mayWait reports whether a candidate will be available within retry.max_delay, and
// sets the time to wait for it.
func (x *exchange) mayWait() bool {
	retry := &x.setup.config.Retry
	if retry.MaxRetries == 0 {
		return false
	}
	now := x.now()
	at, ok := x.walk.NextAvailable(now)
	if !ok || at.Sub(now) > retry.MaxDelay {
		return false
	}
	x.wait = at.Sub(now)
	// A little later, so that waiting requests are not all sent at once.
	x.wait += time.Duration(rand.Int64N(int64(x.wait/10) + int64(5*time.Millisecond)))
	return true
}

var errNoCandidate = errors.New("no channel is available")

// waitForCandidate sleeps for the time that mayWait set, then picks a candidate.
func (x *exchange) waitForCandidate() error {
	t := time.NewTimer(x.wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.in.Context().Done():
		return x.in.Context().Err()
	}
	if x.pick, x.picked = x.walk.Next(x.now()); !x.picked {
		return errNoCandidate
	}
	return nil
}
