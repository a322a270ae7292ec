package sshclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxGreeting is how much is kept of what a server sends before its version, in bytes.
const maxGreeting = 512

// greeting is a connection that keeps the text before the server's version, in which sshd
// explains why it refuses a connection.
type greeting struct {
	net.Conn

	mu       sync.Mutex
	received []byte
	over     bool // the version was received, or too much text
}

// Read implements net.Conn.
func (g *greeting) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.received = append(g.received, p[:n]...)
		g.over = len(g.received) > maxGreeting || bytes.HasPrefix(g.received, []byte("SSH-")) || bytes.Contains(g.received, []byte("\nSSH-"))
	}
	return n, err
}

// line returns the first line that the server sent instead of its version, "" if it sent
// the version.
func (g *greeting) line() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over && bytes.Contains(g.received, []byte("SSH-")) {
		return ""
	}
	text, _, _ := strings.Cut(string(g.received), "\n")
	return strings.ToValidUTF8(strings.TrimSpace(text), "?")
}

// explain returns the error for a connection that ended before the login.
func (g *greeting) explain(address string, err error) *Error {
	if end := disconnectReason(err); end.sent {
		return temporary(StepConnect, "%s ended the connection before the login: %q", address, cmp.Or(end.text, "no reason"))
	}
	switch line := g.line(); {
	case strings.Contains(line, "Not allowed at this time"):
		return permanent(StepConnect, "%s temporarily refuses connections from this address (%q), as PerSourcePenalties in its sshd_config does after failed logins; correct the login, then wait", address, line)
	case strings.Contains(line, "MaxStartups"):
		return temporary(StepConnect, "%s has too many connections that have not logged in yet (%q): it is being scanned, or MaxStartups in its sshd_config is too low", address, line)
	case strings.HasPrefix(line, "HTTP/"):
		return temporary(StepConnect, "%s answers like a web server (%q): is this the port of its SSH server?", address, line)
	case strings.HasPrefix(line, "\x15\x03"):
		return temporary(StepConnect, "%s answers like a web server with TLS: is this the port of its SSH server?", address)
	case line != "" && errors.Is(err, os.ErrDeadlineExceeded):
		return temporary(StepConnect, "%s sends %q, but no SSH version: is this the port of its SSH server?", address, line)
	case line != "":
		return temporary(StepConnect, "%s refuses the connection with %q", address, line)
	}
	reason := "" // closing needs none
	if !errors.Is(err, io.EOF) {
		reason = ": " + Plain(err)
	}
	return temporary(StepConnect, "%s closed the connection before it presented a key%s; the cause may be a firewall, a ban of this address, or MaxStartups in its sshd_config", address, reason)
}

// stepTimer limits the time of a step, and can be extended.
type stepTimer struct {
	timer *time.Timer
	fired atomic.Bool
	undo  func() bool
}

// newStepTimer calls abort after d, or when ctx ends.
func newStepTimer(ctx context.Context, d time.Duration, abort func()) *stepTimer {
	t := &stepTimer{}
	t.timer = time.AfterFunc(d, func() {
		t.fired.Store(true)
		abort()
	})
	t.undo = context.AfterFunc(ctx, abort)
	return t
}

// extend gives the step d from now.
func (t *stepTimer) extend(d time.Duration) {
	if t.timer.Stop() {
		t.timer.Reset(d)
	}
}

func (t *stepTimer) expired() bool { return t.fired.Load() }

func (t *stepTimer) stop() {
	t.timer.Stop()
	t.undo()
}
