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
	File        string // known_hosts file to which it is added
	Known       bool   // it was known before
}

// UntrustedKey is a key that a host presents but that the known hosts do not have.
type UntrustedKey struct {
	Host        string // host:port
	Type        string
	Fingerprint string
	Known       string // fingerprint of the known key; "" if there is none
	KnownAt     string // line and file of the known key, or of the authority whose certificate is missing
}

// HasChanged reports whether another key of the host is known.
func (k *UntrustedKey) HasChanged() bool { return k.Known != "" }

// Untrusted returns the key that led to an error, nil if none did.
func Untrusted(err error) *UntrustedKey {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Key
	}
	return nil
}

// OtherKeyError says that a host presents a different key than the one that was compared.
type OtherKeyError struct{ Presented HostKey }

func (e *OtherKeyError) Error() string {
	return fmt.Sprintf("the host %s presents a different key than the one that was compared, %s (%s): nothing was changed", e.Presented.Host, e.Presented.Fingerprint, e.Presented.Type)
}

// errDone ends a connection that was made only to get the host's key.
var errDone = errors.New("the key was received")

// Trust connects to the hops of a route, and calls decide for each key that is not known
// yet. Keys that it accepts are added to the known hosts. A key that has changed is an
// error, without a call.
func Trust(ctx context.Context, r *Route, k config.Keepalive, decide func(HostKey) (bool, error)) ([]HostKey, error) {
	return trust(ctx, r, k, decide, decideTime)
}

// TrustKey is [Trust] that accepts only the key with the fingerprint. Later hops may be
// unknown or unreachable.
func TrustKey(ctx context.Context, r *Route, k config.Keepalive, fingerprint string) (HostKey, error) {
	seen, err := trust(ctx, r, k, func(k HostKey) (bool, error) {
		if k.Fingerprint != fingerprint {
			return false, &OtherKeyError{k}
		}
		return true, nil
	}, 0)
	for _, k := range seen {
		if k.Fingerprint == fingerprint {
			return k, nil
		}
	}
	if err == nil {
		err = &OtherKeyError{seen[len(seen)-1]}
	}
	return HostKey{}, err
}

// trust is [Trust] with a time for each decision.
func trust(ctx context.Context, r *Route, k config.Keepalive, decide func(HostKey) (bool, error), deciding time.Duration) ([]HostKey, error) {
	d := newDialer(r, Options{Keepalive: k})
	var seen []HostKey
	d.onKey = func(h Hop, key ssh.PublicKey, check *keyCheck) error {
		k := HostKey{Host: h.hostKeys.address, Type: key.Type(), Fingerprint: fingerprint(key), Known: check.failure == nil}
		if !k.Known && (!check.unknown || len(h.hostKeys.files) == 0) {
			return check.failure
		}
		if !k.Known {
			k.File = h.hostKeys.files[0]
			if err := add(h.hostKeys, k, key, decide); err != nil {
				check.failure = permanent(StepHostKey, "%s", err)
				check.failure.cause = err
				return err
			}
		}
		seen = append(seen, k)
		if len(seen) == len(r.hops) {
			check.failure = nil
			return errDone
		}
		return nil
	}
	d.stepTimeout = max(d.stepTimeout, deciding)
	c, err := d.dial(ctx)
	if c != nil {
		c.Close()
	}
	if len(seen) == len(r.hops) {
		return seen, nil
	}
	return seen, err
}

// add adds a key to the known hosts if decide accepts it.
func add(to hostKeys, k HostKey, key ssh.PublicKey, decide func(HostKey) (bool, error)) error {
	yes, err := decide(k)
	if err != nil {
		return err
	}
	if !yes {
		return fmt.Errorf("the key of %s was not accepted: nothing was changed", k.Host)
	}
	_, err = to.addKey(key)
	return err
}

// decideTime is how long a person may take to decide about a key.
const decideTime = 5 * time.Minute
