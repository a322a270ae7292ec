//go:build linux

package sshclient

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// TestQuestions uses servers that ask more than the password. The error names the question,
// and the password is not sent again soon.
func TestQuestions(t *testing.T) {
	t.Parallel()
	ask := func(challenge ssh.KeyboardInteractiveChallenge, question string, echo bool) error {
		_, err := challenge("", "", []string{question}, []bool{echo})
		return err
	}
	for name, c := range map[string]struct {
		ask  func(ssh.KeyboardInteractiveChallenge) error
		want string
	}{
		"a code after the password": {func(challenge ssh.KeyboardInteractiveChallenge) error {
			if err := ask(challenge, "Password: ", false); err != nil {
				return err
			}
			return ask(challenge, "Verification code:\x1b[31m ", false)
		}, `asks "Verification code: [31m" at the login as "me", which cannot be answered automatically`},
		"both at once": {func(challenge ssh.KeyboardInteractiveChallenge) error {
			_, err := challenge("", "", []string{"Password: ", "Duo passcode: "}, []bool{false, false})
			return err
		}, `asks "Duo passcode:" at the login`},
		"a question that is not about a password": {func(challenge ssh.KeyboardInteractiveChallenge) error {
			return ask(challenge, "Do you accept the terms?", true)
		}, `asks "Do you accept the terms?" at the login`},
		"a new password": {func(challenge ssh.KeyboardInteractiveChallenge) error {
			if err := ask(challenge, "Password: ", false); err != nil {
				return err
			}
			return ask(challenge, "New password: ", false)
		}, `requires "me" to change the password (it asks "New password:"): log in with ssh to do that`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tunnel := loginServer(t, func(net.Conn) *ssh.ServerConfig {
				return &ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
					return nil, c.ask(challenge)
				}}
			})
			tunnel.Password = config.NewSecret("secret-of-the-test")
			mustFail(t, Environment{Home: t.TempDir()}, tunnel, true, c.want)
		})
	}
}

// TestExpiredPassword uses an account whose password has to be changed, at a real sshd.
func TestExpiredPassword(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Guest: true, PasswordExpired: true, Config: "UsePAM yes\nKbdInteractiveAuthentication yes\n"})
	s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey()) // only the password is accepted
	c := tunnelTo(s)
	c.User, c.Password = sshdtest.Guest, config.NewSecret(sshdtest.Password)
	mustFail(t, envOf(s), c, true, `requires "guest" to change the password`, "log in with ssh")
}

// TestPasswordChangeRequest uses a server that answers the password by a request to change it,
// as OpenSSH on BSD does. The server of the library cannot, but its questions have the same
// number as that request.
func TestPasswordChangeRequest(t *testing.T) {
	t.Parallel()
	tunnel := loginServer(t, func(net.Conn) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
				_, err := ask("", "", nil, nil)
				return nil, err
			}}}
		}}
	})
	tunnel.Password = config.NewSecret("secret-of-the-test")
	mustFail(t, Environment{Home: t.TempDir()}, tunnel, true, `requires "me" to change the password: log in with ssh`)
}

// TestPasswordIsNotRepeated counts how often a server that closes the connection gets the
// password in one attempt.
func TestPasswordIsNotRepeated(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	tunnel := loginServer(t, func(conn net.Conn) *ssh.ServerConfig {
		return &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			sent.Add(1)
			_ = conn.Close()
			return nil, errors.New("no")
		}}
	})
	tunnel.Password = config.NewSecret("secret-of-the-test")
	mustFail(t, Environment{Home: t.TempDir()}, tunnel, true, "closed the connection")
	if n := sent.Load(); n != 1 {
		t.Errorf("the password was sent %d times", n)
	}
}

// TestPasswordsThatAreNotAccepted uses servers that accept keys only, such as dropbear -s.
// The error does not blame the password.
func TestPasswordsThatAreNotAccepted(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey()) // no key is accepted
	dropbear := sshdtest.StartDropbear(t, "-s")
	for name, c := range map[string]struct {
		host, home, want string
	}{
		"a password":                   {s.Addr(), t.TempDir(), `does not accept a password from "root", but requires a key: set identity`},
		"a key and a password":         {s.Addr(), homeWithKey(t).Home, "The password was not sent, as the server does not accept any"},
		"a password, with dropbear":    {dropbear.Address, t.TempDir(), `does not accept a password from "root", but requires a key`},
		"a key and one, with dropbear": {dropbear.Address, homeWithKey(t).Home, "The password was not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := string(readFile(t, s.Home+"/.ssh/known_hosts")) + string(readFile(t, dropbear.Home+"/.ssh/known_hosts"))
			writeFile(t, c.home+"/.ssh/known_hosts", known)
			tunnel := tunnelTo(s)
			tunnel.Host, tunnel.User, tunnel.Password = c.host, "root", config.NewSecret("a-password-of-root")
			mustFail(t, Environment{Home: c.home}, tunnel, true, c.want)
			if _, err := dial(t, Environment{Home: c.home}, tunnel); err == nil || strings.Contains(err.Error(), "or the password") {
				t.Error(err)
			}
		})
	}
}
