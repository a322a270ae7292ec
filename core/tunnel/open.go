package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

const (
	// reclaimTime is how long a session may take to end and to release
	// its ports.
	reclaimTime = 2 * time.Second

	// commandTime is how long the first forward waits for the first command, and
	// commandTimeout how long the command may take, as a ForceCommand may never end.
	commandTime    = time.Second
	commandTimeout = 15 * time.Second
)

// identity is the outcome of the first command on a host, which runs in parallel with
// everything else.
type identity struct {
	ready   chan struct{} // closed when the others are set
	session session
	err     error // no command can run
}

// opener opens forwards on a connection.
type opener struct {
	client      *sshclient.Client
	tunnel      string
	sessions    *sessions
	stepTimeout time.Duration
	identity    *identity
	stale       []session // earlier sessions that may still hold the ports of the tunnel
	report      func(string)
	holder      func(hostKey string, f *config.Forward) string // see [Tunnels.holder]; may be nil
}

func newOpener(ctx context.Context, c *sshclient.Client, s *sessions, t *config.Tunnel, report func(string)) *opener {
	o := &opener{
		client: c, tunnel: t.Name, sessions: s, stepTimeout: sshclient.StepTimeout(t.Keepalive), report: report,
		identity: &identity{ready: make(chan struct{})}, stale: s.of(t.Name),
	}
	go func() {
		defer close(o.identity.ready)
		ctx, cancel := context.WithTimeout(ctx, commandTimeout)
		defer cancel()
		o.identity.session, o.identity.err = identify(ctx, c)
		if o.identity.session.PID != "" {
			s.add(t.Name, o.identity.session)
		}
	}()
	return o
}

// waitForIdentity waits for the outcome of the first command, and reports whether there
// is one.
func (o *opener) waitForIdentity(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-o.identity.ready:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// canRun reports whether the account may run commands.
func (o *opener) canRun(ctx context.Context) bool {
	return o.waitForIdentity(ctx, commandTimeout) && o.identity.err == nil
}

// limitations describes what does not work if no command can run on the host.
func (o *opener) limitations() []string {
	err := o.identity.err
	select {
	case <-o.client.Done():
		return nil
	default:
	}
	if err == nil {
		return nil
	}
	reason, slow := "", ""
	switch {
	case errors.Is(err, sshclient.ErrNoSession):
		slow = "answers may take up to 40 ms longer, and "
	case errors.Is(err, sshclient.ErrPasswordExpired):
		return []string{o.passwordExpired()}
	case errors.Is(err, context.DeadlineExceeded):
		reason = " (the first one did not end)"
	}
	return []string{fmt.Sprintf("no command can run as %q on %s%s: %sa port that a lost connection still holds there cannot be freed; its sshd_config should have ClientAliveInterval 15, so that sshd releases it within a minute", o.client.User(), o.client.Host(), reason, slow)}
}

// passwordExpired says why an account can log in but do nothing else.
func (o *opener) passwordExpired() string {
	return fmt.Sprintf("the password of %q on %s has to be changed, and sshd allows nothing else before that, also with a key: log in with ssh to change it, or run there as root: chage -d $(date +%%F) %[1]s", o.client.User(), o.client.Address())
}

func (o *opener) forgetStale() {
	for _, s := range o.stale {
		o.sessions.remove(o.tunnel, s)
	}
	o.stale = nil
}

// forgetOwn removes the session of this connection, which is closed cleanly.
func (o *opener) forgetOwn() {
	if o.waitForIdentity(context.Background(), o.stepTimeout) {
		o.sessions.remove(o.tunnel, o.identity.session)
	}
}

// open makes the host listen. An address that a lost connection still holds is
// reclaimed; if anything else holds it, the error names the holder.
func (o *opener) open(ctx context.Context, f *config.Forward) (net.Listener, error) {
	network, address := splitAddress(f)
	bounded, cancel := context.WithTimeout(ctx, o.stepTimeout+2*reclaimTime)
	defer cancel()
	l, err := o.client.Listen(bounded, network, address)
	if err == nil {
		return l, nil
	}
	if bounded.Err() != nil && ctx.Err() == nil && o.client.Err() == nil {
		return nil, stepError(StepForward, "%s did not answer the request to listen on %s within %s", o.client.Address(), f.Address, o.stepTimeout+2*reclaimTime)
	}
	if bounded.Err() != nil || !o.canRun(bounded) {
		return nil, o.explain(ctx, f)
	}
	for _, force := range []bool{false, true} {
		if !o.reclaim(bounded, force) {
			break
		}
		for until := time.Now().Add(reclaimTime); time.Now().Before(until); pause(bounded, 50*time.Millisecond) {
			if o.unlink(bounded, f); bounded.Err() != nil {
				break
			}
			if l, again := o.client.Listen(bounded, network, address); again == nil {
				o.report(fmt.Sprintf("%s was still held by a lost connection of this tunnel, which was ended", f.Address))
				return l, nil
			}
		}
	}
	if o.unlink(bounded, f) {
		if l, again := o.client.Listen(bounded, network, address); again == nil {
			return l, nil
		}
	}
	return nil, o.explain(ctx, f)
}

// reclaim ends lost sessions of this tunnel, and reports whether there was one.
func (o *opener) reclaim(ctx context.Context, force bool) (found bool) {
	for _, s := range o.stale {
		outcome, _ := s.clear(ctx, o.client, force) // without an answer, it did nothing
		switch outcome {
		case sessionKilled:
			found = true
		case sessionGone:
			o.sessions.remove(o.tunnel, s)
		}
	}
	return found
}

// unlink removes a socket file that no process listens on any more.
func (o *opener) unlink(ctx context.Context, f *config.Forward) bool {
	network, path := splitAddress(f)
	if network != "unix" {
		return false
	}
	c, err := o.client.DialContext(ctx, network, path)
	if err == nil {
		_ = c.Close() // it is in use
		return false
	}
	var refused *ssh.OpenChannelError
	return errors.As(err, &refused) && refused.Reason == ssh.ConnectionFailed && removeSocket(ctx, o.client, path)
}

// removeSockets removes the files of closed sockets, which sshd leaves behind.
func (o *opener) removeSockets(forwards []*forward) {
	ctx, cancel := context.WithTimeout(context.Background(), o.stepTimeout)
	defer cancel()
	for _, f := range forwards {
		if network, _ := splitAddress(f.config); network == "unix" && o.canRun(ctx) {
			o.unlink(ctx, f.config)
		}
	}
}

// explain returns why a forward was refused, which the host does not say: the address may
// be in use or forbidden.
func (o *opener) explain(ctx context.Context, f *config.Forward) error {
	select {
	case <-o.client.Done():
		return o.client.Err()
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, o.stepTimeout)
	defer cancel()
	host, user := o.client.Address(), o.client.User()
	if o.holder != nil {
		if other := o.holder(o.client.HostKey(), f); other != "" {
			return stepError(StepForward, "the tunnel %q of this program has %s open on %s, which is the same machine: choose another address for one of the two tunnels", other, f.Address, host)
		}
	}
	if o.waitForIdentity(ctx, commandTimeout) && errors.Is(o.identity.err, sshclient.ErrPasswordExpired) {
		return stepError(StepForward, "%s", o.passwordExpired())
	}
	network, address := splitAddress(f)
	if network == "unix" {
		return stepError(StepForward, "sshd on %s refused to open the socket %s for %q: either a file of that name exists already (remove it, and set StreamLocalBindUnlink yes in its sshd_config), or its directory is not writable, or AllowStreamLocalForwarding in its sshd_config or the options of the key in authorized_keys forbid it", host, address, user)
	}
	_, port, _ := net.SplitHostPort(address)
	canRun := o.canRun(ctx)
	if canRun {
		if who, taken := portHolder(ctx, o.client, port); taken {
			return o.heldBy(port, who)
		}
	}
	c, err := o.client.DialContext(ctx, "tcp", localAddress(network, address))
	if err == nil {
		_ = c.Close() // it was only a check
		return o.heldBy(port, "")
	}
	if n, _ := strconv.Atoi(port); n > 0 && n < 1024 && user != "root" {
		return stepError(StepForward, "the port %s on %s is below 1024 and %q is not root there: forward a higher port", port, host, user)
	}
	text := forbidden(o.server())
	if at, _, _ := net.SplitHostPort(address); net.ParseIP(at) != nil && localAddress(network, address) == address && !net.ParseIP(at).IsLoopback() {
		text += "; or the host has no address " + at
	}
	return stepError(StepForward, "the SSH server of %s refused to listen on %s for %q: %s", host, address, user, text)
}

// heldBy returns the error for a port that is in use. The holder may be a lost connection
// of this tunnel that could not be identified.
func (o *opener) heldBy(port, who string) error {
	const own = "if it is a lost connection of this tunnel, the SSH server releases the port once it notices (ClientAliveInterval 15 in its sshd_config makes that quick); otherwise stop it there, or forward another port"
	switch {
	case who == "":
		return stepError(StepForward, "the port %s on %s is in use, and this account may not see by which process (as root, run there: ss -ltnp 'sport = :%s'): %s", port, o.client.Address(), port, own)
	case strings.HasPrefix(who, "sshd") || strings.HasPrefix(who, "dropbear"):
		return stepError(StepForward, "the port %s on %s is held by %s, which was left alone: %s", port, o.client.Address(), who, own)
	}
	return stepError(StepForward, "the port %s on %s is held by %s, which was left alone: stop it there, or forward another port", port, o.client.Address(), who)
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
