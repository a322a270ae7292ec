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

// Limits of the text before a server's version, in bytes.
const (
	maxGreeting = 512     // that is kept
	maxText     = 1 << 20 // that is read
)

var errNoVersion = errors.New("no SSH version was received")

// greeting is a connection without the text before the server's version. It keeps the
// beginning of that text, in which sshd explains why it refuses a connection. The library
// accepts shorter lines than OpenSSH does.
type greeting struct {
	net.Conn
	unread []byte // was received with the version

	mu   sync.Mutex
	text []byte // the beginning of what precedes the version
	over bool   // the version was received
}

// Read implements net.Conn. It must not be called concurrently.
func (g *greeting) Read(p []byte) (int, error) {
	if !g.isOver() {
		if err := g.skip(); err != nil {
			return 0, err
		}
	}
	if len(g.unread) > 0 {
		n := copy(p, g.unread)
		g.unread = g.unread[n:]
		return n, nil
	}
	return g.Conn.Read(p)
}

func (g *greeting) isOver() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// skip reads up to the version.
func (g *greeting) skip() error {
	var received []byte
	piece := make([]byte, 4<<10)
	for total := 0; total < maxText; {
		n, err := g.Conn.Read(piece)
		total += n
		received = append(received, piece[:n]...)
		g.mu.Lock()
		g.text = append(g.text, piece[:min(n, maxGreeting-len(g.text))]...)
		for more := true; more && !g.over; {
			if g.over = bytes.HasPrefix(received, []byte("SSH-")); !g.over {
				var next []byte
				if _, next, more = bytes.Cut(received, []byte("\n")); more {
					received = next
				}
			}
		}
		g.mu.Unlock()
		if g.isOver() {
			g.unread = received
			return nil
		}
		if err != nil {
			return err
		}
	}
	return errNoVersion
}

// line returns the first line that the server sent instead of its version, "" if it sent
// the version.
func (g *greeting) line() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return ""
	}
	text, _, _ := strings.Cut(string(g.text), "\n")
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
	case line != "" && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errNoVersion)):
		return temporary(StepConnect, "%s sends %q, but no SSH version: is this the port of its SSH server?", address, line)
	case line != "":
		return temporary(StepConnect, "%s refuses the connection with %q", address, line)
	}
	reason := "" // closing needs none
	if !errors.Is(err, io.EOF) {
		reason = ": " + ErrorText(err)
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
