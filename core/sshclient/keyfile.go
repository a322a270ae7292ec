package sshclient

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/fileaccess"
	"golang.org/x/crypto/ssh"
)

// certSuffix is the suffix of the certificate next to a key.
const certSuffix = "-cert.pub"

// keyError is an error whose text does not include its cause.
type keyError struct {
	text  string
	cause error
}

func (e keyError) Error() string { return e.text }
func (e keyError) Unwrap() error { return e.cause }

// errNeedsAgent is the cause of an error about a key that only an agent can use, or unlock.
var errNeedsAgent = errors.New("only an agent can use it")

// CheckIdentity returns why the identity of a tunnel cannot be used, nil if it can. It does
// not ask agents, so keys that need one are accepted.
func (e Environment) CheckIdentity(t *config.Tunnel) error {
	if t.Identity == "" {
		return nil
	}
	path := expandHome(t.Identity, e.Home)
	_, err := credentials{home: e.Home, passphrase: t.Passphrase}.readKey(path, nil)
	if errors.Is(err, errNeedsAgent) || isMissing(err) && publicOf(path) != nil {
		return nil
	}
	return err
}

func isMissing(err error) bool { return errors.Is(err, os.ErrNotExist) }

// addFile offers the key of a file, preceded by the certificate next to it. If the file
// is encrypted or has only the public key, the agent may hold the private key.
func (c credentials) addFile(l *login, path string, held []ssh.Signer) error {
	signer, err := c.readKey(path, held)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path + certSuffix); err == nil {
		if err := l.certify(path+certSuffix, signer); err != nil {
			l.unusable = append(l.unusable, err.Error())
		}
	}
	l.offer([]ssh.Signer{signer}, path)
	return nil
}

func (c credentials) readKey(path string, held []ssh.Signer) (ssh.Signer, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if isMissing(err) {
		if s := find(held, publicOf(path)); s != nil {
			return s, nil
		}
		return nil, keyError{fmt.Sprintf("the key file %s does not exist: create it with %s, or correct identity in the tunnel", path, fileaccess.Command("ssh-keygen -f "+wording.ShellWord(path), c.home)), err}
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be read: %w", path, fileaccess.Explain(path, err))
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if block, rest := pem.Decode(content); block != nil && block.Type == "EC PARAMETERS" {
		content = rest // openssl writes the curve before the key
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(content); err == nil {
		return c.readPublic(path, public, held)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others (mode %04o): run %s", path, info.Mode().Perm(), fileaccess.Command("chmod 600 "+wording.ShellWord(path), c.home))
	}
	signer, err := ssh.ParsePrivateKey(content)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return c.unlock(path, content, locked.PublicKey, held)
	}
	if err != nil {
		if s := find(held, publicOf(path)); s != nil {
			return s, nil
		}
		return nil, unreadable(path, content, err)
	}
	return signer, nil
}

// unreadable explains why a file has no usable private key.
func unreadable(path string, content []byte, err error) error {
	block, _ := pem.Decode(content)
	switch {
	case bytes.HasPrefix(content, []byte("PuTTY-User-Key-File-")):
		return fmt.Errorf("the key file %s is in PuTTY's format, which is not supported: convert it with puttygen %s -O private-openssh -o NEW_FILE, or load it into an agent", path, wording.ShellWord(path))
	case block != nil && block.Type == "ENCRYPTED PRIVATE KEY":
		return fmt.Errorf("the key file %s is encrypted in PKCS#8 format, which is not supported: convert it with ssh-keygen -p -f %s, or load it into an agent", path, wording.ShellWord(path))
	}
	if block != nil && bytes.Contains(block.Bytes, []byte("ssh-dss")) {
		return fmt.Errorf("the key file %s has a DSA key, which SSH servers no longer accept: create another with ssh-keygen -t ed25519", path)
	}
	if kind := hardwareKind(block); kind != "" {
		return keyError{fmt.Sprintf("the key file %s is for a hardware key (%s), which only an SSH agent can use: run ssh-add %s", path, kind, wording.ShellWord(path)), errNeedsAgent}
	}
	return fmt.Errorf("the file %s contains no usable private key: %s", path, ErrorText(err))
}

// hardwareKind returns the type of a key in a security device, "" for others. The type is
// readable even if the file is encrypted.
func hardwareKind(block *pem.Block) string {
	if block != nil {
		for _, kind := range []string{ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256} {
			if bytes.Contains(block.Bytes, []byte(kind)) {
				return kind
			}
		}
	}
	return ""
}

// readPublic reads a public key whose private key the agent holds, such as one of
// 1Password or a hardware key.
func (c credentials) readPublic(path string, public ssh.PublicKey, held []ssh.Signer) (ssh.Signer, error) {
	if s := find(held, public); s != nil {
		return s, nil
	}
	private, ok := strings.CutSuffix(path, ".pub")
	if ok && !strings.HasSuffix(path, certSuffix) {
		if s, err := c.readKey(private, held); err == nil {
			return s, nil
		}
	}
	return nil, keyError{fmt.Sprintf("the file %s contains a public key, but the SSH agent does not hold its private key %s: load it with ssh-add, check that SSH_AUTH_SOCK or IdentityAgent names the right agent, or set identity to the private key", path, fingerprint(public)), errNeedsAgent}
}

// publicOf returns the public key next to a private one, nil if there is none.
func publicOf(path string) ssh.PublicKey {
	content, err := os.ReadFile(path + ".pub")
	if err != nil {
		return nil
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(content)
	if err != nil {
		return nil
	}
	return public
}

// unlock returns an encrypted key: from the agent, or with the passphrase in the
// configuration, or with one that a person enters.
func (c credentials) unlock(path string, content []byte, public ssh.PublicKey, held []ssh.Signer) (ssh.Signer, error) {
	if public == nil {
		public = publicOf(path)
	}
	if s := find(held, public); s != nil {
		return s, nil
	}
	passphrase := c.passphrase.Plaintext()
	if passphrase == "" && c.ask != nil {
		var err error
		if passphrase, err = c.ask(path); err != nil {
			return nil, err
		}
	}
	if passphrase == "" {
		return nil, keyError{fmt.Sprintf("the key %s is encrypted, but there is no passphrase: set passphrase in the tunnel, or run ssh-add %s", path, wording.ShellWord(path)), errNeedsAgent}
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(content, []byte(passphrase))
	if err != nil {
		return nil, fmt.Errorf("the passphrase of the key %s is wrong", path)
	}
	return signer, nil
}

// addCertificate offers a key with the certificate in a file. The key must be offered
// already, or held by the agent.
func (l *login) addCertificate(path string, held []ssh.Signer) error {
	cert, err := readCertificate(path)
	if err != nil {
		return err
	}
	for _, s := range append(l.signers[:len(l.signers):len(l.signers)], held...) {
		if sameKey(s.PublicKey(), cert.Key) {
			return l.certify(path, s)
		}
	}
	return fmt.Errorf("no key matches the certificate %s: it is for %s", path, fingerprint(cert.Key))
}

// certify offers a key with its certificate, before the key alone.
func (l *login) certify(path string, signer ssh.Signer) error {
	cert, err := readCertificate(path)
	if err != nil {
		return err
	}
	certified, err := ssh.NewCertSigner(cert, strongest(signer))
	if err != nil {
		return fmt.Errorf("the certificate %s does not match its key: it is for %s", path, fingerprint(cert.Key))
	}
	if find(l.signers, certified.PublicKey()) == nil {
		l.signers = append([]ssh.Signer{certified}, l.signers...)
		l.names = append([]string{"the certificate " + path}, l.names...)
	}
	return nil
}

func readCertificate(path string) (*ssh.Certificate, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s cannot be read: %w", path, fileaccess.Explain(path, err))
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(content)
	cert, ok := public.(*ssh.Certificate)
	switch now := time.Now(); {
	case err != nil || !ok:
		return nil, fmt.Errorf("the file %s contains no SSH certificate", path)
	case cert.CertType != ssh.UserCert:
		return nil, fmt.Errorf("the certificate %s is for a host, not for a user: sign the key without -h", path)
	case cert.ValidBefore != ssh.CertTimeInfinity && now.Unix() >= int64(cert.ValidBefore):
		return nil, fmt.Errorf("the certificate %s expired at %s: get a new one", path, time.Unix(int64(cert.ValidBefore), 0).Format(time.RFC3339))
	case now.Unix() < int64(cert.ValidAfter):
		return nil, fmt.Errorf("the certificate %s is not valid before %s: check the clock of this machine", path, time.Unix(int64(cert.ValidAfter), 0).Format(time.RFC3339))
	}
	return cert, nil
}
