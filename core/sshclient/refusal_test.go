//go:build linux

package sshclient

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// loginServer runs an SSH server whose configuration may end a connection, and returns a
// tunnel to it.
func loginServer(t *testing.T, configure func(net.Conn) *ssh.ServerConfig) *config.Tunnel {
	t.Helper()
	signer := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				c := configure(conn)
				c.AddHostKey(signer)
				_, channels, requests, err := ssh.NewServerConn(conn, c)
				if err != nil {
					return
				}
				go ssh.DiscardRequests(requests)
				for c := range channels {
					_ = c.Reject(ssh.UnknownChannelType, "no")
				}
			}()
		}
	}()
	return &config.Tunnel{
		Name: "vps", Host: l.Addr().String(), User: "me", HostKey: ssh.FingerprintSHA256(signer.PublicKey()),
		Keepalive: config.Keepalive{Interval: time.Second, Timeout: time.Minute},
	}
}

// homeWithKey returns a home directory with a private key.
func homeWithKey(t *testing.T) Environment {
	t.Helper()
	home := t.TempDir()
	sshdtest.NewKey(t, filepath.Join(home, ".ssh", "id_ed25519"), "")
	return Environment{Home: home}
}

// TestServerThatCloses uses servers that end the connection at each phase of a login. Only
// what may be a refusal is not repeated soon.
func TestServerThatCloses(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no")
	for name, c := range map[string]struct {
		configure func(net.Conn) *ssh.ServerConfig
		password  bool
		permanent bool
		want      string
	}{
		"before its key": {func(conn net.Conn) *ssh.ServerConfig {
			_ = conn.Close()
			return &ssh.ServerConfig{NoClientAuth: true}
		}, false, false, "closed the connection before it presented a key"},
		"at the first request": {func(conn net.Conn) *ssh.ServerConfig {
			return &ssh.ServerConfig{NoClientAuth: true, NoClientAuthCallback: func(ssh.ConnMetadata) (*ssh.Permissions, error) {
				_ = conn.Close()
				return nil, refusal
			}}
		}, false, false, `closed the connection during the login as "me"`},
		"at a key": {func(conn net.Conn) *ssh.ServerConfig {
			return &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				_ = conn.Close()
				return nil, refusal
			}}
		}, false, false, `closed the connection during the login as "me": its LoginGraceTime may be too short`},
		"at the password": {func(conn net.Conn) *ssh.ServerConfig {
			return &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
				_ = conn.Close()
				return nil, refusal
			}}
		}, true, true, "with the password, which may be how it refuses a login"},
		"at an answer": {func(conn net.Conn) *ssh.ServerConfig {
			return &ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				_, _ = ask("", "", []string{"Password:"}, []bool{false})
				_ = conn.Close()
				return nil, refusal
			}}
		}, true, true, "with the password, which may be how it refuses a login"},
		"after the login": {func(conn net.Conn) *ssh.ServerConfig {
			return &ssh.ServerConfig{NoClientAuth: true, NoClientAuthCallback: func(ssh.ConnMetadata) (*ssh.Permissions, error) {
				time.AfterFunc(50*time.Millisecond, func() { _ = conn.Close() })
				return nil, nil
			}}
		}, false, false, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tunnel := loginServer(t, c.configure)
			e := homeWithKey(t)
			if c.password {
				tunnel.Password, e = config.NewSecret("secret-of-the-test"), Environment{Home: t.TempDir()}
			}
			if name == "after the login" {
				client, err := dial(t, e, tunnel)
				if err == nil {
					<-client.Done()
					err = client.Err()
				}
				if !strings.Contains(err.Error(), c.want) || IsPermanent(err) {
					t.Error(err)
				}
				return
			}
			mustFail(t, e, tunnel, c.permanent, c.want)
			if _, err := dial(t, e, tunnel); err == nil || strings.Contains(err.Error(), "EOF") {
				t.Errorf("the error has the text of the library: %v", err)
			}
		})
	}
}

// TestLostDuringTheLogin uses a server that stops answering after it has presented its key.
// That is not a refusal, so it is tried again soon.
func TestLostDuringTheLogin(t *testing.T) {
	t.Parallel()
	l := &login{signers: make([]ssh.Signer, 3), names: []string{"a key"}}
	lost := &net.OpError{Op: "read", Err: errors.New("no route to host")}
	if err := l.ended(Hop{host: "vps", port: "22", user: "me"}, lost); err.Permanent || !strings.Contains(err.Text, "was lost during the login: no route to host") {
		t.Errorf("%+v", err)
	}
}

// TestDisconnectReasons shows that the server's own words are in the error, and which codes
// are about the login.
func TestDisconnectReasons(t *testing.T) {
	t.Parallel()
	for code, permanent := range map[uint32]bool{1: true, 2: true, 7: false, 10: false, 11: true, 12: false, 14: true, 15: true} {
		for sent, shown := range map[string]string{"closed for\r\nmaintenance: \"back soon\"": `"closed for maintenance: \"back soon\""`, "": `"no reason"`} {
			err := (&login{refused: true}).rejected(Hop{host: "vps", port: "22", user: "me"}, disconnected(t, code, sent))
			if err.Permanent != permanent || !strings.Contains(err.Text, `vps:22 ended the login as "me": `+shown) {
				t.Errorf("code %d: %+v", code, err)
			}
		}
	}
}

// disconnected returns the error of the SSH library for a server that sends a disconnect
// message.
func disconnected(t *testing.T, code uint32, text string) error {
	t.Helper()
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	go func() {
		payload := ssh.Marshal(struct {
			Code           uint32 `sshtype:"1"`
			Text, Language string
		}{Code: code, Text: text})
		padding := 16 - (4+1+len(payload))%8 // at least 4
		packet := binary.BigEndian.AppendUint32([]byte("SSH-2.0-test\r\n"), uint32(1+len(payload)+padding))
		packet = append(append(packet, byte(padding)), payload...)
		_, _ = far.Write(append(packet, make([]byte, padding)...))
	}()
	_, _, _, err := ssh.NewClientConn(near, "vps", &ssh.ClientConfig{HostKeyCallback: func(string, net.Addr, ssh.PublicKey) error { return nil }})
	if err == nil {
		t.Fatal("it connects")
	}
	return err
}

// TestTooManyAttempts uses a low MaxAuthTries. Advice to choose a key is given only where
// there were several.
func TestTooManyAttempts(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: "PasswordAuthentication yes\nMaxAuthTries 1\n"})
	s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey()) // no key is accepted
	several := t.TempDir()
	for _, name := range defaultKeys[:3] {
		sshdtest.NewKey(t, filepath.Join(several, ".ssh", name), "")
	}
	for name, c := range map[string]struct {
		home, password, want string
	}{
		"one key":                          {homeWithKey(t).Home, "", "the key is in ~/.ssh/authorized_keys"},
		"several keys":                     {several, "", "after too many refused keys: set identity in the tunnel"},
		"a wrong password":                 {t.TempDir(), "not-the-password", "check the user name and the password"},
		"keys, and then a wrong password":  {several, "not-the-password", "check the user name and the password"},
		"a key, and then a wrong password": {homeWithKey(t).Home, "not-the-password", "check the user name and the password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tunnel := pinned(tunnelTo(s), s)
			tunnel.User, tunnel.Password = sshdtest.Guest, config.NewSecret(c.password)
			mustFail(t, Environment{Home: c.home}, tunnel, true, c.want)
			if _, err := dial(t, Environment{Home: c.home}, tunnel); strings.Contains(err.Error(), "too many refused keys") != (name == "several keys") {
				t.Error(err)
			}
		})
	}
}

// TestAdviceForJumpHosts shows that errors of a jump host do not name settings of the tunnel
// that are for its last host.
func TestAdviceForJumpHosts(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: "PasswordAuthentication yes\nMaxAuthTries 2\nAuthenticationMethods publickey,password\n"})
	known := string(readFile(t, s.Home+"/.ssh/known_hosts"))
	several := t.TempDir()
	for _, name := range defaultKeys[:3] {
		sshdtest.NewKey(t, filepath.Join(several, ".ssh", name), "")
	}
	for home, want := range map[string]string{
		t.TempDir(): "set IdentityFile for this jump host in ssh_config",
		several:     "set IdentityFile and IdentitiesOnly yes for this jump host",
		s.Home:      "a jump host cannot have a password here",
	} {
		writeFile(t, home+"/.ssh/known_hosts", known)
		tunnel := tunnelTo(s)
		tunnel.Host, tunnel.Jump = "vps.invalid", s.User+"@"+s.Addr()
		tunnel.Password = config.NewSecret("a-password-of-the-host")
		mustFail(t, Environment{Home: home}, tunnel, true, want)
		if _, err := dial(t, Environment{Home: home}, tunnel); err == nil || strings.Contains(err.Error(), "in the tunnel") {
			t.Errorf("the advice is about the last host: %v", err)
		}
	}
}

// TestTwoKeysRequired uses a server that requires two keys.
func TestTwoKeysRequired(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "AuthenticationMethods publickey,publickey\n"})
	second := sshdtest.NewKey(t, filepath.Join(s.Home, ".ssh", "second"), "")
	writeFile(t, s.Dir+"/authorized_keys", string(ssh.MarshalAuthorizedKey(s.Key.PublicKey()))+string(ssh.MarshalAuthorizedKey(second.PublicKey())))
	mustFail(t, envOf(s), tunnelTo(s), true, "accepted the key of", "requires the key too")
	writeFile(t, s.Home+"/.ssh/config", "Host *\n IdentityFile ~/.ssh/id_ed25519\n IdentityFile ~/.ssh/second\n")
	mustDial(t, envOf(s), tunnelTo(s))
}

// TestCertificatesForOthers uses certificates that the server cannot accept for the account.
func TestCertificatesForOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := sshdtest.NewKey(t, filepath.Join(dir, "authority"), "")
	writeFile(t, dir+"/authority.pub", string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	s := sshdtest.Start(t, sshdtest.Options{Config: "TrustedUserCAKeys " + dir + "/authority.pub\n"})
	s.Authorize("", authority.PublicKey()) // no key without a certificate is accepted
	identity := filepath.Join(dir, "key")
	key := sshdtest.NewKey(t, identity, "")
	c := tunnelTo(s)
	c.Identity = identity
	for _, x := range []struct {
		kind      uint32
		principal string
		want      string
	}{
		{ssh.UserCert, "another-user", "is for another-user, not for \"" + s.User + "\""},
		{ssh.HostCert, s.User, identity + "-cert.pub is for a host, not for a user"},
	} {
		writeFile(t, identity+"-cert.pub", string(ssh.MarshalAuthorizedKey(certify(t, authority, key.PublicKey(), x.kind, x.principal))))
		mustFail(t, envOf(s), c, true, x.want)
	}
}

// TestSessionKeysAreRenewed shows that the host's key is reported once, however often the
// session keys are renewed.
func TestSessionKeysAreRenewed(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "RekeyLimit 16K\n"})
	r, err := envOf(s).Resolve(t.Context(), tunnelTo(s))
	if err != nil {
		t.Fatal(err)
	}
	var reported atomic.Int32
	client, err := Dial(t.Context(), r, Options{Keepalive: tunnelTo(s).Keepalive, OnStep: func(step Step, _ string) {
		if step == StepHostKey {
			reported.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 20 {
		if out, err := client.Run(t.Context(), "head -c 16000 /dev/zero | tr '\\0' x"); err != nil || len(out) != 16000 {
			t.Fatalf("%d bytes, %v", len(out), err)
		}
	}
	if n := reported.Load(); n != 1 {
		t.Errorf("the key was reported %d times", n)
	}
}

// TestTextBeforeTheVersion has text before the version of a server, which a client ignores.
func TestTextBeforeTheVersion(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	for name, c := range map[string]struct{ text, want string }{
		"lines":               {strings.Repeat("Authorized users only\r\n", 500), ""},
		"a long line":         {strings.Repeat("=", 8000) + "\n", ""},
		"bytes":               {"\x00\xff\x1b[31m\n\n", ""},
		"no end of the line":  {"hello ", `sends "hello SSH-2.0-`},
		"more than a million": {strings.Repeat("the same again\n", 80000), `sends "the same again", but no SSH version: is this the port`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					far, err := net.Dial("tcp", s.Addr())
					if err != nil {
						_ = conn.Close()
						continue
					}
					go func() {
						_, _ = io.Copy(far, conn)
						_ = far.Close()
					}()
					go func() {
						_, _ = io.WriteString(conn, c.text)
						_, _ = io.Copy(conn, far)
						_ = conn.Close()
					}()
				}
			}()
			tunnel := pinned(tunnelTo(s), s)
			tunnel.Host = l.Addr().String()
			if c.want == "" {
				mustDial(t, envOf(s), tunnel)
				return
			}
			mustFail(t, envOf(s), tunnel, false, c.want)
		})
	}
}

// TestShortRSAKey uses a key that is shorter than the server requires.
func TestShortRSAKey(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "RequiredRSASize 2048\n"})
	path := filepath.Join(t.TempDir(), "short")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %s", out)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(readFile(t, path+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.Authorize("", key)
	c := tunnelTo(s)
	c.Identity = path
	mustFail(t, envOf(s), c, true, "has 1024 bits, and servers may require 2048 (RequiredRSASize)")
}
