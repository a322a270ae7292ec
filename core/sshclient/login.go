package sshclient

import (
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
)

// thePassword is the password in messages.
const thePassword = "the password"

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
