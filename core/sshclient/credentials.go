package sshclient

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// credentials are the settings for logging in to one server.
type credentials struct {
	home         string
	agent        string   // socket
	files        []string // of private keys; empty: the default ones, unless chosen is set
	chosen       bool     // the files were chosen, even if there are none
	certificates []string // files of certificates, in addition to those next to a key
	only         bool     // use only the keys of the files
	jump         bool     // they are for a jump host, which has no settings in the tunnel
	passphrase   config.Secret
	password     config.Secret
	ask          func(path string) (passphrase string, err error) // nil: there is no prompt
}

// defaultKeys are the names of private keys in ~/.ssh.
var defaultKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"}

// agentTimeout limits the list of an agent's keys.
const agentTimeout = 5 * time.Second

// collect returns the available keys and the password.
func (c credentials) collect() (*login, error) {
	l := &login{}
	files, named := c.keyFiles()
	held := l.openAgent(c.agent)
	if !named && !c.only {
		l.offer(held, "of the agent")
	}
	for _, path := range files {
		if err := c.addFile(l, path, held); err != nil && (named || !isMissing(err)) {
			l.unusable = append(l.unusable, err.Error())
		}
	}
	for _, path := range c.certificates {
		if err := l.addCertificate(path, held); err != nil {
			l.unusable = append(l.unusable, err.Error())
		}
	}
	if named && !c.only {
		l.offer(held, "of the agent")
	}
	if !c.password.IsZero() {
		l.names = append(l.names, thePassword)
		l.password = c.password
	}
	if l.isEmpty() {
		l.close()
		return nil, c.noCredentials(l)
	}
	return l, nil
}

// noCredentials returns the error for a login without credentials.
func (c credentials) noCredentials(l *login) *Error {
	if len(l.unusable) == 1 && c.only {
		return permanent(StepLogin, "%s", l.unusable[0])
	}
	if len(l.unusable) > 0 {
		return permanent(StepLogin, "there is no usable key and no password: %s", strings.Join(l.unusable, "; "))
	}
	set := "set identity or password in the tunnel"
	if c.jump {
		set = "set IdentityFile for this jump host in ssh_config"
	}
	return permanent(StepLogin, "there is no key and no password: no SSH agent holds a key, and none of %s is in %s; create a key with `%s`, or %s", strings.Join(defaultKeys[:3], ", "), filepath.Join(c.home, ".ssh"), fileaccess.Command("ssh-keygen -t ed25519", c.home), set)
}

// chooseKey returns how to choose the key to log in with.
func (c credentials) chooseKey() string {
	if c.jump {
		return "set IdentityFile and IdentitiesOnly yes for this jump host in ssh_config"
	}
	return "set identity in the tunnel to the right key"
}

func (c credentials) keyFiles() (files []string, named bool) {
	if len(c.files) > 0 || c.chosen {
		return c.files, true
	}
	for _, name := range defaultKeys {
		files = append(files, filepath.Join(c.home, ".ssh", name))
	}
	return files, false
}

// loginFiles returns the files whose change may make a failed login succeed.
func (c credentials) loginFiles() []string {
	files, _ := c.keyFiles()
	for _, f := range slices.Clone(files) {
		files = append(files, f+certSuffix, f+".pub")
	}
	return append(files, c.certificates...)
}

// agentKeys returns the fingerprints of the keys that the agent holds.
func (c credentials) agentKeys() string {
	l := &login{}
	defer l.close()
	var all strings.Builder
	for _, s := range l.openAgent(c.agent) {
		all.WriteString(fingerprint(s.PublicKey()) + "\n")
	}
	return all.String()
}

// isEmpty reports whether nothing is left to log in with.
func (l *login) isEmpty() bool { return len(l.signers) == 0 && l.password.IsZero() }

// offer adds keys to those to try, without duplicates.
func (l *login) offer(signers []ssh.Signer, of string) {
	for _, s := range signers {
		s = strongest(s)
		if find(l.signers, s.PublicKey()) == nil {
			l.signers = append(l.signers, s)
			l.names = append(l.names, fmt.Sprintf("the key %s (%s)", of, fingerprint(s.PublicKey())))
		}
	}
}

// strongest returns a signer that prefers SHA-512 with an RSA key, as OpenSSH does: servers
// before OpenSSH 9.6 do not say that they accept nothing else.
func strongest(s ssh.Signer) ssh.Signer {
	capable, ok := s.(ssh.AlgorithmSigner)
	if !ok || s.PublicKey().Type() != ssh.KeyAlgoRSA {
		return s
	}
	if out, err := ssh.NewSignerWithAlgorithms(capable, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}); err == nil {
		return out
	}
	return s
}

// find returns the signer of a key, nil if there is none.
func find(signers []ssh.Signer, key ssh.PublicKey) ssh.Signer {
	if key != nil {
		for _, s := range signers {
			if bytes.Equal(s.PublicKey().Marshal(), key.Marshal()) {
				return s
			}
		}
	}
	return nil
}
