package proxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// outcome is the result of an attempt.
type outcome struct {
	verdict   verdict.Verdict
	gone      bool // the caller disconnected, so nothing is known about the site
	noAnswer  bool // the attempt failed before an answer came
	timedOut  bool // no answer came in time
	unreached bool // there was no connection to the site
	ofEgress  bool // the egress failed, not the site
	noEgress  bool // and no other egress is left
	local     bool // the cause was on this machine, such as too many open files
	undecided bool // the whole request was sent, but no answer came: the site may be working on it
}

// goodOutcome is that of a good answer.
var goodOutcome = outcome{verdict: verdict.Verdict{Means: verdict.Good}}

func (o *outcome) good() bool { return !o.gone && o.verdict.Means == verdict.Good }

// ofChannel reports whether the channel as a whole failed.
func (o *outcome) ofChannel() bool {
	switch o.verdict.Means {
	case verdict.Overloaded, verdict.Broken, verdict.Blocked:
		return true
	}
	return false
}

// judge returns the outcome of the attempt.
func (a *attempt) judge(resp *http.Response, err error) outcome {
	x := a.exchange
	if a.location != "" && resp != nil {
		resp.Header["Location"] = []string{a.location}
	}
	switch {
	case x.callerGone():
		a.discard(resp)
		return outcome{gone: true}
	case err != nil:
		return a.failed(err)
	case a.broken != nil && !a.decided && !a.stream.Finished && (resp.StatusCode < 300 || len(a.head) == 0):
		return a.failed(a.broken)
	}
	answer := x.answerOf(resp)
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return goodOutcome
	case resp.StatusCode >= 300:
		answer.Body = a.decodedHead(resp.Header)
	case a.isFault():
		answer.Body, answer.Event, answer.Error = a.fault, a.found == dialect.Error, true
	case a.isEmpty(resp):
		answer.Empty = true
	case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
		return goodOutcome
	}
	v := a.verdicts().Judge(answer)
	a.keepUnknown(answer, v)
	return outcome{verdict: v}
}

// keepUnknown stores an answer that no rule recognizes, without the key that was
// sent.
func (a *attempt) keepUnknown(answer verdict.Answer, v verdict.Verdict) {
	keep := a.exchange.handler.unknown
	if keep == nil || !v.Unknown() {
		return
	}
	answer.Body, answer.Header = bytes.Clone(answer.Body), answer.Header.Clone()
	if m := a.exchange.masker(); m != nil {
		answer.Body = m.Mask(answer.Body)
		m.MaskHeader(answer.Header)
	}
	keep(unknown.Answer{Channel: a.exchange.pick.Channel.Config.Name, Answer: answer, Verdict: v})
}

func (a *attempt) verdicts() *verdict.Set {
	return a.exchange.site().verdicts
}

// answerOf returns what rules can test of an answer, without its body.
func (x *exchange) answerOf(resp *http.Response) verdict.Answer {
	return verdict.Answer{
		Request: verdict.Request{
			Dialect: x.dialect.String(), Endpoint: x.endpoint, Method: x.in.Method,
			Path: x.path.path, Model: x.sentModel(), Streamed: x.mode.Stream,
		},
		Status: resp.StatusCode, Header: resp.Header, Now: x.now(),
		SameOrigin: x.sameOrigin(x.attempt.location),
	}
}

// sameOrigin reports whether a redirect stays at the site.
func (x *exchange) sameOrigin(location string) bool {
	if location == "" {
		return false
	}
	u, err := url.Parse(location)
	if err != nil {
		return false
	}
	target := x.pick.Channel.Config.Target
	u = target.ResolveReference(u)
	return u.Scheme == target.Scheme && strings.EqualFold(u.Host, target.Host)
}

// failed returns the outcome of an attempt without an answer.
func (a *attempt) failed(err error) outcome {
	err = a.cause(err)
	o := outcome{noAnswer: true, timedOut: errors.Is(err, errFirstByte), undecided: a.status == 0 && a.sent}
	var failure *upstream.Error
	if errors.As(err, &failure) {
		o.unreached, o.ofEgress = failure.Dialing(), failure.Phase == upstream.Proxy
	}
	o.verdict = verdict.Verdict{Means: verdict.Broken, Scope: verdict.ScopeChannel, Failover: true, SameChannel: true, Reason: a.reason(err) + a.place(o.ofEgress)}
	if upstream.PhaseOf(err) == upstream.Local {
		o.local, o.verdict.Scope = true, verdict.ScopeNone // nothing was sent to the site
	}
	return o
}

// place returns what did not answer, in parentheses: the egress or the host of the site.
func (a *attempt) place(ofEgress bool) string {
	switch {
	case ofEgress && a.egress.name != "":
		return " (egress " + a.egress.name + ")"
	case a.status != 0:
		return "" // it answered: the name of the channel is enough
	}
	return " (" + a.exchange.pick.Channel.Config.Target.Host + ")"
}

// reason describes the error of an attempt. It never contains a URL, which may contain
// a key, nor anything that a site sent.
func (a *attempt) reason(err error) string {
	var op *net.OpError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errFirstByte):
		return fmt.Sprintf("no answer within %s", wording.Duration(a.limits.FirstByte))
	case errors.Is(err, errStreamIdle):
		return fmt.Sprintf("the answer stalled for %s", wording.Duration(a.limits.StreamIdle))
	case errors.Is(err, ErrShutdown):
		return err.Error()
	}
	var failure *upstream.Error
	if errors.As(err, &failure) && failure.Text() != "" {
		return failure.Text()
	}
	switch {
	case errors.As(err, &dns):
		return "cannot resolve the host name"
	case errors.As(err, &record):
		return "the site does not speak TLS on this port: does its address begin with http://?"
	case errors.As(err, &verification):
		return "TLS failed: " + certificateReason(verification.Err)
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls: an alert
		return "TLS failed: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case errors.As(err, &op) && op.Op == "dial":
		return "cannot connect: " + systemError(op.Err)
	case isTimeout(failure):
		if failure.Phase == upstream.TLS {
			return fmt.Sprintf("no TLS handshake within %s", wording.Duration(a.limits.Connect))
		}
		return fmt.Sprintf("no connection within %s", wording.Duration(a.limits.Connect))
	case a.answered.Load():
		return "the answer was cut off"
	}
	return "the connection broke before an answer"
}

func isTimeout(e *upstream.Error) bool { return e != nil && e.Timeout() }

// certificateReason returns what is wrong with a certificate.
func certificateReason(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "the certificate is for another host"
	case errors.As(err, &authority):
		return "the certificate is signed by an unknown authority"
	case errors.As(err, &invalid):
		return "the certificate is not valid: " + invalid.Error()
	}
	return "the certificate is not trusted"
}

// noBodyStatus reports whether an answer with this status has no body.
func noBodyStatus(status int) bool {
	return status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

// late returns the outcome of a stream with an error after its first content. The
// request cannot be sent again, but the state of channel and key is updated.
func (a *attempt) late(resp *http.Response) outcome {
	answer := a.exchange.answerOf(resp)
	answer.Body, answer.Event, answer.Error = a.fault, true, true
	return outcome{verdict: a.verdicts().Judge(answer)}
}

// systemError returns the text of a system error without the name of the call.
func systemError(err error) string {
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}
