//go:build linux

package sshclient

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// startAgent runs ssh-agent with keys until the test ends.
func startAgent(t *testing.T, keys ...string) (socket string) {
	t.Helper()
	agent := sshdtest.Require(t, "ssh-agent", "openssh-client")
	socket = filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command(agent, "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	testhelp.Eventually(t, "the agent listens", func() bool { _, err := os.Stat(socket); return err == nil })
	for _, k := range keys {
		addToAgent(t, socket, k)
	}
	return socket
}

func addToAgent(t *testing.T, socket, key string) {
	t.Helper()
	cmd := exec.Command("ssh-add", key)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %s", out)
	}
}

// TestAgentKeys has the private key in an agent only, as with 1Password or a hardware
// key, and the public key in the tunnel.
func TestAgentKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	private := filepath.Join(dir, "key")
	key := sshdtest.NewKey(t, private, "")
	public := filepath.Join(dir, "chosen.pub")
	writeFile(t, public, string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	if err := os.Chmod(public, 0o644); err != nil {
		t.Fatal(err)
	}
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Authorize("", key.PublicKey())
	c := tunnelTo(s)
	c.Identity = public
	empty := startAgent(t)
	mustFail(t, Environment{Home: s.Home, Agent: empty}, c, true, public+" contains a public key", "ssh-add", ssh.FingerprintSHA256(key.PublicKey()))
	mustDial(t, Environment{Home: s.Home, Agent: startAgent(t, private)}, c)

	t.Run("as IdentityFile with IdentitiesOnly", func(t *testing.T) {
		other := filepath.Join(dir, "other")
		sshdtest.NewKey(t, other, "")
		writeFile(t, s.Home+"/.ssh/config", "Host *\n IdentitiesOnly yes\n IdentityFile "+public+"\n")
		c := tunnelTo(s)
		mustDial(t, Environment{Home: s.Home, Agent: startAgent(t, other, private)}, c)
		writeFile(t, s.Home+"/.ssh/config", "")
	})
	t.Run("that has only the public file next to it", func(t *testing.T) {
		c := tunnelTo(s)
		c.Identity = strings.TrimSuffix(public, ".pub")
		mustDial(t, Environment{Home: s.Home, Agent: startAgent(t, private)}, c)
	})
	t.Run("and the private key next to it", func(t *testing.T) {
		writeFile(t, strings.TrimSuffix(public, ".pub"), string(readFile(t, private)))
		mustDial(t, Environment{Home: s.Home, Agent: empty}, c)
	})
}

// TestAgentThatDoesNotSign uses an agent that asks a person before it uses a key. If that
// is refused, other credentials are used; a login does not wait beyond its end.
func TestAgentThatDoesNotSign(t *testing.T) {
	t.Parallel()
	program := sshdtest.Require(t, "ssh-agent", "openssh-client")
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	ask := filepath.Join(dir, "ask")
	key := sshdtest.NewKey(t, filepath.Join(dir, "key"), "")
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Authorize("", key.PublicKey())
	start := func(t *testing.T, script string) (socket string, agent *exec.Cmd) {
		if err := testhelp.WriteProgram(ask, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		socket = filepath.Join(t.TempDir(), "agent")
		agent = exec.Command(program, "-D", "-a", socket)
		agent.Env = append(os.Environ(), "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = agent.Process.Kill()
			_ = agent.Wait()
		})
		testhelp.Eventually(t, "the agent listens", func() bool { _, err := os.Stat(socket); return err == nil })
		add := exec.Command("ssh-add", "-c", filepath.Join(dir, "key"))
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %s", out)
		}
		return socket, agent
	}
	c := tunnelTo(s)
	t.Run("refused", func(t *testing.T) {
		socket, _ := start(t, "exit 1")
		mustFail(t, Environment{Home: t.TempDir(), Agent: socket}, pinned(c, s), true, "the SSH agent did not sign with the key "+ssh.FingerprintSHA256(key.PublicKey()), "confirm that in the agent")
		writeFile(t, s.Dir+"/authorized_keys", string(ssh.MarshalAuthorizedKey(key.PublicKey()))+string(ssh.MarshalAuthorizedKey(s.Key.PublicKey())))
		mustDial(t, Environment{Home: s.Home, Agent: socket}, c) // with the file
		s.Authorize("", key.PublicKey())
	})
	t.Run("not answered", func(t *testing.T) {
		socket, _ := start(t, "touch "+asked+"; exec sleep 600")
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			r, err := Environment{Home: t.TempDir(), Agent: socket}.Resolve(ctx, pinned(c, s))
			if err == nil {
				_, err = Dial(ctx, r, Options{Keepalive: c.Keepalive})
			}
			failed <- err
		}()
		testhelp.Eventually(t, "the person is asked", func() bool { _, err := os.Stat(asked); return err == nil })
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		socket, agent := start(t, "exit 1")
		testhelp.Suspend(t, agent.Process.Pid)
		mustFail(t, Environment{Home: t.TempDir(), Agent: socket}, pinned(c, s), true, "the SSH agent at "+socket+" does not answer")
	})
}

// pinned returns the tunnel with the server's key, so that no known_hosts file is needed.
func pinned(c *config.Tunnel, s *sshdtest.Server) *config.Tunnel {
	out := *c
	out.HostKey = s.Fingerprint()
	return &out
}

// TestKeyFilesThatHaveToBeConverted shows that the command in the error makes them usable.
func TestKeyFilesThatHaveToBeConverted(t *testing.T) {
	t.Parallel()
	openssl := sshdtest.Require(t, "openssl", "openssl")
	s := sshdtest.Start(t, sshdtest.Options{})
	path := filepath.Join(t.TempDir(), "pkcs8")
	if out, err := exec.Command(openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:secret1234", "-out", path).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %s", out)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	public, err := exec.Command("ssh-keygen", "-y", "-P", "secret1234", "-f", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(public)
	if err != nil {
		t.Fatal(err)
	}
	s.Authorize("", key)
	c := tunnelTo(s)
	c.Identity, c.Passphrase = path, config.NewSecret("secret1234")
	mustFail(t, envOf(s), c, true, "convert it with ssh-keygen -p -f "+path)
	if out, err := exec.Command("ssh-keygen", "-p", "-f", path, "-P", "secret1234", "-N", "secret1234").CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %s", out)
	}
	mustDial(t, envOf(s), c)
}

// TestKeyFilesOfOtherFormats uses all supported formats, encrypted and plain.
func TestKeyFilesOfOtherFormats(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	for name, args := range map[string][]string{
		"PEM":                {"-t", "rsa", "-m", "PEM", "-N", ""},
		"PEM, encrypted":     {"-t", "rsa", "-m", "PEM", "-N", "secret1234"},
		"PKCS#8":             {"-t", "ecdsa", "-m", "PKCS8", "-N", ""},
		"OpenSSH, encrypted": {"-t", "ecdsa", "-N", "secret1234"},
		"CRLF":               {"-t", "ed25519", "-N", ""},
		"byte order mark":    {"-t", "ed25519", "-N", ""},
		"with parameters":    {"-t", "ecdsa", "-m", "PEM", "-N", ""},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if out, err := exec.Command("ssh-keygen", append(args, "-q", "-f", path)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: ssh-keygen: %s", name, out)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(readFile(t, path+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		s.Authorize("", key)
		switch text := string(readFile(t, path)); name {
		case "CRLF":
			writeFile(t, path, strings.ReplaceAll(text, "\n", "\r\n"))
		case "byte order mark":
			writeFile(t, path, "\ufeff"+text)
		case "with parameters": // as openssl ecparam -genkey writes it
			writeFile(t, path, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"+text)
		}
		c := tunnelTo(s)
		c.Identity = path
		if strings.Contains(name, "encrypted") {
			c.Passphrase = config.NewSecret("secret1234")
		}
		if _, err := dial(t, envOf(s), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// hardwareKey returns the file that ssh-keygen writes for a key in a security device.
func hardwareKey() []byte {
	type key struct {
		Type        string
		Public      []byte
		Application string
		Flags       byte
		Handle      []byte
		Reserved    []byte
		Comment     string
	}
	public := make([]byte, 32)
	private := ssh.Marshal(struct {
		Check1, Check2 uint32
		Key            key
	}{7, 7, key{Type: ssh.KeyAlgoSKED25519, Public: public, Application: "ssh:", Handle: []byte("handle")}})
	for i := byte(1); len(private)%8 != 0; i++ {
		private = append(private, i)
	}
	file := append([]byte("openssh-key-v1\x00"), ssh.Marshal(struct {
		Cipher, KDF, Options string
		Count                uint32
		Public, Private      []byte
	}{"none", "none", "", 1, ssh.Marshal(struct {
		Type        string
		Public      []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}), private})...)
	return pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: file})
}

// TestUnsupportedKeyFiles shows that errors name the format.
func TestUnsupportedKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pkcs8 := filepath.Join(dir, "pkcs8")
	if out, err := exec.Command("sh", "-c", "openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret1234 -out "+pkcs8).CombinedOutput(); err != nil {
		t.Skipf("no openssl: %s", out)
	}
	if err := os.Chmod(pkcs8, 0o600); err != nil {
		t.Fatal(err)
	}
	ppk := filepath.Join(dir, "key.ppk")
	writeFile(t, ppk, "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
	hardware := filepath.Join(dir, "id_ed25519_sk")
	writeFile(t, hardware, string(hardwareKey()))
	dsa := filepath.Join(dir, "dsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", dsa).CombinedOutput(); err != nil {
		t.Logf("this OpenSSH makes no DSA keys: %s", out)
		writeFile(t, dsa, string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("openssh-key-v1\x00 ssh-dss")})))
	}
	for path, says := range map[string]string{
		dsa:      "has a DSA key, which SSH servers no longer accept",
		pkcs8:    "is encrypted in PKCS#8 format, which is not supported: convert it with ssh-keygen -p -f " + pkcs8,
		ppk:      "is in PuTTY's format, which is not supported: convert it with puttygen",
		hardware: "is for a hardware key (sk-ssh-ed25519@openssh.com), which only an SSH agent can use: run ssh-add " + hardware,
		dir:      "it is not a regular file",
	} {
		if _, err := (credentials{files: []string{path}, only: true}).collect(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestCertificates uses certificates of users: in CertificateFile, with an agent, and
// expired.
func TestCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := sshdtest.NewKey(t, filepath.Join(dir, "authority"), "")
	writeFile(t, dir+"/authority.pub", string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	s := sshdtest.Start(t, sshdtest.Options{Config: "TrustedUserCAKeys " + dir + "/authority.pub\n"})
	s.Authorize("", authority.PublicKey()) // no key without a certificate is accepted
	identity := filepath.Join(dir, "key")
	key := sshdtest.NewKey(t, identity, "")
	cert := certify(t, authority, key.PublicKey(), ssh.UserCert, s.User)
	elsewhere := filepath.Join(dir, "signed.pub")
	writeFile(t, elsewhere, string(ssh.MarshalAuthorizedKey(cert)))
	writeFile(t, s.Home+"/.ssh/config", "Host *\n IdentityFile "+identity+"\n CertificateFile "+elsewhere+"\n")
	mustDial(t, envOf(s), tunnelTo(s))
	t.Run("whose key an agent holds", func(t *testing.T) {
		writeFile(t, s.Home+"/.ssh/config", "Host *\n CertificateFile "+elsewhere+"\n")
		mustDial(t, Environment{Home: s.Home, Agent: startAgent(t, identity)}, tunnelTo(s))
	})
	t.Run("that has expired", func(t *testing.T) {
		cert.ValidBefore = uint64(time.Now().Add(-time.Hour).Unix())
		if err := cert.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		writeFile(t, identity+"-cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
		writeFile(t, s.Home+"/.ssh/config", "")
		c := tunnelTo(s)
		c.Identity = identity
		mustFail(t, envOf(s), c, true, "the certificate "+identity+"-cert.pub expired at", "get a new one")
	})
}

// TestPasswordAfterTooManyKeys uses MaxAuthTries 1, with which one refused key ends the
// connection.
func TestPasswordAfterTooManyKeys(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: "PasswordAuthentication yes\nMaxAuthTries 1\n"})
	s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey()) // only the password is accepted
	c := tunnelTo(s)
	c.User, c.Password = sshdtest.Guest, config.NewSecret(sshdtest.Password)
	mustDial(t, envOf(s), c)
}

// TestUsedCredentials shows that a login names what the server accepted, and a refused one an
// agent that is not running.
func TestUsedCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var keys []string
	var last ssh.PublicKey
	for _, name := range []string{"a", "b", "c"} {
		keys = append(keys, filepath.Join(dir, name))
		last = sshdtest.NewKey(t, keys[len(keys)-1], "").PublicKey()
	}
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Authorize("", last)
	e := Environment{Home: s.Home, Agent: startAgent(t, keys...)}
	r, err := e.Resolve(t.Context(), tunnelTo(s))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	client, err := Dial(t.Context(), r, Options{Keepalive: tunnelTo(s).Keepalive, OnStep: func(step Step, done string) {
		if step == StepLogin {
			text = done
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if want := "logged in as " + s.User + " with the key of the agent (" + ssh.FingerprintSHA256(last) + ")"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	mustFail(t, Environment{Home: s.Home, Agent: dir + "/agent"}, tunnelTo(s), true, "No SSH agent listens at "+dir+"/agent")
}
