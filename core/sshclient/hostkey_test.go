//go:build linux

package sshclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// secondKey returns the configuration of a second host key of another type.
func secondKey(t *testing.T) (config string, key ssh.PublicKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "second")
	writeFile(t, path, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return "HostKey " + path + "\n", signer.PublicKey()
}

func TestHostKeys(t *testing.T) {
	t.Parallel()
	extra, second := secondKey(t)
	s := sshdtest.Start(t, sshdtest.Options{Config: extra})
	stranger := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey()
	known := filepath.Join(s.Home, ".ssh", "known_hosts")
	line := func(k ssh.PublicKey) string { return knownhosts.Line([]string{s.Addr()}, k) + "\n" }
	for name, c := range map[string]struct {
		known string
		pin   string
		says  []string
	}{
		"known":                     {line(s.HostKey), "", nil},
		"known by the second type":  {line(second), "", nil},
		"known by a hash":           {knownhosts.HashHostname(knownhosts.Normalize(s.Addr())) + " " + string(ssh.MarshalAuthorizedKey(s.HostKey)), "", nil},
		"unknown":                   {"", "", []string{s.Addr(), "is not known yet", "SHA256:", "aitunnel tunnel trust vps"}},
		"changed":                   {"# a comment\n" + line(stranger), "", []string{"HAS CHANGED", s.Fingerprint(), "remove line 2 of " + known}},
		"revoked":                   {"@revoked * " + string(ssh.MarshalAuthorizedKey(s.HostKey)) + line(s.HostKey), "", []string{"revoked", s.Fingerprint()}},
		"pinned":                    {"", s.Fingerprint(), nil},
		"pinned by the second type": {"", ssh.FingerprintSHA256(second), nil},
		"pinned to another":         {line(s.HostKey), ssh.FingerprintSHA256(stranger), []string{"host_key", ssh.FingerprintSHA256(stranger), s.Fingerprint(), ssh.FingerprintSHA256(second)}},
		"in a damaged file":         {"not a line of known_hosts\n", "", []string{"is not known yet", "Skipped as invalid: line 1 of " + known}},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, known, c.known)
			tunnel := tunnelTo(s)
			tunnel.HostKey = c.pin
			if c.says == nil {
				mustDial(t, envOf(s), tunnel)
				return
			}
			mustFail(t, envOf(s), tunnel, true, c.says...)
		})
	}
}

// TestRemovalOfAChangedKey runs the command that the error of a changed key names.
func TestRemovalOfAChangedKey(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	stranger := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey()
	known := filepath.Join(s.Home, ".ssh", "known_hosts")
	writeFile(t, known, "# a comment\n"+knownhosts.Line([]string{s.Addr()}, stranger)+"\n# another\n")
	_, err := dial(t, envOf(s), tunnelTo(s))
	if err == nil {
		t.Fatal("another key is accepted")
	}
	_, command, _ := strings.Cut(err.Error(), "(`")
	command, _, _ = strings.Cut(command, "`)")
	if out, failure := exec.Command("sh", "-c", command).CombinedOutput(); failure != nil {
		t.Fatalf("%v\n%s\nof %v", failure, out, err)
	}
	if got := string(readFile(t, known)); got != "# a comment\n# another\n" {
		t.Errorf("known hosts after %s:\n%s", command, got)
	}
}

// TestHashedKnownHosts trusts a host where ssh_config wants names to be hashed, and has
// ssh-keygen find the entry.
func TestHashedKnownHosts(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	known := filepath.Join(s.Home, ".ssh", "known_hosts")
	for setting, hashed := range map[string]bool{"yes": true, "no": false} {
		writeFile(t, filepath.Join(s.Home, ".ssh", "config"), "HashKnownHosts "+setting+"\n")
		for _, program := range []string{sshdtest.Require(t, "ssh", "openssh-client"), ""} {
			e := Environment{Home: s.Home, SSH: program}
			writeFile(t, known, "")
			route, err := e.Resolve(t.Context(), tunnelTo(s))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := TrustKey(t.Context(), route, config.Keepalive{}, s.Fingerprint()); err != nil {
				t.Fatal(err)
			}
			text := string(readFile(t, known))
			if strings.HasPrefix(text, "|1|") != hashed || strings.Contains(text, s.Host) == hashed {
				t.Errorf("HashKnownHosts %s, with %q: %s", setting, program, text)
			}
			host, port, _ := strings.Cut(s.Addr(), ":")
			if out, err := exec.Command("ssh-keygen", "-F", "["+host+"]:"+port, "-f", known).CombinedOutput(); err != nil {
				t.Errorf("ssh-keygen does not find it: %v\n%s\n%s", err, out, text)
			}
			mustDial(t, e, tunnelTo(s))
		}
	}
}

// TestHostCertificate uses a host key with the certificate of an authority.
func TestHostCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := sshdtest.Start(t, sshdtest.Options{Config: "HostCertificate " + dir + "/cert.pub\n"})
	authority := sshdtest.NewKey(t, filepath.Join(dir, "authority"), "")
	cert := certify(t, authority, s.HostKey, ssh.HostCert, s.Host)
	writeFile(t, dir+"/cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
	s.Restart()
	_, port, _ := strings.Cut(s.Addr(), ":")
	writeFile(t, filepath.Join(s.Home, ".ssh", "known_hosts"), "@cert-authority [127.0.0.1]:"+port+" "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	mustDial(t, envOf(s), tunnelTo(s))
}

func certify(t *testing.T, authority ssh.Signer, key ssh.PublicKey, kind uint32, principal string) *ssh.Certificate {
	t.Helper()
	cert := &ssh.Certificate{Key: key, CertType: kind, ValidPrincipals: []string{principal}, ValidBefore: ssh.CertTimeInfinity}
	if kind == ssh.UserCert {
		cert.Extensions = map[string]string{"permit-port-forwarding": ""}
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return cert
}
