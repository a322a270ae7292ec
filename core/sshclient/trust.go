package sshclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// HostKey is a key that a host presents.
type HostKey struct {
	Host        string // host:port
	Type        string
	Fingerprint string
	File        string // of known hosts, that has it or gets it
	Known       bool
}

// errSeen ends a connection that was made for its host's key.
var errSeen = errors.New("the key was seen")

// Trust connects to the hops of a route, and asks decide about each key that is
// not known yet; those it agrees to are written to the known hosts. A key that
// has changed is an error: nothing is asked then.
func Trust(ctx context.Context, r *Route, k config.Keepalive, decide func(HostKey) (bool, error)) ([]HostKey, error) {
	d := newDialer(r, Options{Keepalive: k})
	var seen []HostKey
	d.decide = func(h Hop, key ssh.PublicKey, check *keyCheck) error {
		k := HostKey{Host: h.hostKeys.address, Type: key.Type(), Fingerprint: fingerprint(key), File: h.hostKeys.files[0], Known: check.failure == nil}
		if !k.Known && !check.unknown {
			return check.failure
		}
		if !k.Known {
			yes, err := decide(k)
			if err == nil && !yes {
				err = fmt.Errorf("the key of %s is not trusted; nothing was changed", k.Host)
			}
			if err == nil {
				_, err = h.hostKeys.remember(key)
			}
			if err != nil {
				check.failure = permanent(StepHostKey, "%s", err)
				return err
			}
		}
		seen = append(seen, k)
		if len(seen) == len(r.hops) {
			check.failure = nil
			return errSeen
		}
		return nil
	}
	d.stepTimeout = max(d.stepTimeout, decideTime)
	c, err := d.dial(ctx)
	if c != nil {
		c.Close()
	}
	if len(seen) == len(r.hops) {
		return seen, nil
	}
	return seen, err
}

// decideTime is how long a decision about a key may take.
const decideTime = 5 * time.Minute
