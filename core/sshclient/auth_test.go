//go:build linux

package sshclient

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// serveAgent runs an SSH agent with the protocol of ssh-agent.
func serveAgent(t *testing.T, keys ...agent.AddedKey) (socket string) {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(k); err != nil {
			t.Fatal(err)
		}
	}
	socket = filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = agent.ServeAgent(ring, c) // until the client disconnects
				_ = c.Close()
			}()
		}
	}()
	return socket
}

func privateKey(t *testing.T, path, passphrase string) any {
	t.Helper()
	content := readFile(t, path)
	var key any
	var err error
	if passphrase == "" {
		key, err = ssh.ParseRawPrivateKey(content)
	} else {
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(content, []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestKeys logs in with each kind of key, where the server accepts nothing else.
func TestKeys(t *testing.T) {
	t.Parallel()
	const passphrase = "correct horse battery"
	dir := t.TempDir()
	plain, locked := filepath.Join(dir, "plain"), filepath.Join(dir, "locked")
	plainKey := sshdtest.NewKey(t, plain, "")
	lockedKey := sshdtest.NewKey(t, locked, passphrase)
	authority := sshdtest.NewKey(t, filepath.Join(dir, "authority"), "")
	s := sshdtest.Start(t, sshdtest.Options{Config: "TrustedUserCAKeys " + dir + "/authority.pub\n"})
	writeFile(t, dir+"/authority.pub", string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	certified := filepath.Join(dir, "certified")
	key := sshdtest.NewKey(t, certified, "")
	writeFile(t, certified+"-cert.pub", string(ssh.MarshalAuthorizedKey(certify(t, authority, key.PublicKey(), ssh.UserCert, s.User))))
	holding := serveAgent(t, agent.AddedKey{PrivateKey: privateKey(t, locked, passphrase), Comment: "locked"})

	for name, c := range map[string]struct {
		authorized ssh.PublicKey
		set        func(*config.Tunnel)
		agent      string
		config     string // ~/.ssh/config
	}{
		"the default file":                      {s.Key.PublicKey(), func(*config.Tunnel) {}, "/nowhere", ""},
		"a file":                                {plainKey.PublicKey(), func(c *config.Tunnel) { c.Identity = plain }, "/nowhere", ""},
		"a file in ~/.ssh/config":               {plainKey.PublicKey(), func(*config.Tunnel) {}, "/nowhere", "Host *\n IdentityFile " + plain + "\n"},
		"a locked file":                         {lockedKey.PublicKey(), func(c *config.Tunnel) { c.Identity, c.Passphrase = locked, config.NewSecret(passphrase) }, "/nowhere", ""},
		"a locked file whose key the agent has": {lockedKey.PublicKey(), func(c *config.Tunnel) { c.Identity = locked }, holding, ""},
		"the agent":                             {lockedKey.PublicKey(), func(*config.Tunnel) {}, holding, ""},
		"the agent in ~/.ssh/config":            {lockedKey.PublicKey(), func(*config.Tunnel) {}, "/nowhere", "Host *\n IdentityAgent " + holding + "\n"},
		"a certificate":                         {plainKey.PublicKey(), func(c *config.Tunnel) { c.Identity = certified }, "/nowhere", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.Authorize("", c.authorized)
			writeFile(t, s.Home+"/.ssh/config", c.config)
			tunnel := tunnelTo(s)
			c.set(tunnel)
			mustDial(t, Environment{Home: s.Home, Agent: c.agent}, tunnel)
		})
	}
}

// TestRSAKeys uses a server that accepts only signatures with SHA-512, which it does not
// announce. OpenSSH's client prefers them, so this one has to.
func TestRSAKeys(t *testing.T) {
	t.Parallel()
	file, private := newRSAKey(t)
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	authority := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "authority"), "")
	s := sshdtest.Start(t, sshdtest.Options{Config: "PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com\nTrustedUserCAKeys " + file + ".ca\n"})
	writeFile(t, file+".ca", string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	s.Authorize("", signer.PublicKey())
	tunnel := tunnelTo(s)
	tunnel.Identity = file
	mustDial(t, envOf(s), tunnel)
	mustDial(t, Environment{Home: t.TempDir(), Agent: serveAgent(t, agent.AddedKey{PrivateKey: private})}, &config.Tunnel{
		Name: "vps", Host: s.Addr(), User: s.User, HostKey: s.Fingerprint(), Keepalive: tunnel.Keepalive,
	})
	s.Authorize("", s.Key.PublicKey()) // only the certificate is accepted
	writeFile(t, file+"-cert.pub", string(ssh.MarshalAuthorizedKey(certify(t, authority, signer.PublicKey(), ssh.UserCert, s.User))))
	mustDial(t, envOf(s), tunnel)
}

// TestSeveralMethods uses a server that requires more than one method. The error names the
// missing one, and does not blame the accepted key.
func TestSeveralMethods(t *testing.T) {
	t.Parallel()
	const both = "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n"
	for name, c := range map[string]struct {
		config   string
		password string
		says     []string // nil: it logs in
	}{
		"a key and a password":       {both, sshdtest.Password, nil},
		"a key, and no password":     {both, "", []string{`accepted the key of "guest"`, "it requires the password too", "set password in the tunnel"}},
		"a key and a wrong password": {both, "not-the-password", []string{`accepted the key of "guest"`, "did not accept what was offered"}},
		"a key and a question": {
			"UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive\n", "",
			[]string{`accepted the key of "guest"`, "keyboard-interactive", "AuthenticationMethods"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: c.config})
			tunnel := tunnelTo(s)
			tunnel.User, tunnel.Password = sshdtest.Guest, config.NewSecret(c.password)
			if c.says == nil {
				mustDial(t, envOf(s), tunnel)
				return
			}
			mustFail(t, envOf(s), tunnel, true, c.says...)
		})
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]string{
		"as such": "PasswordAuthentication yes\n",
		// OpenSSH's default: it offers keyboard-interactive, which fails without PAM.
		"as a password, also with keyboard-interactive": "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\n",
		"as an answer to keyboard-interactive":          "UsePAM yes\nKbdInteractiveAuthentication yes\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{Guest: true, Config: way})
			s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey()) // only the password is accepted
			c := tunnelTo(s)
			c.User, c.Password = sshdtest.Guest, config.NewSecret(sshdtest.Password)
			mustDial(t, envOf(s), c)
			const wrong = "not-the-password"
			c.Password = config.NewSecret(wrong)
			mustFail(t, envOf(s), c, true, `refused the login as "guest"`, "the password")
			if _, err := dial(t, envOf(s), c); strings.Contains(err.Error(), wrong) {
				t.Errorf("the error contains the password: %s", err)
			}
			sent := func() int {
				return strings.Count(s.Log(), "Failed password") + strings.Count(s.Log(), "Failed keyboard-interactive/pam")
			}
			testhelp.Eventually(t, "sshd has seen two wrong passwords", func() bool { return sent() >= 2 })
			if n := sent(); n != 2 {
				t.Errorf("in two attempts the wrong password was sent %d times", n)
			}
		})
	}
}
