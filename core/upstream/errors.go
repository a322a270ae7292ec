package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Phase is the phase in which a request failed.
type Phase string

// The phases. Local is for a shortage on this machine, such as of descriptors.
const (
	Resolve   Phase = "resolve"
	Connect   Phase = "connect"
	Proxy     Phase = "proxy" // the egress failed: the site was not reached
	TLS       Phase = "tls"
	Stale     Phase = "stale" // the site had closed a connection that was kept for reuse
	Write     Phase = "write"
	NoAnswer  Phase = "no_answer" // the connection broke before the head of an answer
	BadAnswer Phase = "bad_answer"
	Canceled  Phase = "canceled"
	Local     Phase = "local"
)

// Sent says how much of a request was written to a connection.
type Sent int

// A site may process a request of which it received only a part.
const (
	SentNothing Sent = iota
	SentPart
	SentAll
)

// Error says why there is no answer.
type Error struct {
	Phase Phase
	Sent  Sent
	Err   error
}

func (e *Error) Error() string { return string(e.Phase) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a connection was not ready in time.
func (e *Error) Timeout() bool { return e.Dialing() && errors.Is(e.Err, os.ErrDeadlineExceeded) }

// Dialing reports whether there was no connection, so that the site did not receive any
// of the request.
func (e *Error) Dialing() bool {
	switch e.Phase {
	case Resolve, Connect, Proxy, TLS:
		return true
	}
	return false
}

// Text describes an error of this package for users. It is "" for others: an error of
// net/http may quote a URL, or the site's answer.
func (e *Error) Text() string {
	var op *net.OpError
	switch {
	case e.Phase == Local && isShortage(e.Err):
		return "this machine has no free file descriptors, ports or memory: see ulimit -n"
	case e.Phase == Proxy && errors.As(e.Err, &op) && op.Op == "dial":
		return "the proxy cannot be reached: " + systemText(op.Err)
	case e.Phase == Proxy && errors.Is(e.Err, os.ErrDeadlineExceeded):
		return "the proxy did not answer in time"
	}
	for _, own := range []error{errStatus, errUnrequestedUpgrade, errHeaderSize, errFields, errInformational, errInvalid} {
		if errors.Is(e.Err, own) {
			return own.Error()
		}
	}
	switch e.Phase {
	case Proxy, Connect:
		var text Reason
		if errors.As(e.Err, &text) {
			return text.Error()
		}
		if e.Phase == Proxy {
			return proxyText(e.Err)
		}
	case BadAnswer:
		return "the answer is not valid HTTP"
	}
	return ""
}

// proxyText says why a proxy could not be used. A certificate's names are not repeated.
func proxyText(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return "the host name of the proxy cannot be resolved"
	case errors.As(err, &record):
		return "the proxy does not speak TLS on this port: does its URL begin with http://?"
	case errors.As(err, &host):
		return "TLS with the proxy failed: its certificate is for another host"
	case errors.As(err, &authority):
		return "TLS with the proxy failed: its certificate is from an authority that this machine does not trust"
	case errors.As(err, &certificate):
		return "TLS with the proxy failed: its certificate is not valid"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op):
		return "the proxy closed the connection"
	}
	return "the egress failed"
}

// Reason says why an egress failed. It may be shown to users.
type Reason string

func (e Reason) Error() string { return string(e) }

// systemText returns an error of the system without the name of the call.
func systemText(err error) string {
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// PhaseOf returns the phase in which err occurred, "" if it is unknown.
func PhaseOf(err error) Phase {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Phase
	}
	return ""
}

var (
	errStatus             = errors.New("the status of the answer is not between 100 and 599")
	errUnrequestedUpgrade = errors.New("the site switched protocols without a request to do so")
	errHeaderSize         = errors.New("the header of the answer is larger than 256 KiB")
	errFields             = errors.New("the answer has more than 1,000 header fields")
	errInformational      = errors.New("more than 20 informational answers came before the answer")
	errProxyLogin         = Reason("the proxy refuses the user and password")
	errInvalid            = errors.New("the request has a header that cannot be sent")
)

// failed returns the error of a connection that could not be established.
func failed(ctx context.Context, phase Phase, err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known
	case isShortage(err):
		phase = Local
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), errTimeout):
		err = os.ErrDeadlineExceeded
	case ctx.Err() != nil:
		phase, err = Canceled, context.Cause(ctx)
	}
	return &Error{Phase: phase, Err: err}
}

// errTimeout ends the context of a connection that is not ready in time.
var errTimeout = errors.New("no connection in time")

// isShortage reports whether this machine lacks descriptors, memory or ports.
func isShortage(err error) bool {
	for _, no := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
