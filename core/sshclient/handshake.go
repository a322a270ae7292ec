package sshclient

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// handshake is the start of SSH on a connection to one hop.
type handshake struct {
	*dialer
	hop      Hop
	check    *keyCheck
	with     *login
	greeting *greeting
	timeout  *stepTimer

	accepted ssh.PublicKey // the host key
	verified atomic.Bool   // there is one; after a timeout the library may still be running
}

// verify is the library's HostKeyCallback.
func (s *handshake) verify(_ string, remote net.Addr, key ssh.PublicKey) error {
	if s.accepted != nil { // the server presents its key again each time that session keys are renewed
		if !sameKey(s.accepted, key) {
			return errOtherKey
		}
		return nil
	}
	err := s.check.verify(remote, key)
	if s.onKey != nil {
		if err = s.onKey(s.hop, key, s.check); err == nil {
			s.check.failure = nil
		}
	}
	if err == nil {
		s.accepted = key
		s.verified.Store(true)
		s.timeout.extend(loginTimeout)
		s.report(StepHostKey, s.hop.Address()+" has the key "+fingerprint(key))
	}
	return err
}

// explain returns why a handshake failed, and notes which credentials the next attempt has
// to do without.
func (s *handshake) explain(ctx context.Context, err error) error {
	address, with := s.hop.Address(), s.with
	noCommon, verified, expired := s.check.noCommonAlgorithm(err), s.verified.Load(), s.timeout.expired()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.check.failure != nil: // with a pinned key, it may be from the previous attempt
		return s.check.failure
	case noCommon != nil:
		return noCommon
	case with.unsigned != nil:
		s.unsigned[address] = append(s.unsigned[address], with.unsigned)
		if with.drop(with.unsigned); with.isEmpty() {
			return s.hop.creds.noCredentials(with)
		}
		return errUnsigned
	case verified && with.isTooManyKeys(err):
		s.passwordOnly[address] = true
		return errTooManyKeys
	case expired && verified:
		return temporary(StepLogin, "the login as %q at %s did not finish within %s: its sshd may be waiting for a name server or another service", s.hop.user, address, loginTimeout)
	case expired && s.greeting.line() != "":
		return s.greeting.explain(address, os.ErrDeadlineExceeded)
	case expired:
		return temporary(StepConnect, "%s accepted the connection but did not answer within %s: is it an SSH server, and is it working?", address, s.stepTimeout)
	case verified && isEnd(err):
		return with.ended(s.hop, err)
	case verified && (with.refused || disconnectReason(err).sent):
		return with.rejected(s.hop, err)
	case verified:
		return temporary(StepLogin, "the login as %q at %s failed: %s", s.hop.user, address, ErrorText(err))
	}
	return s.greeting.explain(address, err)
}

// errOtherKey ends a connection on which the server presents another key than at its start.
var errOtherKey = errors.New("the server presents another key than at the start of the connection")
