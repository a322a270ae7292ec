//go:build linux

package sshclient

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// withAndWithoutSSH runs a test with OpenSSH and with our own reader, and a home directory
// with an ssh_config.
func withAndWithoutSSH(t *testing.T, text string, f func(t *testing.T, e Environment)) {
	t.Helper()
	program := sshdtest.Require(t, "ssh", "openssh-client")
	for name, program := range map[string]string{"OpenSSH": program, "our reader": ""} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			writeFile(t, filepath.Join(home, ".ssh", "config"), text)
			f(t, Environment{Home: home, SSH: program})
		})
	}
}

func resolve(t *testing.T, e Environment, host string) *Route {
	t.Helper()
	r, err := e.Resolve(t.Context(), &config.Tunnel{Name: "vps", Host: host, User: "me"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNoneInsteadOfFiles uses "none" for settings of files in ssh_config.
func TestNoneInsteadOfFiles(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	for _, none := range []string{"none", "/dev/null"} {
		withAndWithoutSSH(t, "UserKnownHostsFile "+none+"\nGlobalKnownHostsFile none\nIdentityFile none\nCertificateFile none\n", func(t *testing.T, e Environment) {
			t.Chdir(t.TempDir())
			r := resolve(t, e, s.Addr())
			if h := r.Host(); len(h.hostKeys.files)+len(h.hostKeys.system)+len(h.creds.files)+len(h.creds.certificates) > 0 {
				t.Errorf("%+v", h)
			}
			if files, _ := r.Host().creds.keyFiles(); len(files) > 0 {
				t.Errorf("keys of files are used: %s", files)
			}
			_, err := Trust(t.Context(), r, tunnelTo(s).Keepalive, func(HostKey) (bool, error) { return true, nil })
			if err == nil || !strings.Contains(err.Error(), "known_hosts in the tunnel") {
				t.Errorf("the key is trusted without a file: %v", err)
			}
			if left, _ := os.ReadDir("."); len(left) > 0 {
				t.Errorf("a file %q was written", left[0].Name())
			}
		})
	}
}

// TestDefaultKeysAndAnother has the default keys in ssh_config and one more.
func TestDefaultKeysAndAnother(t *testing.T) {
	withAndWithoutSSH(t, "IdentityFile ~/.ssh/id_rsa\nIdentityFile ~/.ssh/id_ecdsa\nIdentityFile ~/.ssh/id_ed25519\nIdentityFile ~/.ssh/work\n", func(t *testing.T, e Environment) {
		if files := resolve(t, e, "vps").Host().creds.files; len(files) != 4 || filepath.Base(files[3]) != "work" {
			t.Errorf("the keys are %s", files)
		}
	})
}

// TestConnectionHash uses the token %C, which ssh computes.
func TestConnectionHash(t *testing.T) {
	withAndWithoutSSH(t, "IdentityFile ~/.ssh/%C\n", func(t *testing.T, e Environment) {
		out, err := exec.Command("ssh", "-F", "none", "-G", "-l", "me", "-o", "ControlPath=%C", "--", "vps").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(string(out), "\ncontrolpath ")
		want, _, _ = strings.Cut(want, "\n")
		if files := resolve(t, e, "vps").Host().creds.files; len(files) != 1 || filepath.Base(files[0]) != want || len(want) != 40 {
			t.Errorf("the key is %s, want %q", files, want)
		}
	})
}

// TestRevokedHostKeys uses a list of keys that no host may have.
func TestRevokedHostKeys(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	other := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey()
	withAndWithoutSSH(t, "RevokedHostKeys ~/.ssh/revoked\nIdentityFile "+s.Home+"/.ssh/id_ed25519\n", func(t *testing.T, e Environment) {
		writeFile(t, e.Home+"/.ssh/known_hosts", knownHostsLine(s))
		list := e.Home + "/.ssh/revoked"
		writeFile(t, list, "# lost\n"+string(ssh.MarshalAuthorizedKey(other)))
		mustDial(t, e, tunnelTo(s))
		writeFile(t, list, "# lost\n"+string(ssh.MarshalAuthorizedKey(s.HostKey)))
		mustFail(t, e, tunnelTo(s), true, "is revoked by line 2 of "+list)
		writeFile(t, list, "SSHKRL\n\x00")
		mustFail(t, e, tunnelTo(s), true, "RevokedHostKeys", "list the keys as text")
		if err := os.Remove(list); err != nil {
			t.Fatal(err)
		}
		mustFail(t, e, tunnelTo(s), true, "the revoked host keys cannot be read", list)
	})
}

// TestAddressesToConnectFrom uses BindAddress and AddressFamily.
func TestAddressesToConnectFrom(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	key := "IdentityFile " + s.Home + "/.ssh/id_ed25519\nUserKnownHostsFile " + s.Home + "/.ssh/known_hosts\n"
	withAndWithoutSSH(t, key+"BindAddress 127.0.0.3\n", func(t *testing.T, e Environment) {
		client := mustDial(t, e, tunnelTo(s))
		if from := client.wire.LocalAddr().String(); !strings.HasPrefix(from, "127.0.0.3:") {
			t.Errorf("it connects from %s", from)
		}
	})
	withAndWithoutSSH(t, key+"BindAddress 192.0.2.3\n", func(t *testing.T, e Environment) {
		mustFail(t, e, tunnelTo(s), false, "does not have the address 192.0.2.3", "BindAddress")
	})
	withAndWithoutSSH(t, key+"HostKeyAlias "+s.Addr()+"\nAddressFamily inet\n", func(t *testing.T, e Environment) {
		c := tunnelTo(s)
		c.Host = "[::1]:" + s.Port
		mustFail(t, e, c, false, "[::1]:"+s.Port+" cannot be reached", "AddressFamily")
	})
}

// TestFileThatEveryoneCanChange shows that it is not used, as with ssh.
func TestFileThatEveryoneCanChange(t *testing.T) {
	withAndWithoutSSH(t, "Host vps\n HostName x.example\n", func(t *testing.T, e Environment) {
		path := filepath.Join(e.Home, ".ssh", "config")
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := e.Resolve(t.Context(), &config.Tunnel{Host: "vps", User: "me"})
		if err == nil || !strings.Contains(err.Error(), path+" can be changed by every account (mode 0666), so it is not used: run chmod go-w") {
			t.Errorf("%v", err)
		}
	})
}

// TestIncludesOfEachOther has files that include all others, next to a directory.
func TestIncludesOfEachOther(t *testing.T) {
	withAndWithoutSSH(t, "Include conf.d/*\nHost vps\n HostName x.example\n", func(t *testing.T, e Environment) {
		dir := filepath.Join(e.Home, ".ssh", "conf.d")
		for i := range 5 {
			writeFile(t, filepath.Join(dir, fmt.Sprint(i)), "Include conf.d/*\n")
		}
		writeFile(t, filepath.Join(dir, "directory", "file"), "Host vps\n HostName wrong.example\n")
		r := resolve(t, e, "vps")
		if r.Host().Name() != "x.example" || !slices.ContainsFunc(r.notes, func(n string) bool { return strings.Contains(n, "includes itself") }) {
			t.Errorf("%s", r)
		}
	})
}

// TestSSHThatIsNotOpenSSH uses a program named ssh that succeeds and answers something else.
func TestSSHThatIsNotOpenSSH(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Host vps\n HostName x.example\n")
	program := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho Welcome to the wrapper\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := resolve(t, Environment{Home: home, SSH: program}, "vps")
	if r.Host().Name() != "x.example" || len(r.notes) != 1 || !strings.Contains(r.notes[0], program+" does not answer as OpenSSH does") {
		t.Errorf("%s", r)
	}
}

// TestMistakesThatSSHNames shows that the note has ssh's explanation, and not only the number
// of mistakes, and that the note does not suggest installing ssh.
func TestMistakesThatSSHNames(t *testing.T) {
	program := sshdtest.Require(t, "ssh", "openssh-client")
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Match colour blue\n User wrong\nHost vps\n HostName x.example\n")
	r := resolve(t, Environment{Home: home, SSH: program}, "vps")
	if notes := strings.Join(r.notes, "\n"); r.Host().Name() != "x.example" || !strings.Contains(notes, "colour") || !strings.Contains(notes, "line 1: Bad Match condition") || strings.Contains(notes, "terminating") || strings.Contains(notes, "install") {
		t.Errorf("%s", r)
	}
}

// TestHostKeyAliasWithPort uses an alias that is written as in known_hosts.
func TestHostKeyAliasWithPort(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	withAndWithoutSSH(t, "HostKeyAlias ["+s.Host+"]:"+s.Port+"\nIdentityFile "+s.Home+"/.ssh/id_ed25519\nUserKnownHostsFile "+s.Home+"/.ssh/known_hosts\n", func(t *testing.T, e Environment) {
		c := tunnelTo(s)
		c.Host = "localhost:" + s.Port
		mustDial(t, e, c)
	})
}

// TestRelativeIncludesOfTheSystem has a relative Include in the system's file while HOME is not
// the account's home directory, so that ssh is given one file for both.
func TestRelativeIncludesOfTheSystem(t *testing.T) {
	program := sshdtest.Require(t, "ssh", "openssh-client")
	home, system := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Host vps\n User me\n Port 2022\n")
	writeFile(t, filepath.Join(system, "ssh_config"), "Include \"conf.d/*.conf\" none/* # ours\nMatch final all\n Port 9\nHost *\n User late\n")
	writeFile(t, filepath.Join(system, "conf.d", "a.conf"), "Host vps\n HostName x.example\n")
	file, err := includeFile(home, system)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(file) }()
	out, err := exec.Command(program, "-F", file, "-G", "vps").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hostname x.example\n", "user me\n", "port 2022\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("ssh does not find %q", want)
		}
	}
}
