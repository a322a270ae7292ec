//go:build linux

package tunnel

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func lineOf(s *sshdtest.Server) string {
	return knownhosts.Line([]string{s.Addr()}, s.HostKey) + "\n"
}

// secondKey gives a server a key of another kind beside its first.
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
		state State
		says  []string
	}{
		"known":                     {line(s.HostKey), "", Up, nil},
		"known by the second kind":  {line(second), "", Up, nil},
		"known by a hash":           {knownhosts.HashHostname(knownhosts.Normalize(s.Addr())) + " " + string(ssh.MarshalAuthorizedKey(s.HostKey)), "", Up, nil},
		"unknown":                   {"", "", Failed, []string{s.Addr(), "is not known yet", "SHA256:", "aitunnel tunnel trust vps"}},
		"changed":                   {"# a comment\n" + line(stranger), "", Failed, []string{"HAS CHANGED", s.Fingerprint(), "remove line 2 of " + known}},
		"revoked":                   {"@revoked * " + string(ssh.MarshalAuthorizedKey(s.HostKey)) + line(s.HostKey), "", Failed, []string{"revoked", s.Fingerprint()}},
		"pinned":                    {"", s.Fingerprint(), Up, nil},
		"pinned by the second kind": {"", ssh.FingerprintSHA256(second), Up, nil},
		"pinned to another":         {line(s.HostKey), ssh.FingerprintSHA256(stranger), Failed, []string{"host_key", ssh.FingerprintSHA256(stranger), s.Fingerprint(), ssh.FingerprintSHA256(second)}},
		"in a damaged file":         {"this is no line of known_hosts\n", "", Failed, []string{"known hosts cannot be read", known}},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, known, c.known)
			tunnel := tunnelTo(t, s)
			tunnel.HostKey = c.pin
			r := open(t, s, tunnel)
			r.await(c.state)
			r.awaitFault(c.state, c.says...)
			if c.state == Up {
				r.mustAnswer()
			}
		})
	}
}

// TestAKeyThatIsTrustedLater: a tunnel that has failed goes on by itself when
// the known hosts change.
func TestAKeyThatIsTrustedLater(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Know()
	c := tunnelTo(t, s)
	r := open(t, s, c)
	r.awaitFault(Failed, s.Fingerprint())
	o := Options{Home: s.Home}
	ask := func(answer bool, seen *[]HostKey) func(HostKey) (bool, error) {
		return func(k HostKey) (bool, error) {
			*seen = append(*seen, k)
			return answer, nil
		}
	}
	var asked []HostKey
	if _, err := Trust(t.Context(), o, c, ask(false, &asked)); err == nil || !strings.Contains(err.Error(), "not trusted") {
		t.Errorf("a refusal: %v", err)
	}
	if r.status().State != Failed {
		t.Error("the refusal changed something")
	}
	got, err := Trust(t.Context(), o, c, ask(true, &asked))
	if err != nil || len(got) != 1 || got[0].Fingerprint != s.Fingerprint() || got[0].Known {
		t.Fatalf("%+v, %v", got, err)
	}
	r.await(Up)
	r.mustAnswer()
	asked = nil
	if got, err := Trust(t.Context(), o, c, ask(false, &asked)); err != nil || len(got) != 1 || !got[0].Known || len(asked) > 0 {
		t.Errorf("again: %+v, %v, asked %v", got, err, asked)
	}
	s.Know(sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey())
	if _, err := Trust(t.Context(), o, c, ask(true, &asked)); err == nil || !strings.Contains(err.Error(), "HAS CHANGED") || len(asked) > 0 {
		t.Errorf("a changed key: %v, asked %v", err, asked)
	}
	pinned := *c
	pinned.HostKey = s.Fingerprint()
	if _, err := Trust(t.Context(), o, &pinned, ask(true, &asked)); err == nil || !strings.Contains(err.Error(), "host_key") {
		t.Errorf("a pinned key: %v", err)
	}
}

// TestAHostWithACertificate: an authority vouches for the host's key.
func TestAHostWithACertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := sshdtest.Start(t, sshdtest.Options{Config: "HostCertificate " + dir + "/cert.pub\n"})
	authority := sshdtest.NewKey(t, filepath.Join(dir, "authority"), "")
	cert := certify(t, authority, s.HostKey, ssh.HostCert, s.Host)
	writeFile(t, dir+"/cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
	s.Restart()
	// The pattern * is of port 22 only, as OpenSSH takes it too.
	_, port, _ := strings.Cut(s.Addr(), ":")
	writeFile(t, filepath.Join(s.Home, ".ssh", "known_hosts"), "@cert-authority [127.0.0.1]:"+port+" "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	r := open(t, s, tunnelTo(t, s))
	r.await(Up)
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

// TestSteps: the test of a tunnel tells each step.
func TestSteps(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Forwards = append(c.Forwards, &config.Forward{Address: freeAddress(t)})
	var results []Result
	held := func(address string) bool { return address == c.Forwards[1].Address }
	run := func(ctx context.Context, c *config.Tunnel) bool {
		results = nil
		return Test(ctx, Options{Home: s.Home, Agent: "/nowhere"}, c, held, func(string) (string, error) { return "", errors.New("nobody is there") }, func(r Result) { results = append(results, r) })
	}
	if !run(t.Context(), c) {
		t.Errorf("it failed: %+v", results)
	}
	var steps []Step
	for _, r := range results {
		steps = append(steps, r.Step)
	}
	want := []Step{StepFind, StepConnect, StepHostKey, StepLogin, StepRun, StepProbe, StepOpen}
	if len(steps) != len(want) {
		t.Fatalf("steps %v", results)
	}
	for i := range want {
		if steps[i] != want[i] {
			t.Errorf("step %d is %q, want %q", i, steps[i], want[i])
		}
	}
	for step, change := range map[Step]func(*config.Tunnel){
		StepFind:    func(c *config.Tunnel) { c.Host = "no-such-host.invalid" },
		StepConnect: func(c *config.Tunnel) { c.Host = freeAddress(t) },
		StepHostKey: func(c *config.Tunnel) { c.HostKey = "SHA256:other" },
		StepLogin:   func(c *config.Tunnel) { c.User = "nobody-here" },
		StepOpen:    func(c *config.Tunnel) { c.Forwards = []*config.Forward{{Address: s.Addr()}} },
	} {
		wrong := *c
		change(&wrong)
		if run(t.Context(), &wrong) || len(results) == 0 || results[len(results)-1].OK || results[len(results)-1].Step != step {
			t.Errorf("it should fail at %q: %+v", step, results)
		}
	}
}
