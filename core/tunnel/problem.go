package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Step is a part of the way to a tunnel.
type Step string

// The steps, in order.
const (
	StepFind    Step = "find the host"
	StepConnect Step = "connect"
	StepHostKey Step = "check the host key"
	StepLogin   Step = "log in"
	StepRun     Step = "run a command"
	StepOpen    Step = "open the forward"
	StepProbe   Step = "send a request through it"
)

// problem is why a step failed: one sentence about what, with which value, and
// what to do.
type problem struct {
	step    Step
	text    string
	lasting bool // another try alone will not help
}

func (p *problem) Error() string { return p.text }

func failedAt(step Step, format string, args ...any) *problem {
	return &problem{step: step, text: fmt.Sprintf(format, args...)}
}

// lasts marks a problem that somebody has to do something about.
func (p *problem) lasts() *problem {
	p.lasting = true
	return p
}

// isLasting says that another try alone will not help.
func isLasting(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.lasting
}

// unreachable says in plain words why a host cannot be reached.
func unreachable(address string, err error) *problem {
	var dns *net.DNSError
	host, _, _ := net.SplitHostPort(address)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return failedAt(StepFind, "there is no host %q: neither ~/.ssh/config nor the DNS knows it; write its address as the tunnel's host", host)
	case errors.As(err, &dns):
		return failedAt(StepFind, "the host %q cannot be looked up: %s; is this machine online?", host, dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failedAt(StepConnect, "%s refuses the connection: is sshd running there, and is this its port?", address)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return failedAt(StepConnect, "%s does not answer: is the machine up, and does a firewall let this port through?", address)
	}
	cause := err
	for u := errors.Unwrap(cause); u != nil; u = errors.Unwrap(cause) {
		cause = u
	}
	return failedAt(StepConnect, "%s cannot be reached: %s", address, plain(cause))
}

// plain shows an error of the SSH library without the library's name, and one
// of the network without the ports of this attempt: the same trouble is then
// told in the same words.
func plain(err error) string {
	var network *net.OpError
	if errors.As(err, &network) {
		err = network.Err
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ssh: "), "handshake failed: ")
}
