//go:build linux

package tunnel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func contains(s, part string) bool { return strings.Contains(s, part) }

// TestErrors shows that each mistake gives one line that names it and says what to do.
func TestErrors(t *testing.T) {
	t.Parallel()
	const passphrase = "correct horse battery"
	dir := t.TempDir()
	locked, open, none := filepath.Join(dir, "locked"), filepath.Join(dir, "open"), filepath.Join(dir, "none")
	sshdtest.NewKey(t, locked, passphrase)
	sshdtest.NewKey(t, open, "")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	rubbish := filepath.Join(dir, "rubbish")
	writeFile(t, rubbish, "this is not a key\n")
	for name, c := range map[string]struct {
		server sshdtest.Options
		set    func(*config.Tunnel)
		home   func(t *testing.T, s *sshdtest.Server)
		state  State
		says   []string
	}{
		"no identity": {
			home: func(t *testing.T, s *sshdtest.Server) { remove(t, s.Home+"/.ssh/id_ed25519") }, state: Failed,
			says: []string{"there is no key and no password", "ssh-keygen", "identity or password"},
		},
		"a missing identity": {
			set: func(c *config.Tunnel) { c.Identity = none }, state: Failed,
			says: []string{none, "does not exist", "ssh-keygen -f"},
		},
		"an identity that is not a key": {
			set: func(c *config.Tunnel) { c.Identity = rubbish }, state: Failed, says: []string{rubbish, "no usable private key"},
		},
		"an identity that others can read": {
			set: func(c *config.Tunnel) { c.Identity = open }, state: Failed, says: []string{open, "0644", "chmod 600"},
		},
		"a locked identity without a passphrase": {
			set: func(c *config.Tunnel) { c.Identity = locked }, state: Failed, says: []string{locked, "is encrypted", "set passphrase", "ssh-add"},
		},
		"a wrong passphrase": {
			set: func(c *config.Tunnel) { c.Identity, c.Passphrase = locked, config.NewSecret("wrong-passphrase") }, state: Failed,
			says: []string{"passphrase of the key " + locked + " is wrong"},
		},
		"a wrong user": {
			set: func(c *config.Tunnel) { c.User = "unknown-user" }, state: Failed,
			says: []string{`refused the login as "unknown-user"`, "id_ed25519", "SHA256:", "user name", "authorized_keys"},
		},
		"a refused key": {
			home: func(t *testing.T, s *sshdtest.Server) {
				s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey())
			},
			state: Failed, says: []string{"refused the login", "authorized_keys"},
		},
		"an unreachable host": {
			set: func(c *config.Tunnel) { c.Host = "no-such-host.invalid" }, state: Waiting, says: []string{`no-such-host.invalid`},
		},
		"a closed port": {
			set: func(c *config.Tunnel) { c.Host = "127.0.0.1:1" }, state: Waiting, says: []string{"127.0.0.1:1 refuses the connection", "sshd"},
		},
		"forwarding that is forbidden": {
			server: sshdtest.Options{Config: "AllowTcpForwarding no\n"}, state: Degraded, says: []string{"refused to listen on", "AllowTcpForwarding", "forbid"},
		},
		"an address that the host does not have": {
			server: sshdtest.Options{Config: "GatewayPorts clientspecified\n"}, state: Degraded,
			set:  func(c *config.Tunnel) { c.Forwards[0].Address = "192.0.2.7:9000" },
			says: []string{"refused to listen on 192.0.2.7:9000", "or the host has no address 192.0.2.7"},
		},
		"forwarding that the key forbids": {
			server: sshdtest.Options{KeyOptions: "restrict"}, state: Degraded, says: []string{"authorized_keys", "forbid"},
		},
		"a socket in a missing directory": {
			set: func(c *config.Tunnel) { c.Forwards[0].Address = "unix:/nowhere/a.sock" }, state: Degraded, says: []string{"/nowhere/a.sock", "its directory"},
		},
		"a ProxyCommand that fails": {
			home: func(t *testing.T, s *sshdtest.Server) {
				writeFile(t, s.Home+"/.ssh/config", "Host *\n ProxyCommand echo no route to %h >&2; exit 3\n")
			},
			state: Waiting, says: []string{"ProxyCommand", "no route to"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, c.server)
			tunnel := tunnelTo(t, s)
			if c.set != nil {
				c.set(tunnel)
			}
			if c.home != nil {
				c.home(t, s)
			}
			r := openTunnel(t, s, tunnel)
			r.awaitFault(c.state, c.says...)
			if st := r.status(); c.state == Failed && st.NextTry.Sub(st.Since) < failedPause-time.Second {
				t.Errorf("it is tried again after %s, which is too soon: hosts ban addresses that fail often", st.NextTry.Sub(st.Since))
			}
			for _, line := range r.messages() {
				if contains(line, "wrong-passphrase") || contains(line, passphrase) {
					t.Errorf("a passphrase is shown: %s", line)
				}
				if strings.Contains(line, "\n") {
					t.Errorf("more than one line: %q", line)
				}
			}
		})
	}
}

func openTunnel(t *testing.T, s *sshdtest.Server, c *config.Tunnel) *rig { return open(t, s, c) }

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
