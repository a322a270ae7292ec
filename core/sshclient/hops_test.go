//go:build linux

package sshclient

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// TestCredentialsOfEachHop shows that the identity and password of the tunnel are used for
// its host only. The login to a bastion uses ssh_config.
func TestCredentialsOfEachHop(t *testing.T) {
	t.Parallel()
	bastion := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\n"})
	host := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: "PasswordAuthentication yes\n"})
	home := t.TempDir()
	ours := filepath.Join(home, ".ssh", "bastion_key")
	bastion.Authorize("", sshdtest.NewKey(t, ours, "").PublicKey())
	identity := filepath.Join(home, "host_key")
	host.Authorize("", sshdtest.NewKey(t, identity, "").PublicKey())
	writeFile(t, filepath.Join(home, ".ssh", "known_hosts"), knownHostsLine(bastion)+knownHostsLine(host))
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Host bastion\n HostName "+bastion.Host+"\n Port "+bastion.Port+"\n User "+bastion.User+"\n IdentityFile ~/.ssh/bastion_key\n")
	c := tunnelTo(host)
	c.Jump, c.Identity, c.Password = "bastion", identity, config.NewSecret("a-password-of-the-host")
	mustDial(t, Environment{Home: home}, c)

	// A bastion that refuses its key does not get the host's password.
	bastion.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey())
	mustFail(t, Environment{Home: home}, c, true, bastion.Addr()+" refused the login", "bastion_key")
	if strings.Contains(bastion.Log(), "Failed password") {
		t.Error("the bastion got the host's password")
	}
}

// TestDialThroughTheHost connects from the host to another address, with deadlines and
// half-close, in a tunnel without forwards.
func TestDialThroughTheHost(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c) // until the client closes its direction
				_ = c.Close()
			}()
		}
	}()
	client := mustDial(t, envOf(s), tunnelTo(s))
	conn, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("through the host ", 20000)
	go func() {
		_, _ = io.WriteString(conn, text)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	back, err := io.ReadAll(conn)
	if err != nil || string(back) != text {
		t.Errorf("%d bytes came back, %v", len(back), err)
	}
	_ = conn.Close()
	if _, err := client.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("a closed port is reached")
	}
}

// otherKey returns a key that no server has, as in known_hosts.
func otherKey(t *testing.T) string {
	t.Helper()
	key := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey()
	return strings.Fields(string(ssh.MarshalAuthorizedKey(key)))[1]
}

// TestKnownHostsOfOtherPorts uses the lines that ssh accepts for a host with a port other
// than 22.
func TestKnownHostsOfOtherPorts(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	key := strings.SplitN(knownHostsLine(s), " ", 2)[1]
	for name, line := range map[string]string{
		"no port":                     "127.0.0.1 " + key,
		"a star":                      "* " + key,
		"a star with any port":        "[*]:* " + key,
		"a pattern":                   "[127.0.0.*]:" + s.Port + " " + key,
		"a list":                      "other.example,127.0.0.1 " + key,
		"a hash without a port":       knownhosts.HashHostname("127.0.0.1") + " " + key,
		"next to lines without a key": "@revoked * ssh-ed25519 " + otherKey(t) + "\n@cert-authority [127.0.0.1]:* ssh-ed25519 " + otherKey(t) + "\n127.0.0.1 " + key,
		"a line of another type":      "127.0.0.1 sk-unknown@openssh.com AAAAFHNrLXVua25vd25Ab3BlbnNzaC5jb20=\n" + knownHostsLine(s),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			writeFile(t, filepath.Join(home, ".ssh", "known_hosts"), line)
			writeFile(t, filepath.Join(home, ".ssh", "id_ed25519"), string(readFile(t, s.Home+"/.ssh/id_ed25519")))
			mustDial(t, Environment{Home: home}, tunnelTo(s))
		})
	}
	t.Run("an authority", func(t *testing.T) {
		t.Parallel()
		dir, home := t.TempDir(), t.TempDir()
		s := sshdtest.Start(t, sshdtest.Options{Config: "HostCertificate " + dir + "/cert.pub\n"})
		authority := sshdtest.NewKey(t, filepath.Join(dir, "authority"), "")
		writeFile(t, dir+"/cert.pub", string(ssh.MarshalAuthorizedKey(certify(t, authority, s.HostKey, ssh.HostCert, s.Host))))
		s.Restart()
		writeFile(t, filepath.Join(home, ".ssh", "id_ed25519"), string(readFile(t, s.Home+"/.ssh/id_ed25519")))
		for _, hosts := range []string{"*", "127.0.0.1", "[127.0.0.1]:*", "*,!other"} {
			writeFile(t, filepath.Join(home, ".ssh", "known_hosts"), "@cert-authority "+hosts+" "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
			mustDial(t, Environment{Home: home}, tunnelTo(s))
		}
	})
	t.Run("negated", func(t *testing.T) {
		t.Parallel()
		home := t.TempDir()
		writeFile(t, filepath.Join(home, ".ssh", "known_hosts"), "*,!127.0.0.1,![127.0.0.1]:* "+key)
		writeFile(t, filepath.Join(home, ".ssh", "id_ed25519"), string(readFile(t, s.Home+"/.ssh/id_ed25519")))
		mustFail(t, Environment{Home: home}, tunnelTo(s), true, "is not known yet")
	})
}
