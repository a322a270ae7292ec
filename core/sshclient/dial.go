package sshclient

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// Time limits of steps.
const (
	MinStepTimeout = 3 * time.Second  // even if the keepalive timeout is shorter
	loginTimeout   = 60 * time.Second // the server may look up names, or ask other servers
)

// Options of [Dial].
type Options struct {
	Keepalive config.Keepalive
	Traffic   *Traffic                                         // counts traffic; may be nil
	Ask       func(path string) (passphrase string, err error) // prompts for a passphrase; may be nil
	OnStep    func(Step, string)                               // called for each step that succeeds; may be nil
}

// StepTimeout returns how long each step may take.
func StepTimeout(k config.Keepalive) time.Duration { return max(k.Timeout, MinStepTimeout) }

// dialer makes a connection along a route.
type dialer struct {
	hops        []Hop
	options     Options
	stepTimeout time.Duration

	passwordOnly map[string]bool                                   // by address: hops where only the password is tried, after too many keys
	unsigned     map[string][]ssh.PublicKey                        // by address: keys by which the agent did not sign
	onKey        func(h Hop, key ssh.PublicKey, c *keyCheck) error // decides about each key, without a login to the last hop; may be nil
}

// Dial connects along the route and logs in to its last host.
func Dial(ctx context.Context, r *Route, o Options) (*Client, error) {
	return newDialer(r, o).dial(ctx)
}

func newDialer(r *Route, o Options) *dialer {
	if o.Traffic == nil {
		o.Traffic = &Traffic{}
	}
	return &dialer{hops: r.hops, options: o, stepTimeout: StepTimeout(o.Keepalive), passwordOnly: map[string]bool{}, unsigned: map[string][]ssh.PublicKey{}}
}

func (d *dialer) report(s Step, text string) {
	if d.options.OnStep != nil {
		d.options.OnStep(s, text)
	}
}

// Errors that make dial try again with fewer credentials.
var (
	errTooManyKeys = errors.New("the server closed the connection after too many keys") // with the password only
	errUnsigned    = errors.New("the agent did not sign")                               // without that key
)

func (d *dialer) dial(ctx context.Context) (*Client, error) {
	checks := make([]*keyCheck, len(d.hops))
	for i, h := range d.hops {
		c, err := h.hostKeys.newCheck()
		if err != nil {
			return nil, err
		}
		checks[i] = c
	}
	last := checks[len(checks)-1]
	for {
		seen := len(last.presented)
		c, err := d.attempt(ctx, checks)
		if errors.Is(err, errTooManyKeys) || errors.Is(err, errUnsigned) {
			continue
		}
		if err == nil || last.failure == nil || len(last.presented) == seen || !last.askOtherTypes() || ctx.Err() != nil {
			return c, err
		}
	}
}

func (d *dialer) attempt(ctx context.Context, checks []*keyCheck) (*Client, error) {
	conn, err := d.connect(ctx, d.hops[0])
	if err != nil {
		return nil, err
	}
	c := newClient(newWire(conn), d.hops[len(d.hops)-1], d.options.Traffic)
	var leg net.Conn = c.wire
	for i, h := range d.hops {
		if i > 0 {
			if leg, err = d.dialThrough(ctx, c, d.hops[i-1], h); err != nil {
				c.Close()
				return nil, err
			}
		}
		client, err := d.login(ctx, leg, h, checks[i])
		if command, ok := conn.(*commandConn); ok && i == 0 {
			err = command.explain(err)
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		c.clients = append(c.clients, client)
		if software := software(client); strings.HasPrefix(software, "tinyssh") {
			c.Close()
			return nil, permanent(StepConnect, "the SSH server of %s, %s, does not support port forwarding: use OpenSSH or dropbear there", h.Address(), software)
		}
		if err := awaitSession(ctx, leg, client, h); err != nil {
			c.Close()
			return nil, err
		}
		if i < len(d.hops)-1 {
			c.askForNoDelay(ctx, client, d.stepTimeout)
		}
	}
	presented := checks[len(checks)-1].presented
	c.start(fingerprint(presented[len(presented)-1]), d.options.Keepalive)
	return c, nil
}

// connect makes the connection to the first hop.
func (d *dialer) connect(ctx context.Context, first Hop) (net.Conn, error) {
	if first.proxyCommand != "" {
		conn, err := startProxyCommand(first)
		if err != nil {
			return nil, err
		}
		d.report(StepConnect, "started the ProxyCommand "+conn.name+" for "+first.Address())
		return conn, nil
	}
	dialing := net.Dialer{Timeout: d.stepTimeout}
	if first.source != "" {
		local, err := net.ResolveTCPAddr(first.network, net.JoinHostPort(first.source, "0"))
		if err != nil {
			return nil, permanent(StepResolve, "BindAddress %s in ssh_config is not an address of this machine: correct it there", first.source)
		}
		dialing.LocalAddr = local
	}
	conn, err := dialing.DialContext(ctx, first.network, first.Address())
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, syscall.EADDRNOTAVAIL) && first.source != "" {
			return nil, temporary(StepConnect, "this machine does not have the address %s, which BindAddress in ssh_config names", first.source)
		}
		failure := unreachable(first.Address(), err)
		if none := (*net.AddrError)(nil); first.network != "tcp" && errors.As(err, &none) {
			failure.Text += "; AddressFamily in ssh_config excludes it"
		}
		return nil, failure
	}
	d.report(StepConnect, "connected to "+first.Address())
	return conn, nil
}

// dialThrough connects to a hop from the previous one.
func (d *dialer) dialThrough(ctx context.Context, c *Client, from, to Hop) (net.Conn, error) {
	bounded, cancel := context.WithTimeout(ctx, d.stepTimeout)
	defer cancel()
	conn, err := c.clients[len(c.clients)-1].DialContext(bounded, "tcp", to.Address())
	var refused *ssh.OpenChannelError
	switch {
	case err == nil:
		d.report(StepConnect, "connected to "+to.Address()+" through "+from.Address())
		return conn, nil
	case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
		return nil, permanent(StepConnect, "the jump host %s does not allow connections to %s: set AllowTcpForwarding yes in its sshd_config", from.Address(), to.Address())
	case errors.As(err, &refused):
		return nil, temporary(StepConnect, "the jump host %s cannot connect to %s: %s", from.Address(), to.Address(), refused.Message)
	case bounded.Err() != nil && ctx.Err() == nil:
		return nil, temporary(StepConnect, "the jump host %s could not connect to %s within %s", from.Address(), to.Address(), d.stepTimeout)
	}
	return nil, temporary(StepConnect, "the connection to the jump host %s was lost: %s", from.Address(), ErrorText(err))
}

// login starts SSH on a connection, checks the host key, and logs in.
func (d *dialer) login(ctx context.Context, leg net.Conn, h Hop, c *keyCheck) (*ssh.Client, error) {
	with, err := d.credentials(h)
	if err != nil {
		return nil, err
	}
	defer with.close()
	s := &handshake{dialer: d, hop: h, check: c, with: with, greeting: &greeting{Conn: leg}}
	s.timeout = newStepTimer(ctx, d.stepTimeout, func() {
		_ = leg.Close()
		with.close() // it may be waiting for a person to confirm a signature
	})
	defer s.timeout.stop()
	sc, chans, reqs, err := ssh.NewClientConn(s.greeting, h.Address(), &ssh.ClientConfig{
		Config: ssh.Config{KeyExchanges: keyExchanges()},
		User:   h.user, AuthCallback: with.next, BannerCallback: with.keepBanner, HostKeyCallback: s.verify, HostKeyAlgorithms: c.algorithms, ClientVersion: "SSH-2.0-aitunnel",
	})
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	d.report(StepLogin, "logged in as "+h.user+" with "+with.used())
	return ssh.NewClient(sc, chans, reqs), nil
}

// credentials returns the credentials to try at a hop, without those that failed in an earlier
// attempt.
func (d *dialer) credentials(h Hop) (*login, error) {
	h.creds.ask = d.options.Ask
	with, err := h.creds.collect()
	if d.onKey != nil && err != nil {
		with, err = &login{}, nil // the last hop is not logged in to
	}
	if err != nil {
		return nil, err
	}
	if d.passwordOnly[h.Address()] {
		with.signers, with.names = nil, []string{thePassword}
	}
	for _, key := range d.unsigned[h.Address()] {
		with.drop(key)
	}
	return with, nil
}

// awaitSession waits until the server answers a first request. OpenSSH accepts the login
// before it sets up the session, and PAM may take half a minute for that; deadlines of
// later requests do not count it.
func awaitSession(ctx context.Context, leg net.Conn, client *ssh.Client, h Hop) error {
	timeout := newStepTimer(ctx, loginTimeout, func() { _ = leg.Close() })
	defer timeout.stop()
	err := askForChannel(client)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case timeout.expired():
		return temporary(StepLogin, "%s accepted the login as %q, but did not start the session within %s: its sshd may be waiting for PAM, such as for systemd-logind", h.Address(), h.user, loginTimeout)
	}
	return temporary(StepLogin, "%s accepted the login as %q, but then closed the connection; the log of its SSH server has the reason", h.Address(), h.user)
}

// keyExchanges returns the methods to offer: the library's defaults, and one that unusual
// servers need.
func keyExchanges() []string {
	return append(ssh.SupportedAlgorithms().KeyExchanges, ssh.InsecureKeyExchangeDH14SHA1)
}
