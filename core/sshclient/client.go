package sshclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// Client is an SSH connection to a host, which ends when it is closed or lost.
type Client struct {
	wire    *wire
	clients []*ssh.Client // jump hosts first
	client  *ssh.Client   // of the host
	hop     Hop
	hostKey string // fingerprint
	traffic *Traffic
	done    chan struct{}

	mu    sync.Mutex
	cause error // why it ended
}

func newClient(w *wire, h Hop, t *Traffic) *Client {
	return &Client{wire: w, hop: h, traffic: t, done: make(chan struct{})}
}

// start starts monitoring a connection that has logged in.
func (c *Client) start(hostKey string, k config.Keepalive) {
	c.client = c.clients[len(c.clients)-1]
	c.hostKey = hostKey
	go func() {
		err := c.client.Wait()
		c.fail(c.lost(err))
		close(c.done)
	}()
	go c.keepAlive(k)
}

// Close ends the connection, whatever state it is in.
func (c *Client) Close() {
	_ = c.wire.Close() // first, since the others may wait for an answer
	for _, s := range c.clients {
		_ = s.Close()
	}
}

// fail records why the connection ends, unless a cause is already known.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = err
	}
}

// lost returns the error of a connection that broke.
func (c *Client) lost(err error) *Error {
	if cause := c.wire.failure(); cause != nil {
		err = cause
	}
	if err != nil {
		if end := disconnectReason(err); end.sent {
			return temporary(StepConnect, "%s ended the connection: %q", c.Address(), cmp.Or(end.text, "no reason"))
		}
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return temporary(StepConnect, "%s closed the connection", c.Address())
	}
	return temporary(StepConnect, "the connection to %s was lost: %s", c.Address(), ErrorText(err))
}

// Done returns a channel that is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns why the connection ended, nil while it is up.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Address returns the address of the host, as host:port.
func (c *Client) Address() string { return c.hop.Address() }

// Host returns the host's name or address.
func (c *Client) Host() string { return c.hop.host }

// User returns the user who is logged in.
func (c *Client) User() string { return c.hop.user }

// HostKey returns the fingerprint of the host's key.
func (c *Client) HostKey() string { return c.hostKey }

// Direct reports whether the connection uses no jump host.
func (c *Client) Direct() bool { return len(c.clients) == 1 }

// RemoteAddr returns the address of the route's first host.
func (c *Client) RemoteAddr() net.Addr { return c.wire.RemoteAddr() }

// DialContext connects from the host to an address: "tcp" with host:port, or
// "unix" with the path of a socket.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.client.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return c.newStream(conn), nil
}

// Listen asks the host to listen. It returns early when ctx ends; a listener that the
// host opens later is closed with the connection.
func (c *Client) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	type outcome struct {
		listener net.Listener
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		l, err := c.client.Listen(network, address)
		done <- outcome{l, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		return &listener{Listener: o.listener, client: c}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listener gives connections deadlines and counts them.
type listener struct {
	net.Listener
	client  *Client
	closing sync.Once
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.client.traffic.Accepted.Add(1)
	return l.client.newStream(conn), nil
}

// Close implements net.Listener. It asks the host only once.
func (l *listener) Close() (err error) {
	l.closing.Do(func() { err = l.Listener.Close() })
	return err
}

// maxOutput is how much of a command's output is read, in bytes.
const maxOutput = 16 << 10

// ErrNoSession is the error of an account that may not open sessions.
var ErrNoSession = errors.New("the account may not open a session")

// ErrPasswordExpired is the error of an account that may do nothing but change its password,
// also if it logs in with a key.
var ErrPasswordExpired = errors.New("the account has to change its password")

// isPasswordExpired reports whether sshd says that it runs passwd instead of a command.
func isPasswordExpired(messages string) bool {
	return strings.Contains(messages, "assword change required") || strings.Contains(messages, "assword has expired")
}

// Run runs a command on the host and returns its output, or ErrNoSession if the account
// may not open sessions. From then on OpenSSH sends small packets without delay.
func (c *Client) Run(ctx context.Context, command string) (string, error) {
	text, err := run(ctx, c.client, command)
	if c.Direct() && !errors.Is(err, ErrNoSession) && ctx.Err() == nil && isOpenSSH(c.client) {
		c.wire.noDelay.Store(true)
	}
	return text, err
}

// askForNoDelay makes the sshd of a jump host set TCP_NODELAY, which it does when a
// session runs a command. Otherwise the connection is slower.
func (c *Client) askForNoDelay(ctx context.Context, client *ssh.Client, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, min(timeout, MinStepTimeout))
	defer cancel()
	_, err := run(ctx, client, "true")
	if err == nil && len(c.clients) == 1 && isOpenSSH(client) {
		c.wire.noDelay.Store(true)
	}
}

// isOpenSSH reports whether the server is OpenSSH, which sends without delay once it has
// run a command. Dropbear never does.
func isOpenSSH(client *ssh.Client) bool { return strings.HasPrefix(software(client), "OpenSSH") }

// software returns the software version that a server announces.
func software(client *ssh.Client) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(string(client.ServerVersion()), "SSH-"), "-")
	return name
}

// Software returns the name and version of the host's SSH server, such as
// OpenSSH_9.2p1.
func (c *Client) Software() string { return software(c.client) }

func run(ctx context.Context, client *ssh.Client, command string) (string, error) {
	type outcome struct {
		text string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		s, err := client.NewSession()
		if err != nil {
			done <- outcome{"", fmt.Errorf("%w: %w", ErrNoSession, err)}
			return
		}
		defer func() { _ = s.Close() }() // the host has ended it
		stop := context.AfterFunc(ctx, func() { _ = s.Close() })
		defer stop()
		out, messages := &boundedBuffer{left: maxOutput}, &boundedBuffer{left: maxOutput}
		s.Stdout, s.Stderr = out, messages
		if err = s.Run(command); err != nil && isPasswordExpired(messages.String()) {
			err = fmt.Errorf("%w: %w", ErrPasswordExpired, err)
		}
		done <- outcome{out.String(), err}
	}()
	select {
	case o := <-done:
		return o.text, o.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// boundedBuffer keeps the beginning of what is written to it.
type boundedBuffer struct {
	bytes.Buffer
	left int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	_, _ = b.Buffer.Write(p[:n]) // never fails
	return len(p), nil
}
