package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// link is a connection to a tunnel's host that stands.
type link struct {
	wire    *wire
	clients []*ssh.Client // jump hosts first
	client  *ssh.Client   // the host itself
	target  target
	hostKey string // fingerprint
	dead    chan struct{}

	mu    sync.Mutex
	cause error // why it was given up
}

// close ends the connection, whatever state it is in.
func (l *link) close() {
	_ = l.wire.Close() // first, as the rest may wait for an answer
	for _, c := range l.clients {
		_ = c.Close()
	}
}

// giveUp closes the link for a reason.
func (l *link) giveUp(err error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = err
	}
	l.mu.Unlock()
	l.close()
}

// why is the reason for which the link ended.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil {
		return l.cause
	}
	return failedAt(StepConnect, "%s closed the connection", l.target.address())
}

// keepAlive asks for a sign of life at the interval, and gives the link up when
// there is none. sleep is when the machine slept meanwhile: then the link is
// likely dead, and the wait for a sign is short.
func (l *link) keepAlive(k config.Keepalive) {
	ticks := time.NewTicker(k.Interval)
	defer ticks.Stop()
	last := time.Now()
	for {
		select {
		case <-l.dead:
			return
		case <-ticks.C:
		}
		patience := k.Timeout
		if slept(last) {
			patience = min(patience, minPatience)
		}
		last = time.Now()
		if !l.alive(patience) {
			l.giveUp(failedAt(StepConnect, "%s has gone silent: no sign of life within %s", l.target.address(), patience))
			return
		}
	}
}

// alive waits for an answer, or anything else that comes. The request itself
// never returns on a silent link, so it has a goroutine, which ends with the
// link.
func (l *link) alive(patience time.Duration) bool {
	answered := make(chan struct{})
	go func() {
		_, _, _ = l.client.SendRequest("keepalive@openssh.com", true, nil) // a refusal is a sign of life too
		close(answered)
	}()
	for {
		asked := time.Now()
		timer := time.NewTimer(patience)
		select {
		case <-answered:
		case <-l.dead:
		case <-timer.C:
			if l.wire.heardSince(asked) {
				continue
			}
			return false
		}
		timer.Stop()
		return true
	}
}

// maxOutput is as much of a command's output as is read.
const maxOutput = 16 << 10

// errNoSession says that the account may not have sessions at all.
var errNoSession = errors.New("the account may not open a session")

// run runs a command on the host and returns what it prints, errNoSession if
// not even that can be asked for.
func (l *link) run(ctx context.Context, command string) (string, error) {
	return run(ctx, l.client, command)
}

func run(ctx context.Context, client *ssh.Client, command string) (string, error) {
	type outcome struct {
		text string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		s, err := client.NewSession()
		if err != nil {
			done <- outcome{"", fmt.Errorf("%w: %w", errNoSession, err)}
			return
		}
		defer func() { _ = s.Close() }() // the far side has ended it
		stop := context.AfterFunc(ctx, func() { _ = s.Close() })
		defer stop()
		out := &bounded{left: maxOutput}
		s.Stdout = out
		err = s.Run(command)
		done <- outcome{out.String(), err}
	}()
	select {
	case o := <-done:
		return o.text, o.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// hurry makes the sshd of a jump host send without delay, which it does once a
// session has asked for a command, and says whether it does. It goes on more
// slowly without.
func (l *link) hurry(ctx context.Context, client *ssh.Client, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := run(ctx, client, "true")
	return err == nil
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	_, _ = b.Buffer.Write(p[:n]) // never fails
	return len(p), nil
}

var _ io.Writer = (*bounded)(nil)
