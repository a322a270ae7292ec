package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/aitunnel/aitunnel/core/config"
)

// credentials are what there may be to log in with.
type credentials struct {
	home       string
	agent      string   // socket
	files      []string // of private keys; empty: the usual ones
	only       bool     // nothing but these files, and the password
	passphrase config.Secret
	password   config.Secret
	ask        func(path string) (passphrase string, err error) // nil: nobody can be asked
}

// usualKeys are the names of private keys in ~/.ssh.
var usualKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// login is a set of credentials in use.
type login struct {
	signers []ssh.Signer
	names   []string // of what is tried, for people
	unfit   []string // keys that were found and cannot be used, and why
	agent   io.Closer

	password config.Secret
	refused  bool // the server did not accept what it was offered, or wants something else
	answered bool // a question of the server was answered with the password
}

func (l *login) close() {
	if l.agent != nil {
		_ = l.agent.Close() // it was only asked
	}
}

// prepare finds out what there is to log in with.
func (c credentials) prepare() (*login, error) {
	l := &login{}
	files, named := c.keyFiles()
	held := l.openAgent(c.agent)
	if !named && !c.only {
		l.offer(held, "of the agent")
	}
	for _, path := range files {
		if err := c.addFile(l, path, held); err != nil {
			if c.only && len(files) == 1 && c.password.IsZero() {
				l.close()
				return nil, failedAt(StepLogin, "%s", err).lasts()
			}
			if named || !errors.Is(err, os.ErrNotExist) {
				l.unfit = append(l.unfit, err.Error())
			}
		}
	}
	if named && !c.only {
		l.offer(held, "of the agent")
	}
	if !c.password.IsZero() {
		l.names = append(l.names, "the password")
		l.password = c.password
	}
	if len(l.signers) == 0 && l.password.IsZero() {
		l.close()
		return nil, c.nothing(l)
	}
	return l, nil
}

// nothing is the problem of having no credentials at all.
func (c credentials) nothing(l *login) *problem {
	if len(l.unfit) > 0 {
		return failedAt(StepLogin, "there is nothing to log in with: %s", strings.Join(l.unfit, "; ")).lasts()
	}
	where := filepath.Join(c.home, ".ssh")
	return failedAt(StepLogin, "there is nothing to log in with: no SSH agent holds a key, and none of %s is in %s; make a key with ssh-keygen, or set identity or password in the tunnel", strings.Join(usualKeys, ", "), where).lasts()
}

func (c credentials) keyFiles() (files []string, named bool) {
	if len(c.files) > 0 {
		return c.files, true
	}
	for _, name := range usualKeys {
		files = append(files, filepath.Join(c.home, ".ssh", name))
	}
	return files, false
}

// watched are the files that may make a failed login work when they change.
func (c credentials) watched() []string {
	files, _ := c.keyFiles()
	for _, f := range slices.Clone(files) {
		files = append(files, f+"-cert.pub")
	}
	return files
}

// next chooses the method that is tried next: keys, then the password. A
// password is sent once only, since hosts ban an address after a few wrong
// ones: not again as the answer to a question of keyboard-interactive.
func (l *login) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	l.refused = slices.ContainsFunc(c.TriedMethods, func(m string) bool { return m != "none" })
	open := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method) && !slices.Contains(c.PartialSuccessMethods, method)
	}
	passwordSent := slices.Contains(c.TriedMethods, "password") || slices.Contains(c.PartialSuccessMethods, "password")
	switch {
	case len(l.signers) > 0 && open("publickey"):
		return ssh.PublicKeys(l.signers...), nil
	case !l.password.IsZero() && open("password"):
		return ssh.Password(l.password.Reveal()), nil
	case !l.password.IsZero() && open("keyboard-interactive") && !passwordSent:
		return ssh.KeyboardInteractive(l.answer), nil
	}
	l.refused = true
	return nil, nil
}

// answer is for keyboard-interactive: sshd asks for the password through it.
func (l *login) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range questions {
		if echos[i] || l.answered {
			return nil, fmt.Errorf("the host asks %q, which only a person can answer", questions[i])
		}
		answers[i], l.answered = l.password.Reveal(), true
	}
	return answers, nil
}

// disconnected returns why the server ended the connection, if it said so. The
// library's type for that is not exported.
func disconnected(err error) (reason string, ok bool) {
	_, text, found := strings.Cut(err.Error(), "ssh: disconnect, reason ")
	if !found {
		return "", false
	}
	_, reason, _ = strings.Cut(text, ": ")
	return reason, true
}

func (l *login) openAgent(socket string) []ssh.Signer {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil // an agent that is gone is no agent
	}
	l.agent = conn
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil
	}
	return signers
}

// offer adds keys to those that are tried, each once.
func (l *login) offer(signers []ssh.Signer, of string) {
	for _, s := range signers {
		blob := s.PublicKey().Marshal()
		if slices.ContainsFunc(l.signers, func(o ssh.Signer) bool { return bytes.Equal(o.PublicKey().Marshal(), blob) }) {
			continue
		}
		l.signers = append(l.signers, s)
		l.names = append(l.names, fmt.Sprintf("the key %s (%s)", of, fingerprint(s.PublicKey())))
	}
}

// addFile offers the key of a file, with the certificate beside it first. An
// encrypted one may be had from the agent.
func (c credentials) addFile(l *login, path string, held []ssh.Signer) error {
	signer, err := c.readKey(path, held)
	if err != nil {
		return err
	}
	if cert := certificateFor(path, signer); cert != nil {
		l.offer([]ssh.Signer{cert}, "with the certificate of "+path)
	}
	l.offer([]ssh.Signer{signer}, path)
	return nil
}

func (c credentials) readKey(path string, held []ssh.Signer) (ssh.Signer, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory")
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, keyError{fmt.Sprintf("the key file %s does not exist: make one with ssh-keygen -f %s, or correct identity in the tunnel", path, path), err}
	}
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be read: %w", path, err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be read: %w", path, err)
	}
	signer, err := ssh.ParsePrivateKey(content)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return c.unlock(path, content, locked.PublicKey, held)
	}
	if err != nil {
		return nil, fmt.Errorf("the file %s holds no private key that can be used: %s", path, plain(err))
	}
	return signer, nil
}

// unlock reads an encrypted key: by the agent, the passphrase, or whom to ask.
func (c credentials) unlock(path string, content []byte, public ssh.PublicKey, held []ssh.Signer) (ssh.Signer, error) {
	for _, s := range held {
		if public != nil && bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
			return s, nil
		}
	}
	passphrase := c.passphrase.Reveal()
	if passphrase == "" && c.ask != nil {
		var err error
		if passphrase, err = c.ask(path); err != nil {
			return nil, err
		}
	}
	if passphrase == "" {
		return nil, fmt.Errorf("the key %s is encrypted and there is no passphrase: set passphrase in the tunnel, or run ssh-add %s", path, path)
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(content, []byte(passphrase))
	if err != nil {
		return nil, fmt.Errorf("the passphrase does not open the key %s", path)
	}
	return signer, nil
}

// certificateFor reads the certificate beside a key, nil if there is none that
// fits.
func certificateFor(path string, signer ssh.Signer) ssh.Signer {
	content, err := os.ReadFile(path + "-cert.pub")
	if err != nil {
		return nil
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(content)
	cert, ok := public.(*ssh.Certificate)
	if err != nil || !ok {
		return nil
	}
	both, err := ssh.NewCertSigner(cert, signer)
	if err != nil {
		return nil
	}
	return both
}

// keyError is a sentence with its cause.
type keyError struct {
	text  string
	cause error
}

func (e keyError) Error() string { return e.text }
func (e keyError) Unwrap() error { return e.cause }

// rejected is the problem of credentials that the server does not accept.
func (l *login) rejected(t target, err error) *problem {
	text := fmt.Sprintf("%s does not let %q in with %s", t.address(), t.user, strings.Join(l.names, " or "))
	switch reason, _ := disconnected(err); {
	case strings.Contains(reason, "oo many authentication failures"):
		text = fmt.Sprintf("%s has refused so many keys that it hung up: set identity in the tunnel to the right one", t.address())
	case len(l.signers) > 0:
		text += ": is that the right user, and is the key in its ~/.ssh/authorized_keys there?"
	default:
		text += ": are user and password right, and does sshd allow passwords?"
	}
	if len(l.unfit) > 0 {
		text += " Not tried: " + strings.Join(l.unfit, "; ")
	}
	return failedAt(StepLogin, "%s", text).lasts()
}
