package sshclient

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

// thePassword is the password in messages.
const thePassword = "the password"

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
	method       string   // the last method that was used
	question     string   // that could not be answered
	deadAgent    string   // socket of an agent that is not running
	signed       string   // the last key that the server knows: it asked for a signature
	banner       string   // the banner that the server sent then
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

// next chooses the next method: keys, then the password. The password is sent only
// once, either by itself or as the answer to keyboard-interactive, since hosts ban an
// address after a few wrong ones.
func (l *login) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	l.refused = slices.ContainsFunc(c.TriedMethods, func(m string) bool { return m != "none" })
	l.accepted, l.wanted = c.PartialSuccessMethods, c.AllowedMethods
	open := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method)
	}
	keysUsed := 0 // a server may require several keys
	for _, m := range c.PartialSuccessMethods {
		if m == "publickey" {
			keysUsed++
		}
	}
	canAnswer := !l.password.IsZero() && !l.passwordSent
	switch {
	case len(l.signers) > keysUsed && open("publickey"):
		return ssh.PublicKeys(l.recordingSigners()...), nil
	case canAnswer && open("password"):
		l.method, l.passwordSent = "password", true
		return ssh.Password(l.password.Plaintext()), nil
	case canAnswer && open("keyboard-interactive"):
		l.method = "keyboard-interactive"
		return ssh.KeyboardInteractive(l.answer), nil
	}
	l.refused = true
	return nil, nil
}

// used returns the credentials that the server accepted.
func (l *login) used() string {
	var all []string
	if l.signed != "" {
		all = append(all, l.signed)
	}
	if l.passwordSent {
		all = append(all, thePassword)
	}
	if len(all) == 0 {
		return strings.Join(l.names, " or ")
	}
	return strings.Join(all, " and ")
}

// recordingSigners returns the signers, which record whose signature the server asks for.
func (l *login) recordingSigners() []ssh.Signer {
	out := make([]ssh.Signer, len(l.signers))
	for i, s := range l.signers {
		note := func() { l.signed = l.names[i] }
		switch s := s.(type) {
		case ssh.MultiAlgorithmSigner:
			out[i] = multiRecordingSigner{recordingSigner{s, note}, s}
		case ssh.AlgorithmSigner:
			out[i] = recordingSigner{s, note}
		default:
			out[i] = s
		}
	}
	return out
}

// recordingSigner calls note when it has signed.
type recordingSigner struct {
	ssh.AlgorithmSigner
	note func()
}

func (s recordingSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	sig, err := s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	if err == nil {
		s.note()
	}
	return sig, err
}

// multiRecordingSigner is a recordingSigner for one of several algorithms.
type multiRecordingSigner struct {
	recordingSigner
	all ssh.MultiAlgorithmSigner
}

func (s multiRecordingSigner) Algorithms() []string { return s.all.Algorithms() }

// keepBanner stores what the server says about an account whose key it knows, such as that it has
// expired. Before that, banners are legal notices.
func (l *login) keepBanner(banner string) error {
	if text := line(banner); l.signed != "" && text != "" {
		l.banner = text
	}
	return nil
}

// line returns what a server sends as one line of printable text.
func line(text string) string {
	const most = 200
	text = text[:min(len(text), 4*most)]
	words := strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?")))
	runes := []rune(strings.Join(words, " "))
	return string(runes[:min(len(runes), most)])
}

// answer answers keyboard-interactive questions, by which sshd may ask for the password.
func (l *login) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range questions {
		if echos[i] || l.passwordSent {
			l.question = line(questions[i])
			return nil, errQuestion
		}
		answers[i], l.passwordSent = l.password.Plaintext(), true
	}
	return answers, nil
}

// errQuestion ends a login at which a person would have to answer.
var errQuestion = errors.New("the host asks a question that cannot be answered automatically")

// openAgent returns the keys of an agent. One that is not running or does not answer has
// none.
func (l *login) openAgent(socket string) (held []ssh.Signer) {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		l.deadAgent = socket
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
	return strings.Contains(disconnectReason(err).text, tooManyFailures) && !l.password.IsZero() && !l.passwordSent && len(l.signers) > 0
}

// tooManyFailures is part of a server's message that its limit of attempts is reached.
const tooManyFailures = "oo many authentication failures"

// disconnect is a server's message that it ends the connection.
type disconnect struct {
	sent bool // there is such a message
	code string
	text string
}

// disconnectReason returns the server's disconnect message. The library's type for that
// message is not exported.
func disconnectReason(err error) (d disconnect) {
	_, text, found := strings.Cut(err.Error(), "ssh: disconnect, reason ")
	if !found {
		return disconnect{}
	}
	code, text, _ := strings.Cut(text, ": ")
	return disconnect{true, code, line(text)}
}

// isTemporary reports whether the reason is not about who wants to log in: a service that is
// not available (7), a lost connection (10), or too many connections (12).
func (d disconnect) isTemporary() bool { return slices.Contains([]string{"7", "10", "12"}, d.code) }

// isEnd reports whether an error is the end of a connection, and not an answer.
func isEnd(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// ended returns the error for a connection that ended during the login. A server that
// closes it may have refused the login, which must not be repeated soon.
func (l *login) ended(h Hop, err error) *Error {
	switch {
	case !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET):
		return temporary(StepLogin, "the connection to %s was lost during the login: %s", h.Address(), Plain(err))
	case l.passwordSent || len(l.signers) > 1:
		return permanent(StepLogin, "%s closed the connection during the login as %q with %s, which may be how it refuses a login: check the user name and the credentials; the log of its SSH server has the reason", h.Address(), h.user, strings.Join(l.names, " or "))
	}
	return temporary(StepLogin, "%s closed the connection during the login as %q: its LoginGraceTime may be too short, or it is shutting down; the log of its SSH server has the reason", h.Address(), h.user)
}

// rejected returns the error for credentials that the server does not accept.
func (l *login) rejected(h Hop, err error) *Error {
	names, passwordRefused := l.names, !l.password.IsZero() && !l.passwordSent
	if passwordRefused {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == thePassword })
	}
	text := fmt.Sprintf("%s refused the login as %q with %s", h.Address(), h.user, strings.Join(names, " or "))
	end := disconnectReason(err)
	tooMany := strings.Contains(end.text, tooManyFailures)
	switch {
	case end.sent && !tooMany:
		text = fmt.Sprintf("%s ended the login as %q: %q", h.Address(), h.user, cmp.Or(end.text, "no reason"))
		if end.isTemporary() {
			return temporary(StepLogin, "%s", text)
		}
		text += "; the log of its SSH server may say more"
	case tooMany && len(l.signers) > 1:
		text = fmt.Sprintf("%s closed the connection after too many refused keys: %s", h.Address(), h.creds.chooseKey())
	case l.method == "password" && strings.Contains(err.Error(), "unexpected message type 60"):
		text = fmt.Sprintf("%s requires %q to change the password: log in with ssh to do that, then set password in the tunnel", h.Address(), h.user)
	case l.question != "" && asksForNewPassword(l.question):
		text = fmt.Sprintf("%s requires %q to change the password (it asks %q): log in with ssh to do that, then set password in the tunnel", h.Address(), h.user, l.question)
	case len(l.accepted) > 0:
		text = fmt.Sprintf("%s accepted the %s of %q, but requires more: %s", h.Address(), methodNames(l.accepted), h.user, l.missing(h))
	case l.question != "":
		text = fmt.Sprintf("%s asks %q at the login as %q, which cannot be answered automatically: use a key, or let this account log in without that question (AuthenticationMethods in its sshd_config, or its PAM settings)", h.Address(), l.question, h.user)
	case l.signed != "":
		text = fmt.Sprintf("%s knows %s, but refused the login as %q: the account may have expired, or may not log in now (/etc/nologin), or from this address", h.Address(), l.signed, h.user)
		if l.banner != "" {
			text += fmt.Sprintf("; it says %q", l.banner)
		}
		text += "; the log of its SSH server has the reason"
	case len(l.signers) > 0:
		text += ": check the user name, that AllowUsers and the like in its sshd_config permit it, that the key is in ~/.ssh/authorized_keys of that account, and that nobody else may write to that file, to .ssh and to its home; the log of its SSH server has the reason"
	case passwordRefused:
		return permanent(StepLogin, "%s does not accept a password from %q, but requires a %s: set identity in the tunnel, or PasswordAuthentication yes in its sshd_config", h.Address(), h.user, cmp.Or(methodNames(l.wanted), "key"))
	default:
		text += ": check the user name and the password, and that its sshd allows passwords; the log of its SSH server has the reason"
	}
	if passwordRefused && !tooMany && !end.sent {
		text += ". The password was not sent, as the server does not accept any"
	}
	if l.deadAgent != "" {
		text += fmt.Sprintf(". No SSH agent listens at %s", l.deadAgent)
	}
	for _, s := range l.signers {
		if bits := rsaBits(s.PublicKey()); bits > 0 && bits < usualRSABits {
			text += fmt.Sprintf(". The key %s has %d bits, and servers may require %d (RequiredRSASize)", fingerprint(s.PublicKey()), bits, usualRSABits)
		}
		if cert, ok := s.PublicKey().(*ssh.Certificate); ok && !slices.Contains(cert.ValidPrincipals, h.user) {
			text += fmt.Sprintf(". The certificate of the key %s is for %s, not for %q", fingerprint(cert), cmp.Or(strings.Join(cert.ValidPrincipals, ", "), "no account"), h.user)
		}
	}
	if len(l.unusable) > 0 {
		text += ". Not used: " + strings.Join(l.unusable, "; ")
	}
	return permanent(StepLogin, "%s", text)
}

// usualRSABits is the length of RSA keys that all servers accept.
const usualRSABits = 2048

// rsaBits returns the length of an RSA key, 0 for other keys.
func rsaBits(key ssh.PublicKey) int {
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return r.N.BitLen()
		}
	}
	return 0
}

// missing returns what a server requires in addition to a method that it accepted.
func (l *login) missing(h Hop) string {
	wanted := methodNames(l.wanted)
	switch {
	case l.question != "":
		return fmt.Sprintf("it asks %q, which cannot be answered automatically; require less in its AuthenticationMethods", l.question)
	case h.creds.jump && l.password.IsZero() && slices.Contains(l.wanted, "password"):
		return fmt.Sprintf("it requires the %s too, but a jump host cannot have a password here; require less in its AuthenticationMethods", wanted)
	case l.password.IsZero() && slices.Contains(l.wanted, "password"):
		return fmt.Sprintf("it requires the %s too; set password in the tunnel, or require less in its AuthenticationMethods", wanted)
	}
	return fmt.Sprintf("it requires the %s too, and did not accept what was offered; require less in its AuthenticationMethods", wanted)
}

// asksForNewPassword reports whether a question is about a password that has to be changed.
func asksForNewPassword(question string) bool {
	question = strings.ToLower(question)
	return strings.Contains(question, "new password") || strings.Contains(question, "current") && strings.Contains(question, "password")
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
