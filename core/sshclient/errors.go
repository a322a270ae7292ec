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

// Step is a part of the way to a working connection.
type Step string

// The steps, in order.
const (
	StepResolve Step = "resolve"
	StepConnect Step = "connect"
	StepHostKey Step = "host_key"
	StepLogin   Step = "login"
)

// Error is why a step failed: one sentence that says what happened, with which
// value, and what to do.
type Error struct {
	Step      Step
	Text      string
	Permanent bool          // trying again alone will not help
	Key       *UntrustedKey // the host's key, if that is why

	cause error
}

// Error is for error.
func (e *Error) Error() string { return e.Text }

// Unwrap returns what led to the error, nil if that is all there is to say.
func (e *Error) Unwrap() error { return e.cause }

// IsPermanent reports whether trying again alone will not help.
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

// unreachable returns why a host cannot be reached.
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
		return temporary(StepConnect, "%s refuses the connection: is sshd running there, and is this its port?", address)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return temporary(StepConnect, "%s does not answer: is the machine running, and does a firewall let this port through?", address)
	}
	cause := err
	for u := errors.Unwrap(cause); u != nil; u = errors.Unwrap(cause) {
		cause = u
	}
	return temporary(StepConnect, "%s cannot be reached: %s", address, Plain(cause))
}

// withoutPorts takes the addresses of one attempt out of a text such as "read
// udp 10.0.0.1:4242->10.0.0.2:53: connection refused", so that the same fault
// gives the same text.
func withoutPorts(text string) string {
	if i := strings.LastIndex(text, ": "); i >= 0 && strings.Contains(text[:i], "->") {
		return text[i+2:]
	}
	return text
}

// Plain returns an error of the SSH library without the library's name, and one of
// the network without the ports of this attempt: the same fault then gives the
// same text.
func Plain(err error) string {
	var network *net.OpError
	if errors.As(err, &network) {
		err = network.Err
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ssh: "), "handshake failed: ")
}
