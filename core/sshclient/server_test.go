//go:build linux

package sshclient

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// newRSAKey writes a key to a file.
func newRSAKey(t *testing.T) (file string, private *rsa.PrivateKey) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "rsa")
	writeFile(t, file, string(pem.EncodeToMemory(block)))
	return file, private
}

// TestRefusals shows that errors contain what a server sends before its version, and
// which algorithms it offers.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	for name, c := range map[string]struct {
		says      string
		open      bool // the connection stays open
		permanent bool
		want      string
	}{
		"a penalty":               {"Not allowed at this time\r\n", false, true, "PerSourcePenalties"},
		"a web server":            {"HTTP/1.1 400 Bad Request\r\n\r\n", false, false, "answers like a web server"},
		"a web server with TLS":   {"\x15\x03\x01\x00\x02\x02\x16", false, false, "answers like a web server with TLS"},
		"a mail server":           {"220 mx.example ESMTP\r\n", true, false, `sends "220 mx.example ESMTP", but no SSH version: is this the port`},
		"another text":            {"go away\r\n", false, false, `"go away"`},
		"nothing":                 {"", false, false, "closed the connection before it presented a key"},
		"nothing, and stays open": {"", true, false, "accepted the connection but did not answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, c.says)
					if !c.open {
						_ = conn.(*net.TCPConn).CloseWrite()
					}
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				}
			}()
			tunnel := tunnelTo(s)
			tunnel.Host = l.Addr().String()
			mustFail(t, envOf(s), tunnel, c.permanent, c.want)
		})
	}
	t.Run("MaxStartups", func(t *testing.T) {
		t.Parallel()
		s := sshdtest.Start(t, sshdtest.Options{Config: "MaxStartups 1:100:1\n"})
		testhelp.Eventually(t, "a connection waits to log in", func() bool {
			waiting, err := net.Dial("tcp", s.Addr())
			if err != nil {
				return false
			}
			t.Cleanup(func() { _ = waiting.Close() })
			said := make([]byte, 4)
			_, _ = io.ReadFull(waiting, said)
			return string(said) == "SSH-"
		})
		mustFail(t, envOf(s), tunnelTo(s), false, "too many connections that have not logged in yet", "MaxStartups")
	})
	t.Run("no common cipher", func(t *testing.T) {
		t.Parallel()
		s := sshdtest.Start(t, sshdtest.Options{Config: "Ciphers aes256-cbc\n"})
		mustFail(t, envOf(s), tunnelTo(s), true, "no client to server cipher algorithm in common", "aes256-cbc")
	})
	t.Run("no common MAC", func(t *testing.T) {
		t.Parallel()
		s := sshdtest.Start(t, sshdtest.Options{Config: "Ciphers aes256-ctr\nMACs umac-64@openssh.com\n"})
		mustFail(t, envOf(s), tunnelTo(s), true, "no client to server MAC algorithm in common", "umac-64@openssh.com")
	})
	t.Run("no common key exchange", func(t *testing.T) {
		t.Parallel()
		s := sshdtest.Start(t, sshdtest.Options{Config: "KexAlgorithms diffie-hellman-group18-sha512\n"})
		mustFail(t, envOf(s), tunnelTo(s), true, "no key exchange algorithm in common", "diffie-hellman-group18-sha512")
	})
	for _, kex := range []string{"diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256"} {
		t.Run(kex, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{Config: "KexAlgorithms " + kex + "\n"})
			mustDial(t, envOf(s), tunnelTo(s))
		})
	}
	t.Run("names of extensions are not shown", func(t *testing.T) {
		t.Parallel()
		s := sshdtest.Start(t, sshdtest.Options{Config: "KexAlgorithms sntrup761x25519-sha512@openssh.com\n"})
		_, err := dial(t, envOf(s), tunnelTo(s))
		if err == nil || strings.Contains(err.Error(), "kex-strict") || strings.Contains(err.Error(), "ext-info") {
			t.Error(err)
		}
	})
	t.Run("SHA-1 only", func(t *testing.T) {
		t.Parallel()
		file, _ := newRSAKey(t)
		s := sshdtest.Start(t, sshdtest.Options{Config: "HostKey " + file + "\nHostKeyAlgorithms ssh-rsa\n"})
		mustFail(t, envOf(s), tunnelTo(s), true, "only sign with outdated algorithms (ssh-rsa)", "SHA-1")
	})
	t.Run("an authority without a certificate", func(t *testing.T) {
		t.Parallel()
		s := sshdtest.Start(t, sshdtest.Options{})
		authority := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "authority"), "")
		writeFile(t, s.Home+"/.ssh/known_hosts", "@cert-authority * "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
		mustFail(t, envOf(s), tunnelTo(s), true, "presents a key without a certificate", "line 1 of "+s.Home, "HostCertificate")
	})
}

// TestSlowLogin shows that a login may take long, as when the server looks up names.
func TestSlowLogin(t *testing.T) {
	t.Parallel()
	sshdtest.RequireRoot(t)
	s := sshdtest.Start(t, sshdtest.Options{Config: "AuthorizedKeysCommand /usr/bin/sleep 6\nAuthorizedKeysCommandUser root\n"})
	c := tunnelTo(s) // its other steps have a limit of 3 seconds
	mustDial(t, envOf(s), c)
}

// TestSlowSession shows that the session may start long after the login, as when PAM waits
// for systemd-logind. No deadline of a later request counts that.
func TestSlowSession(t *testing.T) {
	t.Parallel()
	address, key := deafServer(t, &ssh.ServerConfig{NoClientAuth: true}, 4*time.Second)
	home := t.TempDir()
	sshdtest.NewKey(t, filepath.Join(home, ".ssh", "id_ed25519"), "")
	client := mustDial(t, Environment{Home: home}, &config.Tunnel{
		Name: "vps", Host: address, User: "me", HostKey: ssh.FingerprintSHA256(key),
		Keepalive: config.Keepalive{Interval: 50 * time.Millisecond, Timeout: 400 * time.Millisecond},
	})
	if err := askForChannel(client.client); err != nil {
		t.Errorf("it does not answer: %v, %v", err, client.Err())
	}
}

// TestAccountIsRefused shows that a login that is refused although the server knows the key
// is not reported as one with an unknown key, and that what the server says is shown.
func TestAccountIsRefused(t *testing.T) {
	t.Parallel()
	for banner, want := range map[string]string{
		"": "knows the key ",
		"Your account has expired;\r\nplease contact\x1b[31m your administrator.\n": `it says "Your account has expired; please contact [31m your administrator."`,
	} {
		address, key := deafServer(t, &ssh.ServerConfig{
			BannerCallback:    func(ssh.ConnMetadata) string { return "Authorized users only" },
			PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil },
			VerifiedPublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey, *ssh.Permissions, string) (*ssh.Permissions, error) {
				return nil, &ssh.BannerError{Err: errors.New("the account has expired"), Message: banner}
			},
		}, 0)
		home := t.TempDir()
		sshdtest.NewKey(t, filepath.Join(home, ".ssh", "id_ed25519"), "")
		tunnel := &config.Tunnel{Name: "vps", Host: address, User: "me", HostKey: ssh.FingerprintSHA256(key), Keepalive: config.Keepalive{Timeout: time.Minute}}
		mustFail(t, Environment{Home: home}, tunnel, true, want, `refused the login as "me": the account may have expired`)
		if _, err := dial(t, Environment{Home: home}, tunnel); err == nil || strings.Contains(err.Error(), "authorized_keys") || strings.Contains(err.Error(), "Authorized users") {
			t.Error(err)
		}
	}
}

// TestExpiredAccount uses an account that has expired, at a real sshd with PAM. It closes the
// connection when the key has been verified.
func TestExpiredAccount(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Guest: true, AccountExpired: true, Config: "UsePAM yes\n"})
	c := tunnelTo(s)
	c.User = sshdtest.Guest
	mustFail(t, envOf(s), c, false, "knows the key ", `closed the connection during the login as "guest": the account may have expired`, "/etc/nologin")
}

// deafServer returns an SSH server that ignores requests that are not about channels, and
// takes a while to answer those.
func deafServer(t *testing.T, serverConfig *ssh.ServerConfig, wait time.Duration) (address string, key ssh.PublicKey) {
	t.Helper()
	signer := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "")
	serverConfig.AddHostKey(signer)
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
				_, channels, requests, err := ssh.NewServerConn(conn, serverConfig)
				if err != nil {
					return
				}
				go func() {
					for range requests { // no answer
					}
				}()
				time.Sleep(wait)
				for c := range channels {
					_ = c.Reject(ssh.UnknownChannelType, "no")
				}
			}()
		}
	}()
	return l.Addr().String(), signer.PublicKey()
}

// TestServerThatIgnoresKeepalives shows that its connection is not ended.
func TestServerThatIgnoresKeepalives(t *testing.T) {
	t.Parallel()
	address, key := deafServer(t, &ssh.ServerConfig{NoClientAuth: true}, 0)
	home := t.TempDir()
	sshdtest.NewKey(t, filepath.Join(home, ".ssh", "id_ed25519"), "")
	client := mustDial(t, Environment{Home: home}, &config.Tunnel{
		Name: "vps", Host: address, User: "me", HostKey: ssh.FingerprintSHA256(key),
		Keepalive: config.Keepalive{Interval: 50 * time.Millisecond, Timeout: 400 * time.Millisecond},
	})
	select {
	case <-client.Done():
		t.Errorf("the connection was ended: %v", client.Err())
	case <-time.After(2 * time.Second):
	}
}

// TestDropbear uses another SSH server, which delays small packets.
func TestDropbear(t *testing.T) {
	t.Parallel()
	s := sshdtest.StartDropbear(t)
	client := mustDial(t, Environment{Home: s.Home}, &config.Tunnel{
		Name: "vps", Host: s.Address, User: accountName(t), Keepalive: config.Keepalive{Interval: time.Second, Timeout: 5 * time.Second},
	})
	if out, err := client.Run(t.Context(), "echo here"); err != nil || strings.TrimSpace(out) != "here" {
		t.Errorf("%q, %v", out, err)
	}
	if client.wire.noDelay.Load() {
		t.Error("dropbear sends with delay, so its packets have to be acknowledged at once")
	}
}
