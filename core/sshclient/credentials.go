package sshclient

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// credentials are the settings for logging in to one server.
type credentials struct {
	home         string
	agent        string   // socket
	files        []string // of private keys; empty: the default ones
	certificates []string // files of certificates, in addition to those next to a key
	only         bool     // use only the keys of the files
	passphrase   config.Secret
	password     config.Secret
	ask          func(path string) (passphrase string, err error) // nil: there is no prompt
}

// defaultKeys are the names of private keys in ~/.ssh.
var defaultKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// agentTimeout limits the list of an agent's keys.
const agentTimeout = 5 * time.Second

// login is a set of credentials in use.
type login struct {
	signers  []ssh.Signer
	names    []string // the credentials, for messages
	unusable []string // why keys that were found cannot be used
	agent    io.Closer
	password config.Secret

	unsigned     ssh.PublicKey // the last key that the agent was asked to use, but did not
	refused      bool          // the server rejected the credentials, or requires more
	passwordSent bool
	signed       string   // the last key that the server knows: it asked for a signature
	heard        string   // what the server said then
	accepted     []string // methods that the server accepted, but which are not enough
	wanted       []string // methods of which it requires one in addition
}

func (l *login) close() {
	if l.agent != nil {
		_ = l.agent.Close() // it was only queried
	}
}

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
		l.names = append(l.names, "the password")
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
	return permanent(StepLogin, "there is no key and no password: no SSH agent holds a key, and none of %s is in %s; create a key with `%s`, or set identity or password in the tunnel", strings.Join(defaultKeys, ", "), filepath.Join(c.home, ".ssh"), fileaccess.Command("ssh-keygen -t ed25519", c.home))
}

func (c credentials) keyFiles() (files []string, named bool) {
	if len(c.files) > 0 {
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

// next chooses the next method: keys, then the password. The password is sent only
// once, either by itself or as the answer to keyboard-interactive, since hosts ban an
// address after a few wrong ones.
func (l *login) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	l.refused = slices.ContainsFunc(c.TriedMethods, func(m string) bool { return m != "none" })
	l.accepted, l.wanted = c.PartialSuccessMethods, c.AllowedMethods
	open := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method) && !slices.Contains(c.PartialSuccessMethods, method)
	}
	canAnswer := !l.password.IsZero() && !l.passwordSent
	switch {
	case len(l.signers) > 0 && open("publickey"):
		return ssh.PublicKeys(l.noted()...), nil
	case canAnswer && open("password"):
		l.passwordSent = true
		return ssh.Password(l.password.Reveal()), nil
	case canAnswer && open("keyboard-interactive"):
		return ssh.KeyboardInteractive(l.answer), nil
	}
	l.refused = true
	return nil, nil
}

// noted returns the signers, which note whose signature the server asks for.
func (l *login) noted() []ssh.Signer {
	out := make([]ssh.Signer, len(l.signers))
	for i, s := range l.signers {
		note := func() { l.signed = l.names[i] }
		switch s := s.(type) {
		case ssh.MultiAlgorithmSigner:
			out[i] = multiNotedSigner{notedSigner{s, note}, s}
		case ssh.AlgorithmSigner:
			out[i] = notedSigner{s, note}
		default:
			out[i] = s
		}
	}
	return out
}

// notedSigner calls note when it has signed.
type notedSigner struct {
	ssh.AlgorithmSigner
	note func()
}

func (s notedSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	sig, err := s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	if err == nil {
		s.note()
	}
	return sig, err
}

// multiNotedSigner is a notedSigner for one of several algorithms.
type multiNotedSigner struct {
	notedSigner
	all ssh.MultiAlgorithmSigner
}

func (s multiNotedSigner) Algorithms() []string { return s.all.Algorithms() }

// hear keeps what the server says about an account whose key it knows, such as that it has
// expired. Before that, banners are legal notices.
func (l *login) hear(banner string) error {
	words := strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, banner))
	if text := []rune(strings.Join(words, " ")); l.signed != "" && len(text) > 0 {
		l.heard = string(text[:min(len(text), 200)])
	}
	return nil
}

// answer answers keyboard-interactive questions, by which sshd may ask for the password.
func (l *login) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range questions {
		if echos[i] || l.passwordSent {
			return nil, fmt.Errorf("the host asks %q, which cannot be answered automatically", questions[i])
		}
		answers[i], l.passwordSent = l.password.Reveal(), true
	}
	return answers, nil
}

// openAgent returns the keys of an agent. One that is not running or does not answer has
// none.
func (l *login) openAgent(socket string) (held []ssh.Signer) {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil
	}
	l.agent = conn
	limit := time.Now().Add(agentTimeout)
	_ = conn.SetDeadline(limit) // it cannot fail on an open connection
	signers, err := agent.NewClient(conn).Signers()
	if err != nil && !time.Now().Before(limit) {
		l.unusable = append(l.unusable, fmt.Sprintf("the SSH agent at %s does not answer", socket))
	}
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Time{}) // a person may have to confirm a signature
	for _, s := range signers {
		if capable, ok := s.(ssh.AlgorithmSigner); ok {
			s = agentSigner{capable, l}
		}
		held = append(held, s)
	}
	return held
}

// agentSigner is a key in an agent, which may refuse to use it.
type agentSigner struct {
	ssh.AlgorithmSigner
	login *login
}

// Sign implements ssh.Signer.
func (s agentSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm implements ssh.AlgorithmSigner.
func (s agentSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	sig, err := s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	if err != nil {
		s.login.unsigned = s.PublicKey()
	}
	return sig, err
}

// drop removes a key with which the agent did not sign.
func (l *login) drop(key ssh.PublicKey) {
	for i := 0; i < len(l.signers); i++ {
		if fingerprint(l.signers[i].PublicKey()) == fingerprint(key) {
			l.signers, l.names = slices.Delete(l.signers, i, i+1), slices.Delete(l.names, i, i+1)
			i--
		}
	}
	l.unusable = append(l.unusable, fmt.Sprintf("the SSH agent did not sign with the key %s: confirm that in the agent, unlock it, or set identity in the tunnel to a key that needs no confirmation", fingerprint(key)))
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

// isTooManyKeys reports whether the server closed the connection before the password was
// tried, since it counts each key as a failed attempt.
func (l *login) isTooManyKeys(err error) bool {
	reason, _ := disconnectReason(err)
	return strings.Contains(reason, tooManyFailures) && !l.password.IsZero() && !l.passwordSent && len(l.signers) > 0
}

// tooManyFailures is part of a server's message that its limit of attempts is reached.
const tooManyFailures = "oo many authentication failures"

// disconnectReason returns the reason in the server's disconnect message. The library's
// type for that message is not exported.
func disconnectReason(err error) (reason string, ok bool) {
	_, text, found := strings.Cut(err.Error(), "ssh: disconnect, reason ")
	if !found {
		return "", false
	}
	_, reason, _ = strings.Cut(text, ": ")
	return reason, true
}

// rejected returns the error for credentials that the server does not accept.
func (l *login) rejected(h Hop, err error) *Error {
	text := fmt.Sprintf("%s refused the login as %q with %s", h.Address(), h.user, strings.Join(l.names, " or "))
	switch reason, _ := disconnectReason(err); {
	case strings.Contains(reason, tooManyFailures):
		text = fmt.Sprintf("%s closed the connection after too many refused keys: set identity in the tunnel to the right key", h.Address())
	case len(l.accepted) > 0:
		text = fmt.Sprintf("%s accepted the %s of %q, but requires more: %s", h.Address(), methodNames(l.accepted), h.user, l.missing())
	case l.signed != "":
		text = fmt.Sprintf("%s knows %s, but refused the login as %q: the account may have expired, or may not log in now (/etc/nologin), or from this address", h.Address(), l.signed, h.user)
		if l.heard != "" {
			text += fmt.Sprintf("; it says %q", l.heard)
		}
		text += "; the log of its SSH server has the reason"
	case len(l.signers) > 0:
		text += ": check the user name, that AllowUsers and the like in its sshd_config permit it, that the key is in ~/.ssh/authorized_keys of that account, and that nobody else may write to that file, to .ssh and to its home; the log of its SSH server has the reason"
	default:
		text += ": check the user name and the password, and that its sshd allows passwords; the log of its SSH server has the reason"
	}
	if len(l.unusable) > 0 {
		text += ". Not used: " + strings.Join(l.unusable, "; ")
	}
	return permanent(StepLogin, "%s", text)
}

// missing returns what a server requires in addition to a method that it accepted.
func (l *login) missing() string {
	wanted := methodNames(l.wanted)
	if l.password.IsZero() && slices.Contains(l.wanted, "password") {
		return fmt.Sprintf("it requires the %s too; set password in the tunnel, or require less in its AuthenticationMethods", wanted)
	}
	return fmt.Sprintf("it requires the %s too, and did not accept what was offered; require less in its AuthenticationMethods", wanted)
}

// methodNames returns authentication methods in words.
func methodNames(methods []string) string {
	words := map[string]string{"publickey": "key", "keyboard-interactive": "answer to a question (keyboard-interactive)"}
	var names []string
	for _, m := range methods {
		names = append(names, cmp.Or(words[m], m))
	}
	return strings.Join(names, " or ")
}
