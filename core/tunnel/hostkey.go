package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys says which keys a server may show.
type hostKeys struct {
	tunnel  string   // whose host it is, or on whose way
	address string   // host:port by which it is known
	files   []string // known_hosts; the first is written to
	system  string   // known_hosts of the whole machine
	pin     string   // fingerprint of the only key accepted; "": as the files say
}

// keyTypes are the kinds of host keys with their signature algorithms, the
// best first.
var keyTypes = []struct {
	name       string
	algorithms []string
}{
	{ssh.KeyAlgoED25519, []string{ssh.KeyAlgoED25519}},
	{ssh.KeyAlgoECDSA256, []string{ssh.KeyAlgoECDSA256}},
	{ssh.KeyAlgoECDSA384, []string{ssh.KeyAlgoECDSA384}},
	{ssh.KeyAlgoECDSA521, []string{ssh.KeyAlgoECDSA521}},
	{ssh.KeyAlgoRSA, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}},
}

// certAlgorithms are those of keys that an authority vouches for.
var certAlgorithms = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
	ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
}

// check is one look at the key of a server.
type check struct {
	keys       hostKeys
	known      ssh.HostKeyCallback
	algorithms []string // to ask for
	shown      []ssh.PublicKey
	unknown    bool // no file says anything about the host
	problem    *problem
}

// begin reads the files. A server is asked for the kinds of keys that they
// have of it: one that is known by one kind would else fail with another.
func (k hostKeys) begin() (*check, error) {
	c := &check{keys: k}
	if k.pin != "" {
		c.algorithms = algorithms(nil)
		return c, nil
	}
	files := slices.DeleteFunc(append(slices.Clone(k.files), k.system), func(path string) bool {
		_, err := os.Stat(path)
		return path == "" || errors.Is(err, os.ErrNotExist)
	})
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, failedAt(StepHostKey, "the known hosts cannot be read: %s", strings.TrimPrefix(err.Error(), "knownhosts: ")).lasts()
	}
	c.known = known
	var e *knownhosts.KeyError
	if errors.As(known(k.address, noAddress{}, noKey{}), &e) {
		c.algorithms = algorithms(e.Want)
	}
	return c, nil
}

// algorithms are those of the known keys; all, if there are none.
func algorithms(known []knownhosts.KnownKey) (out []string) {
	for _, k := range known {
		if isAuthority(k) {
			out = append(out, certAlgorithms...)
			break
		}
	}
	for _, t := range keyTypes {
		if known == nil || slices.ContainsFunc(known, func(k knownhosts.KnownKey) bool { return k.Key.Type() == t.name && !isAuthority(k) }) {
			out = append(out, t.algorithms...)
		}
	}
	return out
}

// isAuthority says that the key vouches for others.
func isAuthority(k knownhosts.KnownKey) bool {
	content, err := os.ReadFile(k.Filename)
	lines := bytes.Split(content, []byte("\n"))
	return err == nil && k.Line <= len(lines) && bytes.HasPrefix(bytes.TrimSpace(lines[k.Line-1]), []byte("@cert-authority"))
}

// verify is the library's callback. The problem is kept, as the library makes
// a text of it.
func (c *check) verify(_ string, remote net.Addr, key ssh.PublicKey) error {
	c.shown = append(c.shown, key)
	if p := c.judge(remote, key); p != nil {
		c.problem = p
		return p
	}
	return nil
}

func (c *check) judge(remote net.Addr, key ssh.PublicKey) *problem {
	print := fingerprint(key)
	if c.keys.pin != "" {
		if print == c.keys.pin {
			return nil
		}
		var seen []string
		for _, k := range c.shown {
			seen = append(seen, fmt.Sprintf("%s (%s)", fingerprint(k), k.Type()))
		}
		return failedAt(StepHostKey, "the host %s does not have the key that host_key names, %s; it shows %s: another machine may answer in its place", c.keys.address, c.keys.pin, strings.Join(seen, ", ")).lasts()
	}
	err := c.known(c.keys.address, remote, key)
	if err == nil {
		return nil
	}
	var e *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &e) && len(e.Want) == 0:
		c.unknown = true
		return failedAt(StepHostKey, "the host %s is not known yet; its key is %s (%s): compare that with what the host's console or provider shows, then trust it with `aitunnel tunnel trust %s`", c.keys.address, print, key.Type(), c.keys.tunnel).lasts()
	case errors.As(err, &e):
		at := e.Want[0]
		return failedAt(StepHostKey, "THE KEY OF %s HAS CHANGED to %s (%s): another machine may answer in its place. If the host was set up anew, remove line %d of %s and trust the new key with `aitunnel tunnel trust %s`", c.keys.address, print, key.Type(), at.Line, at.Filename, c.keys.tunnel).lasts()
	case errors.As(err, &revoked):
		return failedAt(StepHostKey, "the key of %s, %s, is revoked at %s:%d", c.keys.address, print, revoked.Revoked.Filename, revoked.Revoked.Line).lasts()
	}
	return failedAt(StepHostKey, "the key of %s, %s, is not accepted: %s", c.keys.address, print, plain(err)).lasts()
}

// another says that the pinned key may be one of a kind that was not asked for
// yet, and asks for those next.
func (c *check) another() bool {
	if c.keys.pin == "" || len(c.shown) == 0 {
		return false
	}
	last := c.shown[len(c.shown)-1].Type()
	for _, t := range keyTypes {
		if t.name == last {
			c.algorithms = slices.DeleteFunc(c.algorithms, func(a string) bool { return slices.Contains(t.algorithms, a) })
		}
	}
	return len(c.algorithms) > 0
}

// fingerprint is of the key itself, also where an authority vouches for it.
func fingerprint(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return ssh.FingerprintSHA256(key)
}

// remember adds a key to the first file.
func (k hostKeys) remember(key ssh.PublicKey) (path string, err error) {
	path = k.files[0]
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return path, err
	}
	line := knownhosts.Line([]string{k.address}, key) + "\n"
	if len(content) > 0 && content[len(content)-1] != '\n' {
		line = "\n" + line
	}
	if err := makeDirOf(path); err != nil {
		return path, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return path, err
	}
	_, err = f.WriteString(line)
	return path, errors.Join(err, f.Close())
}

// noKey is a key that no file has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// noAddress stands for an address that is not known yet.
type noAddress struct{}

func (noAddress) Network() string { return "tcp" }
func (noAddress) String() string  { return "0.0.0.0:22" }
