package proxy

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
	meaning "github.com/aitunnel/aitunnel/core/verdict"
)

// maxAttempts ends the worst of cases: a channel with very many keys, all of
// them bad.
const maxAttempts = 64

// exchange is one request on its way. It is the policy of a retryable client
// that is made for it alone, and the transport under that client.
type exchange struct {
	handler *Handler
	setup   *setup
	w       http.ResponseWriter
	in      *http.Request
	api     api
	arrived time.Time
	body    body
	walk    route.Walk
	record  *event.Request
	usage   usage

	pick     route.Pick
	picked   bool
	attempt  *attempt      // under way, or the one whose answer is passed on
	failures int           // attempts whose failure was a channel's
	wait     time.Duration // before the next attempt
	answer   *saved        // the last answer of a channel that was not passed on
	first    attempt       // has its room here, as mostly there is no other

	client    retryablehttp.Client
	transport http.Client
	lead      http.Request
}

// run leads the request to an answer.
func (x *exchange) run(rt *route.Route) {
	x.walk.Begin(rt, route.Request{Model: x.record.Model, Header: x.in.Header, RawQuery: x.in.URL.RawQuery, Body: x.body.head})
	x.walk.Ask(x.in.Context(), x.handler.registry.Now())
	if x.pick, x.picked = x.walk.Next(x.handler.registry.Now()); !x.picked && !x.patience() {
		x.giveUp(nil)
		return
	}
	resp, err := x.deliver() //nolint:bodyclose // pass closes it
	switch {
	case err == nil && resp != nil && x.attempt.passed:
		x.pass(resp)
	case x.in.Context().Err() != nil:
		x.record.Status, x.record.Error = statusClientGone, "the caller went away"
	case x.body.callersFault() != nil:
		x.refuseBody(x.body.callersFault())
	case x.answer != nil:
		x.passSaved()
	default:
		x.giveUp(err)
	}
}

// deliver makes attempts until one is to be passed on or none is left.
func (x *exchange) deliver() (*http.Response, error) {
	if !x.picked {
		if err := x.sleep(); err != nil {
			return nil, err
		}
	}
	if err := x.PrepareRetry(nil); err != nil {
		return nil, err
	}
	x.transport = http.Client{Transport: x, CheckRedirect: asItCame}
	x.client = retryablehttp.Client{
		HTTPClient:   &x.transport,
		RetryMax:     maxAttempts,
		CheckRetry:   x.CheckRetry,
		Backoff:      x.Backoff,
		PrepareRetry: x.PrepareRetry,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	// The client is led by a request without headers and body: each attempt has
	// its own, which http.Client would only copy.
	x.lead = *x.in
	x.lead.Header, x.lead.Body, x.lead.ContentLength, x.lead.RequestURI, x.lead.URL = noHeader, nil, 0, "", somewhere
	return x.client.Do(&retryablehttp.Request{Request: &x.lead})
}

var (
	noHeader  = http.Header{}
	somewhere = &url.URL{Scheme: "http", Host: "channel.invalid"}
)

func asItCame(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// CheckRetry judges the attempt that ended, and says whether another one
// follows; if so the candidate is picked, or the wait for one is known.
func (x *exchange) CheckRetry(_ context.Context, resp *http.Response, err error) (bool, error) {
	a := x.attempt
	v := a.judge(resp, err)
	if v.scope == scopeNone {
		a.passed = true
		return false, nil
	}
	again := v.retry && x.mayRetry(v)
	x.settle(v)
	x.note(v)
	if again {
		x.pick, x.picked = x.walk.Next(x.handler.registry.Now())
		again = x.picked || x.patience()
	}
	if again {
		if resp != nil {
			x.answer = a.save(resp)
		}
		x.tellRetry(v)
		return true, nil
	}
	a.passed = resp != nil
	return false, nil
}

// mayRetry counts failures of channels. A key's first failure is not among
// them: the next key is there to be tried.
func (x *exchange) mayRetry(v verdict) bool {
	r := &x.setup.config.Retry
	if v.scope == scopeChannel || v.scope == scopeKey && x.sameKeyAgain() {
		x.failures++
	}
	switch {
	case r.MaxRetries == 0, x.failures > r.MaxRetries, len(x.record.Attempts)+1 >= maxAttempts:
		return false
	case !x.body.replayable():
		return false
	case v.scope == scopeChannel && x.attempt.status == 0 && x.attempt.sent.Load() && !r.AfterSent:
		return false
	}
	return x.in.Context().Err() == nil
}

// sameKeyAgain says that the request tried this key before.
func (x *exchange) sameKeyAgain() bool {
	for _, a := range x.record.Attempts {
		if a.Channel == x.attempt.channel && a.Key == x.attempt.keyID {
			return true
		}
	}
	return false
}

// settle records what came of the attempt.
func (x *exchange) settle(v verdict) {
	now := x.handler.registry.Now()
	if v.scope == scopeClient {
		x.pick.Lease.Cancel()
		x.releaseKey()
		return
	}
	o := route.Outcome{Verdict: meaning.Verdict{Means: meaning.Refused, For: v.wait, AtOnce: true, Reason: v.reason}}
	switch {
	case v.blocked:
		o.Means = meaning.Blocked
	case v.scope == scopeChannel:
		o.Means, o.RetryAt = meaning.Broken, now.Add(x.backoff())
	case v.scope == scopeKey:
		o.Means, o.Scope = faultMeans[v.key], meaning.ScopeKey
		if v.modelOnly {
			o.Scope = meaning.ScopeKeyModel
		}
	}
	x.walk.Settle(&x.pick, now, o)
	x.pick.Key = nil
}

var faultMeans = map[keyFault]meaning.Means{limited: meaning.RateLimited, invalid: meaning.InvalidKey, exhausted: meaning.QuotaSpent}

func (x *exchange) releaseKey() {
	x.pick.ReleaseKey()
	x.pick.Key = nil
}

// backoff is the pause before a channel that failed is asked again by the same
// request.
func (x *exchange) backoff() time.Duration {
	r := &x.setup.config.Retry
	d := r.BaseDelay
	if r.Backoff == config.BackoffExponential {
		d <<= min(max(x.failures-1, 0), 20)
	}
	return min(d, r.MaxDelay)
}

// patience says whether it is worth waiting for a candidate, and sets how long.
func (x *exchange) patience() bool {
	r := &x.setup.config.Retry
	if r.MaxRetries == 0 {
		return false
	}
	now := x.handler.registry.Now()
	at, ok := x.walk.Soonest(now)
	if !ok || at.Sub(now) > r.MaxDelay {
		return false
	}
	// A little later than the soonest, so that those who wait do not all come
	// at once.
	x.wait = at.Sub(now)
	x.wait += time.Duration(rand.Int64N(int64(x.wait/10) + int64(5*time.Millisecond)))
	return true
}

func (x *exchange) sleep() error {
	t := time.NewTimer(x.wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-x.in.Context().Done():
		return x.in.Context().Err()
	}
}

// Backoff is how long to wait before the next attempt.
func (x *exchange) Backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	if x.picked {
		return 0
	}
	return x.wait
}

var errNoCandidate = errors.New("no channel is to be had")

// PrepareRetry begins an attempt with the picked candidate.
func (x *exchange) PrepareRetry(*http.Request) error {
	waited := x.wait
	x.wait = 0
	if !x.picked {
		if x.pick, x.picked = x.walk.Next(x.handler.registry.Now()); !x.picked {
			return errNoCandidate
		}
	}
	x.picked = false // taken up by the attempt that begins here
	if x.attempt == nil {
		x.attempt = &x.first
	} else {
		x.attempt = &attempt{} // something of the last one may still be under way
	}
	*x.attempt = attempt{exchange: x, begun: time.Now(), waited: waited, channel: x.pick.Channel.Config.Name, timeouts: x.pick.Channel.Config.Timeouts}
	if x.attempt.timeouts.FirstByte == 0 {
		x.attempt.timeouts.FirstByte = config.FirstByteLast
	}
	if x.pick.Key != nil {
		x.attempt.keyID = x.pick.Key.State.ID()
	}
	return nil
}

// request is the request as the picked channel is to get it, with its key.
func (x *exchange) request(ctx context.Context) *http.Request {
	c := x.pick.Channel.Config
	to := x.setup.paths[x.pick.Channel]
	h := onward(x.in.Header)
	readable(h)
	query := x.in.URL.RawQuery
	switch c.Auth.Style {
	case config.AuthPassthrough:
		query = without(h, query, func(v string) bool { return !x.setup.guard.isToken(v) })
	default:
		query = without(h, query, nil)
	}
	if x.pick.Key != nil {
		query = carry(c.Auth, x.api, h, query, x.pick.Key.Config.Value)
	}
	if protocol := upgradeOf(x.in.Header); protocol != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{protocol}
	}
	path, escaped := x.in.URL.Path, x.in.URL.EscapedPath()
	if from := geminiModel(path); from != "" {
		if model, ok := x.mapModel(); ok {
			path = strings.Replace(path, "/"+from+":", "/"+model+":", 1)
			escaped = (&url.URL{Path: path}).EscapedPath()
		}
	}
	head := x.mapped()
	length := x.body.length
	if length > 0 {
		length += int64(len(head) - len(x.body.head))
	}
	out := x.lead.WithContext(ctx)
	out.URL = &url.URL{Scheme: c.Target.Scheme, Host: c.Target.Host, Path: to.base + path, RawPath: to.escaped + escaped, RawQuery: query}
	out.Host, out.Header, out.Body, out.ContentLength = "", h, x.body.reader(head), length
	if x.body.rest == nil && !keyed(h) {
		// For a connection that the site closed before a byte was written.
		out.GetBody = func() (io.ReadCloser, error) { return x.body.reader(head), nil }
	}
	return out
}

// keyed requests with a body that can be had again are sent again by net/http
// itself even when a site may have worked on them.
func keyed(h http.Header) bool {
	return h["Idempotency-Key"] != nil || h["X-Idempotency-Key"] != nil
}

func (h *Handler) siteOf(c *config.Channel) site {
	return site{
		transport: h.upstreams.of(c),
		base:      strings.TrimSuffix(c.Target.Path, "/"),
		escaped:   strings.TrimSuffix(c.Target.EscapedPath(), "/"),
	}
}
