package tunnel

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// HostKey is a key that a host shows.
type HostKey struct {
	Host        string // host:port
	Type        string
	Fingerprint string
	File        string // that has it, or gets it
	Known       bool
}

// errSeen ends a connection that was made for its host's key.
var errSeen = errors.New("the key was seen")

// Trust connects to a tunnel's host and the jump hosts before it, and asks
// decide about each key that is not known yet; those it agrees to are written
// to the known hosts. A key that has changed is an error: nothing is asked then.
func Trust(ctx context.Context, o Options, c *config.Tunnel, decide func(HostKey) (bool, error)) ([]HostKey, error) {
	if c.HostKey != "" {
		return nil, fmt.Errorf("the tunnel %q names its host's key by host_key, so there is nothing to trust: correct host_key, or remove it", c.Name)
	}
	way, err := o.here().route(ctx, c)
	if err != nil {
		return nil, err
	}
	d := newDialer(way, c)
	var seen []HostKey
	d.judge = func(t target, key ssh.PublicKey, check *check) error {
		k := HostKey{Host: t.hostKeys.address, Type: key.Type(), Fingerprint: fingerprint(key), File: t.hostKeys.files[0], Known: check.problem == nil}
		if !k.Known && !check.unknown {
			return check.problem
		}
		if !k.Known {
			yes, err := decide(k)
			if err == nil && !yes {
				err = fmt.Errorf("the key of %s is not trusted; nothing was changed", k.Host)
			}
			if err == nil {
				_, err = t.hostKeys.remember(key)
			}
			if err != nil {
				check.problem = &problem{step: StepHostKey, text: err.Error(), lasting: true}
				return err
			}
		}
		seen = append(seen, k)
		if t.address() == way.last().address() {
			check.problem = nil
			return errSeen
		}
		return nil
	}
	// Somebody may think before answering.
	d.patience = max(d.patience, decideTime)
	l, err := d.dial(ctx)
	if l != nil {
		l.close()
	}
	if len(seen) == len(way.targets) {
		return seen, nil
	}
	return seen, err
}
