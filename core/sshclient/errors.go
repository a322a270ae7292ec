package sshclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Step is a step of connecting.
type Step string

// The steps, in order.
const (
	StepResolve Step = "resolve"
	StepConnect Step = "connect"
	StepHostKey Step = "host_key"
	StepLogin   Step = "login"
)

// Error says why a step failed: what happened, with which value, and what to do.
type Error struct {
	Step      Step
	Text      string
	Permanent bool          // retrying will not help until something is corrected
	Key       *UntrustedKey // the host's key, if it is the reason

	cause error
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.cause }

// IsPermanent reports whether retrying will not help until something is corrected.
func IsPermanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Permanent
}

func temporary(step Step, format string, args ...any) *Error {
	return &Error{Step: step, Text: fmt.Sprintf(format, args...)}
}

func permanent(step Step, format string, args ...any) *Error {
	return &Error{Step: step, Text: fmt.Sprintf(format, args...), Permanent: true}
}

// unreachable returns the error for a host that cannot be reached.
func unreachable(address string, err error) *Error {
	var dns *net.DNSError
	host, _, _ := net.SplitHostPort(address)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return temporary(StepResolve, "the host %q does not exist: neither ssh_config nor the DNS knows it; correct host in the tunnel", host)
	case errors.As(err, &dns) && dns.IsTimeout:
		return temporary(StepResolve, "the DNS does not answer the query for %q in time; is this machine online?", host)
	case errors.As(err, &dns):
		return temporary(StepResolve, "the DNS cannot answer the query for %q: %s; is this machine online?", host, withoutPorts(dns.Err))
	case errors.Is(err, syscall.ECONNREFUSED):
		return temporary(StepConnect, "%s refuses the connection: is sshd running there, on this port?", address)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return temporary(StepConnect, "%s does not answer: is the machine running, and does a firewall allow this port?", address)
	}
	cause := err
	for u := errors.Unwrap(cause); u != nil; u = errors.Unwrap(cause) {
		cause = u
	}
	return temporary(StepConnect, "%s cannot be reached: %s", address, ErrorText(cause))
}

// withoutPorts removes the addresses from a text such as "read udp
// 10.0.0.1:4242->10.0.0.2:53: connection refused", so that the same fault always has the
// same text.
func withoutPorts(text string) string {
	if i := strings.LastIndex(text, ": "); i >= 0 && strings.Contains(text[:i], "->") {
		return text[i+2:]
	}
	return text
}

// ErrorText returns the text of an error without the name of the SSH library, and without the
// ports of this attempt: the same fault then always has the same text.
func ErrorText(err error) string {
	var network *net.OpError
	if errors.As(err, &network) {
		err = network.Err
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ssh: "), "handshake failed: ")
}
