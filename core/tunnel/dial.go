package tunnel

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// minPatience is the least time a step of a connection gets, however short the
// keepalive's is.
const minPatience = 3 * time.Second

// dialer makes connections.
type dialer struct {
	way      []target
	patience time.Duration                                     // of each step; a silent link is noticed after as long
	silence  time.Duration                                     // after which the kernel may give a connection up
	judge    func(t target, key ssh.PublicKey, c *check) error // not nil: decides about each key; it is about keys only
	passed   func(Step, string)                                // told of each step that is done
}

func (d *dialer) done(s Step, text string) {
	if d.passed != nil {
		d.passed(s, text)
	}
}

// dial goes the whole way and logs in at its end.
func (d *dialer) dial(ctx context.Context) (*link, error) {
	checks := make([]*check, len(d.way))
	for i, t := range d.way {
		c, err := t.hostKeys.begin()
		if err != nil {
			return nil, err
		}
		checks[i] = c
	}
	last := checks[len(checks)-1]
	for {
		seen := len(last.shown)
		l, err := d.attempt(ctx, checks)
		if err == nil || last.problem == nil || len(last.shown) == seen || !last.another() || ctx.Err() != nil {
			return l, err
		}
	}
}

func (d *dialer) attempt(ctx context.Context, checks []*check) (*link, error) {
	first := d.way[0]
	dialing := net.Dialer{Timeout: d.patience}
	conn, err := dialing.DialContext(ctx, "tcp", first.address())
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unreachable(first.address(), err)
	}
	w := newWire(conn.(*net.TCPConn), d.silence)
	l := &link{wire: w, target: d.way[len(d.way)-1], dead: make(chan struct{})}
	d.done(StepConnect, "connected to "+first.address())
	var leg net.Conn = w
	for i, t := range d.way {
		if i > 0 {
			if leg, err = d.through(ctx, l, d.way[i-1], t); err != nil {
				l.close()
				return nil, err
			}
		}
		client, err := d.login(ctx, leg, t, checks[i])
		if err != nil {
			l.close()
			return nil, err
		}
		l.clients = append(l.clients, client)
		if i < len(d.way)-1 {
			if l.hurry(ctx, client, d.patience) && i == 0 {
				w.prompt.Store(true)
			}
		}
	}
	l.client = l.clients[len(l.clients)-1]
	l.hostKey = fingerprint(checks[len(checks)-1].shown[len(checks[len(checks)-1].shown)-1])
	go func() {
		_ = l.client.Wait() // why it ended is known from elsewhere, or nobody knows
		close(l.dead)
	}()
	return l, nil
}

// through reaches the next host by way of the last one.
func (d *dialer) through(ctx context.Context, l *link, by, t target) (net.Conn, error) {
	bounded, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	conn, err := l.clients[len(l.clients)-1].DialContext(bounded, "tcp", t.address())
	var refused *ssh.OpenChannelError
	switch {
	case err == nil:
		d.done(StepConnect, "connected to "+t.address()+" by way of "+by.address())
		return conn, nil
	case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
		return nil, failedAt(StepConnect, "the jump host %s forbids to go on to %s: AllowTcpForwarding must be on there", by.address(), t.address()).lasts()
	case errors.As(err, &refused):
		return nil, failedAt(StepConnect, "the jump host %s does not reach %s: %s", by.address(), t.address(), refused.Message)
	case bounded.Err() != nil && ctx.Err() == nil:
		return nil, failedAt(StepConnect, "the jump host %s does not reach %s within %s", by.address(), t.address(), d.patience)
	}
	return nil, failedAt(StepConnect, "the connection to the jump host %s broke: %s", by.address(), plain(err))
}

// login makes an SSH connection of a byte stream.
func (d *dialer) login(ctx context.Context, leg net.Conn, t target, c *check) (*ssh.Client, error) {
	with, err := t.creds.prepare()
	if d.judge != nil && err != nil {
		with, err = &login{}, nil // the last host is not logged in to
	}
	if err != nil {
		return nil, err
	}
	defer with.close()
	bounded, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	defer context.AfterFunc(bounded, func() { _ = leg.Close() })()
	var verified atomic.Bool
	verify := func(name string, remote net.Addr, key ssh.PublicKey) error {
		err := c.verify(name, remote, key)
		if err == nil {
			c.problem = nil
		}
		if d.judge != nil {
			if err = d.judge(t, key, c); err == nil {
				c.problem = nil
			}
		}
		if err == nil {
			verified.Store(true)
			d.done(StepHostKey, t.address()+" has the key "+fingerprint(key))
		}
		return err
	}
	sc, chans, reqs, err := ssh.NewClientConn(leg, t.address(), &ssh.ClientConfig{
		User: t.user, AuthCallback: with.next, HostKeyCallback: verify, HostKeyAlgorithms: c.algorithms, ClientVersion: "SSH-2.0-aitunnel",
	})
	if err == nil {
		d.done(StepLogin, "logged in as "+t.user+" with "+strings.Join(with.names, " or "))
		return ssh.NewClient(sc, chans, reqs), nil
	}
	_, hungUp := disconnected(err)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case c.problem != nil: // with a pinned key, perhaps of the attempt before
		return nil, c.problem
	case bounded.Err() != nil && verified.Load():
		return nil, failedAt(StepLogin, "%s takes more than %s to let %q in", t.address(), d.patience, t.user)
	case bounded.Err() != nil:
		return nil, failedAt(StepConnect, "%s takes the connection and says nothing within %s: is that an SSH server, and is it well?", t.address(), d.patience)
	case strings.Contains(err.Error(), "common algorithm for host key"):
		return nil, failedAt(StepHostKey, "%s no longer has a key of the kind that is known of it: if it was set up anew, remove its lines from %s and trust the new key with `aitunnel tunnel trust %s`", t.address(), strings.Join(c.keys.files, " and "), c.keys.tunnel).lasts()
	case verified.Load() && (with.refused || hungUp):
		return nil, with.rejected(t, err)
	case verified.Load():
		return nil, failedAt(StepLogin, "the login at %s broke off: %s", t.address(), plain(err))
	}
	return nil, failedAt(StepConnect, "%s breaks off before it says who it is: %s", t.address(), plain(err))
}

func makeDirOf(path string) error { return os.MkdirAll(filepath.Dir(path), 0o700) }
