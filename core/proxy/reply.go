package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// requestIDHeader is the header of the answer with our ID of the request. The site may
// use X-Request-Id or Request-Id.
const requestIDHeader = "X-Aitunnel-Request-Id"

// setRequestID sets our ID of the request, also where the SDKs of OpenAI and Anthropic look for one,
// unless the site set it.
func setRequestID(h http.Header, d dialect.Dialect, id string) {
	value := []string{id}
	h[requestIDHeader] = value
	if h["X-Request-Id"] == nil {
		h["X-Request-Id"] = value
	}
	if d == dialect.Anthropic && h["Request-Id"] == nil {
		h["Request-Id"] = value
	}
}

// fault is an error answer of our own.
type fault struct {
	status  int
	code    string // for programs
	message string // for people
	final   bool   // sending the request again cannot help
}

func (x *exchange) problem(status int, code, message string) dialect.Problem {
	return dialect.Problem{Status: status, Code: code, Message: message, RequestID: x.record.ID}
}

// codeRefusedByPlan is the code of an answer whose message has words of a plugin.
const codeRefusedByPlan = "refused_by_plan"

// refuse answers with an error of our own.
func (x *exchange) refuse(f fault) {
	x.record.Error = f.code
	if len(x.record.Attempts) == 0 && f.code != codeRefusedByPlan { // no words of sites and plugins
		x.record.Message = f.message
	}
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	x.caller.finish()
	p := x.problem(f.status, f.code, f.message)
	if x.caller.hasBegun() {
		x.record.Status = http.StatusOK
		x.writeErrorEvent(p)
		return
	}
	x.record.Status = f.status
	if !x.body.whole.Load() {
		answerAtOnce(x.caller.w, x.in)
	}
	f.write(x.caller.w, x.dialect, p)
}

const (
	// arrivalTime is how long a refused request waits for the rest of its body. If it
	// arrives, the connection can be used for another request.
	arrivalTime = 50 * time.Millisecond
	// restTime is how long the rest may take after the answer, before the connection
	// is closed.
	restTime = 2 * time.Second

	maxDrain = 256 << 10
)

// answerAtOnce sends the answer before the request's body has arrived, for which the
// server would otherwise wait.
func answerAtOnce(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	if r.Body == nil || r.ContentLength == 0 || r.Header["Expect"] != nil || c.SetReadDeadline(time.Now().Add(arrivalTime)) != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, r.Body, maxDrain); errors.Is(err, io.EOF) {
		_ = c.SetReadDeadline(time.Time{})
		return
	}
	w.Header()["Connection"] = []string{"close"}
	_ = c.SetReadDeadline(time.Now().Add(restTime))
}

// write answers with f in the shape of the API.
func (f fault) write(w http.ResponseWriter, d dialect.Dialect, p dialect.Problem) {
	body := d.ErrorBody(p)
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body) + 1)}
	setRequestID(h, d, p.RequestID)
	if f.final {
		h["X-Should-Retry"] = []string{"false"}
	}
	w.WriteHeader(f.status)
	_, _ = w.Write(append(body, '\n'))
}

// explainFailure answers if no channel did: with 502 and what was tried, or with 503
// and why nothing could be tried.
func (x *exchange) explainFailure() {
	if x.timedOut {
		x.setRetryAfter()
		x.refuse(fault{status: http.StatusTooManyRequests, code: "channels_at_limit", message: fmt.Sprintf("every channel that could answer is at its limit, and none became free within %s", wording.Duration(x.client.config.Limit.Wait))})
		return
	}
	if len(x.record.Attempts) == 0 {
		x.explainSkips()
		return
	}
	f := fault{status: http.StatusBadGateway, code: "channel_unavailable", final: true}
	var causes []string
	tooLarge := true
	for _, a := range x.record.Attempts {
		tooLarge = tooLarge && verdict.Means(a.Means) == verdict.TooLarge
		cause := a.Channel + ": " + a.Error
		if !slices.Contains(causes, cause) {
			causes = append(causes, cause)
		}
		f.final = f.final && isLasting(verdict.Means(a.Means))
		if a.Verdict == event.VerdictLocal {
			f.status = http.StatusServiceUnavailable
		}
	}
	f.final = f.final || x.longOutage()
	f.status = x.statusOf(f)
	if tooLarge {
		f.status = http.StatusRequestEntityTooLarge // which agents know: they send less
	}
	f.message = "no channel could answer: " + strings.Join(causes, "; ")
	if !f.final || x.waits() {
		x.setRetryAfter()
	}
	x.refuse(f)
}

// statusOf returns the status of f. Some clients retry every 5xx, whatever
// X-Should-Retry says, so a fault for which retries are useless gets a status that
// they do not retry: Codex sends a request 30 times for a 502, 6 times for a 424 and
// once for a 400; Gemini CLI retries a 502 for minutes, and a 424 not at all.
func (x *exchange) statusOf(f fault) int {
	switch {
	case f.final && x.format == dialect.Responses:
		return http.StatusBadRequest
	case f.final && x.dialect == dialect.Gemini:
		return http.StatusFailedDependency
	}
	return f.status
}

// isLasting reports whether the cause of a verdict does not pass by itself within a
// minute or so.
func isLasting(m verdict.Means) bool {
	switch m {
	case verdict.InvalidKey, verdict.QuotaSpent, verdict.NoAccess, verdict.NoModel, verdict.NoEndpoint, verdict.Blocked, verdict.Refused, verdict.Suspect, verdict.Declined, verdict.TooLarge:
		return true
	}
	return false
}

// maxPassedOver is the maximum number of skipped channels in a record.
const maxPassedOver = 8

// explainSkips answers when no channel was available.
func (x *exchange) explainSkips() {
	if x.walk.NoneServesModel() {
		x.refuse(fault{http.StatusNotFound, "model_not_found", fmt.Sprintf("no channel of the route %s serves the model %q", x.record.Route, x.record.Model), true})
		return
	}
	f := fault{status: http.StatusServiceUnavailable, code: "channel_unavailable", final: true}
	if reason, refused := x.walk.Refusal(); refused {
		f.code, f.message = codeRefusedByPlan, fmt.Sprintf("the strategy of the route %s lets no channel serve: %s", x.record.Route, reason)
		f.status = x.statusOf(f)
		x.refuse(f)
		return
	}
	var causes []string
	skips := x.walk.Skips(x.now())
	x.recordPassedOver(skips[:min(len(skips), maxPassedOver)])
	for _, s := range skips {
		if s.Why == channel.SkipModelNotServed {
			continue // other channels serve it
		}
		causes = append(causes, s.Channel+": "+s.Why.Text())
		switch s.Why {
		case channel.SkipPaused, channel.SkipInvalidKey, channel.SkipQuotaSpent:
		case channel.SkipNoKey:
			f.final = f.final && !x.waits()
		default:
			f.final = false
		}
	}
	f.final = f.final || x.longOutage()
	f.status = x.statusOf(f)
	f.message = "no channel is available: " + strings.Join(causes, "; ")
	if !f.final || x.waits() {
		x.setRetryAfter()
	}
	x.refuse(f)
}

// longTime is how long all channels must have been out of service before callers are
// told not to retry. Until then the outage may end while they wait: an agent retries
// for some minutes, and after that its user wants to know.
const longTime = 30 * time.Second

func (x *exchange) longOutage() bool {
	since := x.walk.AllOutSince()
	return !since.IsZero() && x.now().Sub(since) >= longTime
}

// waits reports whether a candidate will be available by itself.
func (x *exchange) waits() bool {
	_, ok := x.walk.NextAvailable(x.now())
	return ok
}

// maxRetryAfter is the longest Retry-After; programs have no use for a longer one.
const maxRetryAfter = 24 * time.Hour

// setRetryAfter tells the caller when a candidate will be available, or a short time
// if that is unknown.
func (x *exchange) setRetryAfter() {
	now, wait := x.now(), time.Duration(0)
	if at, ok := x.walk.NextAvailable(now); ok && at.After(now) {
		wait = min(at.Sub(now), maxRetryAfter)
	}
	x.caller.w.Header()["Retry-After"] = []string{strconv.Itoa(int(wait/time.Second) + 1)}
}
