package sshclient

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// isTooManyKeys reports whether the server closed the connection before the password was
// tried, since it counts each key as a failed attempt.
func (l *login) isTooManyKeys(err error) bool {
	return strings.Contains(disconnectReason(err).text, tooManyFailures) && !l.password.IsZero() && !l.passwordSent && len(l.signers) > 0
}

// tooManyFailures is part of a server's message that its limit of attempts is reached.
const tooManyFailures = "oo many authentication failures"

// disconnect is a server's message that it ends the connection.
type disconnect struct {
	sent bool // there is such a message
	code uint32
	text string
}

// disconnectReason returns the server's disconnect message. The library does not export its
// type for that message (disconnectMsg), so the text of its Error method is parsed.
func disconnectReason(err error) (d disconnect) {
	_, text, found := strings.Cut(err.Error(), "ssh: disconnect, reason ")
	if !found {
		return disconnect{}
	}
	var message string
	_, _ = fmt.Sscanf(text, "%d: %q", &d.code, &message)
	d.sent, d.text = true, line(message)
	return d
}

// isPasswordChange reports whether the server answered the password by asking for a new one
// (message 60, RFC 4252, section 8). The library has no type for an answer that it does not
// expect (unexpectedMessageError).
func isPasswordChange(err error) bool {
	return strings.Contains(err.Error(), "ssh: unexpected message type 60 ")
}

// isTemporary reports whether the reason is not about who wants to log in: a service that is
// not available (7), a lost connection (10), or too many connections (12).
func (d disconnect) isTemporary() bool { return slices.Contains([]uint32{7, 10, 12}, d.code) }

// isEnd reports whether an error is the end of a connection, and not an answer.
func isEnd(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// ended returns the error for a connection that ended during the login. A server that
// closes it may have refused the login, which must not be repeated soon.
func (l *login) ended(h Hop, err error) *Error {
	switch {
	case !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET):
		return temporary(StepLogin, "the connection to %s was lost during the login: %s", h.Address(), ErrorText(err))
	case l.signed != "": // how OpenSSH with PAM refuses an account; at the start of a system all accounts, until it is up
		return temporary(StepLogin, "%s knows %s, but closed the connection during the login as %q: the account may have expired, or may not log in now (/etc/nologin), or from this address, or it is shutting down%s; the log of its SSH server has the reason", h.Address(), l.signed, h.user, l.quotedBanner())
	case l.passwordSent || len(l.signers) > 1:
		return permanent(StepLogin, "%s closed the connection during the login as %q with %s, which may be how it refuses a login: check the user name and the credentials; the log of its SSH server has the reason", h.Address(), h.user, strings.Join(l.names, " or "))
	}
	return temporary(StepLogin, "%s closed the connection during the login as %q: its LoginGraceTime may be too short, or it is shutting down; the log of its SSH server has the reason", h.Address(), h.user)
}

// rejected returns the error for credentials that the server does not accept.
func (l *login) rejected(h Hop, err error) *Error {
	names, passwordRefused := l.names, !l.password.IsZero() && !l.passwordSent
	if passwordRefused {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == thePassword })
	}
	text := fmt.Sprintf("%s refused the login as %q with %s", h.Address(), h.user, strings.Join(names, " or "))
	end := disconnectReason(err)
	tooMany := strings.Contains(end.text, tooManyFailures)
	switch {
	case end.sent && !tooMany:
		text = fmt.Sprintf("%s ended the login as %q: %q", h.Address(), h.user, cmp.Or(end.text, "no reason"))
		if end.isTemporary() {
			return temporary(StepLogin, "%s", text)
		}
		text += "; the log of its SSH server may say more"
	case tooMany && len(l.signers) > 1:
		text = fmt.Sprintf("%s closed the connection after too many refused keys: %s", h.Address(), h.creds.chooseKey())
	case l.method == "password" && isPasswordChange(err):
		text = fmt.Sprintf("%s requires %q to change the password: log in with ssh to do that, then set password in the tunnel", h.Address(), h.user)
	case l.question != "" && asksForNewPassword(l.question):
		text = fmt.Sprintf("%s requires %q to change the password (it asks %q): log in with ssh to do that, then set password in the tunnel", h.Address(), h.user, l.question)
	case len(l.accepted) > 0:
		text = fmt.Sprintf("%s accepted the %s of %q, but requires more: %s", h.Address(), methodNames(l.accepted), h.user, l.missing(h))
	case l.question != "":
		text = fmt.Sprintf("%s asks %q at the login as %q, which cannot be answered automatically: use a key, or let this account log in without that question (AuthenticationMethods in its sshd_config, or its PAM settings)", h.Address(), l.question, h.user)
	case l.signed != "":
		text = fmt.Sprintf("%s knows %s, but refused the login as %q: the account may have expired, or may not log in now (/etc/nologin), or from this address%s; the log of its SSH server has the reason", h.Address(), l.signed, h.user, l.quotedBanner())
	case len(l.signers) > 0:
		text += ": check the user name, that AllowUsers and the like in its sshd_config permit it, that the key is in ~/.ssh/authorized_keys of that account, and that nobody else may write to that file, to .ssh and to its home; the log of its SSH server has the reason"
	case passwordRefused:
		return permanent(StepLogin, "%s does not accept a password from %q, but requires a %s: set identity in the tunnel, or PasswordAuthentication yes in its sshd_config", h.Address(), h.user, cmp.Or(methodNames(l.wanted), "key"))
	default:
		text += ": check the user name and the password, and that its sshd allows passwords; the log of its SSH server has the reason"
	}
	if passwordRefused && !tooMany && !end.sent {
		text += ". The password was not sent, as the server does not accept any"
	}
	return permanent(StepLogin, "%s", text+l.remarks(h))
}

// quotedBanner returns what the server says about the account, as the end of a sentence.
func (l *login) quotedBanner() string {
	if l.banner == "" {
		return ""
	}
	return fmt.Sprintf("; it says %q", l.banner)
}

// remarks returns what else may have kept the server from accepting the credentials.
func (l *login) remarks(h Hop) (text string) {
	if l.deadAgent != "" {
		text += fmt.Sprintf(". No SSH agent listens at %s", l.deadAgent)
	}
	for _, s := range l.signers {
		if bits := rsaBits(s.PublicKey()); bits > 0 && bits < usualRSABits {
			text += fmt.Sprintf(". The key %s has %d bits, and servers may require %d (RequiredRSASize)", fingerprint(s.PublicKey()), bits, usualRSABits)
		}
		if cert, ok := s.PublicKey().(*ssh.Certificate); ok && !slices.Contains(cert.ValidPrincipals, h.user) {
			text += fmt.Sprintf(". The certificate of the key %s is for %s, not for %q", fingerprint(cert), cmp.Or(strings.Join(cert.ValidPrincipals, ", "), "no account"), h.user)
		}
	}
	if len(l.unusable) > 0 {
		text += ". Not used: " + strings.Join(l.unusable, "; ")
	}
	return text
}

// usualRSABits is the length of RSA keys that all servers accept.
const usualRSABits = 2048

// rsaBits returns the length of an RSA key, 0 for other keys.
func rsaBits(key ssh.PublicKey) int {
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return r.N.BitLen()
		}
	}
	return 0
}

// missing returns what a server requires in addition to a method that it accepted.
func (l *login) missing(h Hop) string {
	wanted := methodNames(l.wanted)
	switch {
	case l.question != "":
		return fmt.Sprintf("it asks %q, which cannot be answered automatically; require less in its AuthenticationMethods", l.question)
	case h.creds.jump && l.password.IsZero() && slices.Contains(l.wanted, "password"):
		return fmt.Sprintf("it requires the %s too, but a jump host cannot have a password here; require less in its AuthenticationMethods", wanted)
	case l.password.IsZero() && slices.Contains(l.wanted, "password"):
		return fmt.Sprintf("it requires the %s too; set password in the tunnel, or require less in its AuthenticationMethods", wanted)
	}
	return fmt.Sprintf("it requires the %s too, and did not accept what was offered; require less in its AuthenticationMethods", wanted)
}

// asksForNewPassword reports whether a question is about a password that has to be changed.
func asksForNewPassword(question string) bool {
	question = strings.ToLower(question)
	return strings.Contains(question, "new password") || strings.Contains(question, "current") && strings.Contains(question, "password")
}

// methodNames returns authentication methods in words.
func methodNames(methods []string) string {
	words := map[string]string{"publickey": "key", "keyboard-interactive": "answer to a question (keyboard-interactive)"}
	var names []string
	for _, m := range methods {
		names = append(names, cmp.Or(words[m], m))
	}
	return strings.Join(names, " or ")
}
