package proxy

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// keptAnswer is an answer that was not passed on at once. It is kept in case no
// better one comes.
type keptAnswer struct {
	outcome outcome
	status  int
	header  http.Header
	body    []byte
	whole   bool
	channel string
	key     string
	ownKey  bool // it is about a key of the channel, not of the caller
}

// maxKept is the maximum size of the body of an answer that is kept.
const maxKept = 1 << 20

// keepAnswer keeps the answer of an attempt that failed, and releases its
// connection. If there was no answer, the previous one is still kept.
func (x *exchange) keepAnswer(resp *http.Response, o *outcome) {
	if resp == nil || o.noAnswer {
		x.attempt.discard(resp)
		return
	}
	a := x.attempt
	k := &keptAnswer{outcome: *o, status: resp.StatusCode, header: resp.Header, whole: a.ended, channel: a.channel, key: a.keyID, ownKey: a.keyID != ""}
	k.body = append(k.body, a.head...)
	if a.reading() && isEventStream(resp.Header) {
		k.readRest(a, resp, time.Second)
	}
	x.maskKept(k)
	x.answer = k
	a.discard(resp)
}

// lastAnswer keeps the answer of the last attempt, as much of it as arrives.
func (x *exchange) lastAnswer(resp *http.Response, o *outcome) {
	if resp == nil || o.noAnswer {
		x.attempt.discard(resp)
		return
	}
	live := resp.Body
	a := x.attempt
	k := &keptAnswer{}
	if a.reading() && !isEventStream(resp.Header) {
		k.readRest(a, resp, errorTime)
		a.head = append(a.head, k.body...)
		a.ended = k.whole
	}
	resp.Body = live
	x.keepAnswer(resp, o)
}

func (k *keptAnswer) readRest(a *attempt, resp *http.Response, within time.Duration) {
	a.watch.Reset(within)
	rest, err := io.ReadAll(io.LimitReader(resp.Body, maxKept))
	k.body = append(k.body, rest...)
	k.whole = err == nil && len(rest) < maxKept
}

// passKept passes the last real answer on. If it is about one of our keys, or is not
// an answer of an API, the caller gets an explanation instead.
func (x *exchange) passKept() {
	k := x.answer
	x.record.Channel, x.record.Key = k.channel, k.key
	if x.mustExplain(k) {
		x.explainFailure()
		return
	}
	if x.caller.hasBegun() {
		x.record.Status = http.StatusOK
		x.caller.finish()
		x.writeErrorEvent(x.siteProblem(k))
		return
	}
	x.caller.finish()
	x.record.Status = k.status
	x.answerHeaders(k.header)
	h := x.caller.w.Header()
	if (k.outcome.verdict.Means == verdict.Refused || x.longOutage()) && h["X-Should-Retry"] == nil {
		h["X-Should-Retry"] = []string{"false"}
	}
	if !k.whole {
		delete(h, "Content-Length")
	} else if x.in.Method != http.MethodHead {
		h["Content-Length"] = []string{strconv.Itoa(len(k.body))}
	}
	if h["Retry-After"] == nil && (k.status == http.StatusTooManyRequests || k.status >= 500) {
		x.setRetryAfter()
	}
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	if !x.body.whole.Load() {
		answerAtOnce(x.caller.w, x.in)
	}
	x.caller.w.WriteHeader(k.status)
	n, _ := x.caller.w.Write(k.body)
	x.record.BytesOut = int64(n)
	if !k.whole {
		panic(http.ErrAbortHandler)
	}
}

// mustExplain reports whether the caller gets an error of ours instead of the site's:
// an error about our key would look like one about the caller's token, and programs
// cannot read a web page.
func (x *exchange) mustExplain(k *keptAnswer) bool {
	v := &k.outcome.verdict
	refused := k.status == http.StatusUnauthorized || k.status == http.StatusPaymentRequired || k.status == http.StatusForbidden
	switch v.Means {
	case verdict.Blocked:
		return true
	case verdict.InvalidKey:
		return k.ownKey
	case verdict.QuotaSpent:
		return k.ownKey && k.status != http.StatusTooManyRequests
	case verdict.NoAccess:
		return k.ownKey && refused
	case verdict.Suspect:
		return k.ownKey && k.status == http.StatusUnauthorized
	}
	return k.status < 400 && k.status >= 300 || v.Page && x.endpoint != dialect.Other
}

// siteProblem returns a site's error in the form of our own, for a caller whose answer has
// begun.
func (x *exchange) siteProblem(k *keptAnswer) dialect.Problem {
	v := &k.outcome.verdict
	p := x.problem(k.status, v.Code, v.Message)
	if v.Status != 0 {
		p.Status = v.Status
	}
	if p.Status < 400 {
		p.Status = http.StatusBadGateway
	}
	if p.Message == "" {
		p.Message = k.channel + ": " + v.Reason
	}
	if p.Code == "" {
		p.Code = string(v.Means)
	}
	return p
}
