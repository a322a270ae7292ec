package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// reclaimTime is how long a session that was told to end may take to give up
// its ports.
const reclaimTime = 2 * time.Second

// opener opens forwards on a link.
type opener struct {
	link     *link
	meter    *meter
	patience time.Duration
	commands bool      // the account may run commands
	stale    []session // that may hold our ports
	forget   func(session)
	tell     func(string)
}

// open has the host listen. An address that a lost connection of ours still
// holds is taken back; whatever else holds it is left alone, and named.
func (o *opener) open(ctx context.Context, f *config.Forward) (*acceptor, error) {
	bounded, cancel := context.WithTimeout(ctx, o.patience+2*reclaimTime)
	defer cancel()
	a, err := o.link.listen(bounded, f, o.meter)
	if err == nil || bounded.Err() != nil || !o.commands {
		return a, o.explain(ctx, f, err)
	}
	for _, force := range []bool{false, true} {
		if !o.reclaim(bounded, force) {
			break
		}
		for until := time.Now().Add(reclaimTime); time.Now().Before(until); pause(bounded, 50*time.Millisecond) {
			if o.unlink(bounded, f); bounded.Err() != nil {
				break
			}
			if a, again := o.link.listen(bounded, f, o.meter); again == nil {
				o.tell(fmt.Sprintf("%s was held by a lost connection of our own and is taken back", f.Address))
				return a, nil
			}
		}
	}
	if o.unlink(bounded, f) {
		if a, again := o.link.listen(bounded, f, o.meter); again == nil {
			return a, nil
		}
	}
	return nil, o.explain(ctx, f, err)
}

// reclaim ends lost sessions of ours. It says whether one was there.
func (o *opener) reclaim(ctx context.Context, force bool) (found bool) {
	for _, s := range o.stale {
		outcome, _ := o.link.clear(ctx, s, force) // what cannot be asked for is not done
		switch outcome {
		case "killed":
			found = true
		case "gone":
			o.forget(s)
		}
	}
	return found
}

// unlink removes the file of a socket that nobody listens on any more.
func (o *opener) unlink(ctx context.Context, f *config.Forward) bool {
	kind, path := network(f)
	if kind != "unix" {
		return false
	}
	c, err := o.link.client.DialContext(ctx, kind, path)
	if err == nil {
		_ = c.Close() // somebody does
		return false
	}
	var refused *ssh.OpenChannelError
	return errors.As(err, &refused) && refused.Reason == ssh.ConnectionFailed && o.link.unlink(ctx, path)
}

// explain says why a forward was refused. sshd does not: it may be taken or
// forbidden.
func (o *opener) explain(ctx context.Context, f *config.Forward, err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-o.link.dead:
		return o.link.why()
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	t := o.link.target
	kind, address := network(f)
	if kind == "unix" {
		return failedAt(StepOpen, "the host %s does not open the socket %s for %q: either a file of that name is there already (remove it, and set StreamLocalBindUnlink yes in its sshd_config), or its directory is not writable, or AllowStreamLocalForwarding is off", t.address(), address, t.user)
	}
	_, port, _ := net.SplitHostPort(address)
	if o.commands {
		if who := o.link.holder(ctx, port); who != "" {
			return failedAt(StepOpen, "the port %s on %s is held by %s, which was left alone: stop it there, or forward another port", port, t.address(), who)
		}
	}
	c, failed := o.link.client.DialContext(ctx, "tcp", nearest(kind, address))
	if failed == nil {
		_ = c.Close() // it was only to see whether somebody listens
		return failedAt(StepOpen, "the port %s on %s is held by another program there, which was left alone: stop it, or forward another port", port, t.address())
	}
	if n, _ := strconv.Atoi(port); n > 0 && n < 1024 && t.user != "root" {
		return failedAt(StepOpen, "the port %s on %s is below 1024 and %q is not root there: forward a higher port", port, t.address(), t.user)
	}
	return failedAt(StepOpen, "sshd on %s does not let %q listen on %s: AllowTcpForwarding or PermitListen in its sshd_config, or the options of the key in authorized_keys (or of its certificate), forbid it", t.address(), t.user, address)
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
