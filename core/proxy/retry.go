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

// maxAttempts bounds the attempts of one request: a channel may have very many
// keys, all of them bad.
const maxAttempts = 64

// newClient returns the client that leads requests from candidate to candidate.
// It serves all requests of a configuration; its policies find the exchange in
// the context of the request. It has no logger, since an error of net/http
// quotes the URL, which may hold a key.
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

// attemptTransport makes the attempts. It hides CloseIdleConnections, which the client
// calls when it gives up and which would empty the pools of everybody.
type attemptTransport struct{}

// RoundTrip makes the attempt that was prepared last.
func (attemptTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return exchangeOf(r.Context()).attempt.deliver(r)
}

func followNoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// noBackoff leaves the waiting to prepareRetry, which knows the exchange.
func noBackoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 }

// checkRetry judges the attempt that ended and says whether another follows; if
// so its candidate is picked, or it is known how long to wait for one.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	x := exchangeOf(ctx)
	a := x.attempt
	o := a.judge(resp, err)
	if o.good() {
		x.passing = resp
		return false, nil
	}
	if x.failWay(&o) {
		x.recordAttempt(o)
		x.picked = true // the same channel and key
		x.keepAnswer(resp, o)
		x.announceRetry(o)
		return true, nil
	}
	may := x.mayRetry(o)
	x.settle(o)
	x.recordAttempt(o)
	if x.callerGone() {
		a.discard(resp)
		return false, nil
	}
	if may && x.pickNext() {
		x.keepAnswer(resp, o)
		x.announceRetry(o)
		return true, nil
	}
	x.lastAnswer(resp, o)
	return false, nil
}

// prepareRetry waits if no candidate was ready, and puts the next one's URL,
// key and body on the request.
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
func (c exchangeContext) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return c.x
	}
	return c.Context.Value(key)
}

func exchangeOf(ctx context.Context) *exchange {
	return ctx.Value(exchangeKey{}).(*exchange)
}

// mayRetry says whether the request may be sent once more. It counts failures
// of channels: a key's first failure is not among them, as the next key is there
// to be tried.
func (x *exchange) mayRetry(o outcome) bool {
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

// triedKey says that an earlier attempt of this request had the same key.
func (x *exchange) triedKey() bool {
	for _, a := range x.record.Attempts {
		if a.Channel == x.attempt.channel && a.Key == x.attempt.keyID {
			return true
		}
	}
	return false
}

// pickNext picks a candidate, or finds out how long to wait for one; false if
// none will be available in time. While another request tests the only channel
// that is left, it waits for the outcome.
func (x *exchange) pickNext() bool {
	if len(x.record.Attempts) == 0 && x.handler.lines.Busy(x.kind()) {
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

// backoff is the pause before a channel that failed is asked again by the same
// request.
func (x *exchange) backoff() time.Duration {
	retry := &x.setup.config.Retry
	d := retry.BaseDelay
	if retry.Backoff == config.BackoffExponential {
		d <<= min(max(x.failures-1, 0), 20)
	}
	return min(d, retry.MaxDelay)
}

// mayWait says whether a candidate will be available within retry.max_delay, and
// sets how long to wait for it.
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
	// A little later, so that those who wait do not all come at once.
	x.wait += time.Duration(rand.Int64N(int64(x.wait/10) + int64(5*time.Millisecond)))
	return true
}

var errNoCandidate = errors.New("no channel is available")

// waitForCandidate sleeps as long as mayWait said, then picks.
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
