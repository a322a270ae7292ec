package sshclient

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys says which keys a server may present.
type hostKeys struct {
	tunnel  string   // the tunnel, for messages
	address string   // host:port in the known hosts
	files   []string // known_hosts files of the user; keys are added to the first
	system  []string // known_hosts files of the system
	revoked string   // file of keys that are not accepted; "": none
	hash    bool     // hash the names of hosts that are added
	pin     string   // fingerprint of the only accepted key; "": those in the files
}

// keyTypes are the types of host keys with their signature algorithms, in order of
// preference.
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

// certAlgorithms are the algorithms of keys with a certificate.
var certAlgorithms = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
	ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
}

// keyCheck checks the key of one server.
type keyCheck struct {
	hostKeys
	known      []knownKey
	invalid    []knownKey
	algorithms []string // that the server is asked for
	presented  []ssh.PublicKey
	unknown    bool // no file has a key of the host
	failure    *Error
}

// newCheck reads the files. The server is asked for a key of a type that is in them, since
// it could otherwise present another key, which would be unknown.
func (k hostKeys) newCheck() (*keyCheck, error) {
	c := &keyCheck{hostKeys: k}
	if k.pin != "" {
		c.algorithms = algorithmsFor(nil)
		return c, nil
	}
	all, err := readKnownHosts(append(slices.Clone(k.files), k.system...))
	if err != nil {
		return nil, err
	}
	c.known, c.invalid = lookup(all, k.address)
	revoked, err := readRevoked(k.revoked)
	if err != nil {
		return nil, err
	}
	c.known = append(c.known, revoked...)
	c.algorithms = algorithmsFor(c.known)
	return c, nil
}

// algorithmsFor returns the algorithms of the known keys, or all if no plain key is known.
func algorithmsFor(known []knownKey) (out []string) {
	if slices.ContainsFunc(known, knownKey.isAuthority) {
		out = slices.Clone(certAlgorithms)
	}
	plain := slices.DeleteFunc(slices.Clone(known), func(k knownKey) bool { return k.marker != "" })
	for _, t := range keyTypes {
		if len(plain) == 0 || slices.ContainsFunc(plain, func(k knownKey) bool { return k.key.Type() == t.name }) {
			out = append(out, t.algorithms...)
		}
	}
	return out
}

// verify checks the key that a host presents. It keeps the failure, because the SSH
// library returns only the text of an error.
func (c *keyCheck) verify(remote net.Addr, key ssh.PublicKey) error {
	c.presented = append(c.presented, key)
	c.failure = c.check(remote, key)
	if c.failure != nil {
		return c.failure
	}
	return nil
}

func (c *keyCheck) check(remote net.Addr, key ssh.PublicKey) *Error {
	print := fingerprint(key)
	if c.pin != "" {
		if print == c.pin {
			return nil
		}
		var seen []string
		for _, k := range c.presented {
			seen = append(seen, fmt.Sprintf("%s (%s)", fingerprint(k), k.Type()))
		}
		return permanent(StepHostKey, "the host %s does not present the key in host_key, %s, but %s: another machine may be answering in its place", c.address, c.pin, strings.Join(seen, ", "))
	}
	for _, k := range c.known {
		if k.marker == "@revoked" && c.isRevokedBy(k, key) {
			return permanent(StepHostKey, "the key of %s, %s, is revoked by %s", c.address, print, k.at())
		}
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		if failure := c.checkCertificate(remote, cert); failure == nil || !c.knows(cert.Key) {
			return failure
		}
		return nil
	}
	if c.knows(key) {
		return nil
	}
	return c.mismatch(key)
}

func (c *keyCheck) isRevokedBy(k knownKey, key ssh.PublicKey) bool {
	cert, ok := key.(*ssh.Certificate)
	return sameKey(k.key, key) || ok && (sameKey(k.key, cert.Key) || sameKey(k.key, cert.SignatureKey))
}

// knows reports whether known_hosts has the key itself, not only an authority.
func (c *keyCheck) knows(key ssh.PublicKey) bool {
	return slices.ContainsFunc(c.known, func(k knownKey) bool { return k.marker == "" && sameKey(k.key, key) })
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

func (c *keyCheck) checkCertificate(remote net.Addr, cert *ssh.Certificate) *Error {
	checker := ssh.CertChecker{IsHostAuthority: func(authority ssh.PublicKey, _ string) bool {
		return slices.ContainsFunc(c.known, func(k knownKey) bool { return k.isAuthority() && sameKey(k.key, authority) })
	}}
	if err := checker.CheckHostKey(c.address, remote, cert); err != nil {
		return permanent(StepHostKey, "the certificate of %s is not accepted: %s", c.address, ErrorText(err))
	}
	return nil
}

// mismatch returns why a plain key is not accepted.
func (c *keyCheck) mismatch(key ssh.PublicKey) *Error {
	print := fingerprint(key)
	plain := slices.IndexFunc(c.known, func(k knownKey) bool { return k.marker == "" })
	authority := slices.IndexFunc(c.known, knownKey.isAuthority)
	trust := fmt.Sprintf("`aitunnel tunnel trust %s`", c.tunnel)
	if len(c.files) == 0 {
		trust += noFile
	}
	switch {
	case plain >= 0:
		at := c.known[plain]
		return untrusted(c.presents(key, &at), "THE KEY OF %s HAS CHANGED to %s (%s): another machine may be answering in its place. If the host was reinstalled, remove %s%s and trust the new key with %s", c.address, print, key.Type(), at.at(), at.removal(), trust)
	case authority >= 0:
		c.unknown = true
		return untrusted(c.presents(key, &c.known[authority]), "the host %s presents a key without a certificate, but %s has only a certificate authority for it: set HostCertificate in its sshd_config, or compare the key %s (%s) with what the host's console shows and trust it with %s", c.address, c.known[authority].at(), print, key.Type(), trust)
	}
	c.unknown = true
	text := fmt.Sprintf("the host %s is not known yet; its key is %s (%s): compare that with what the host's console or provider shows, then trust it with %s", c.address, print, key.Type(), trust)
	if len(c.invalid) > 0 {
		text += fmt.Sprintf(". Skipped as invalid: %s", c.invalid[0].at())
	}
	return untrusted(c.presents(key, nil), "%s", text)
}

// noFile says what trusting a key needs if ssh_config leaves no file for it.
const noFile = ", for which known_hosts in the tunnel has to name a file, since UserKnownHostsFile in ssh_config names none"

// presents describes a key that is not trusted, and the known one that differs.
func (c *keyCheck) presents(key ssh.PublicKey, instead *knownKey) *UntrustedKey {
	k := &UntrustedKey{Host: c.address, Type: key.Type(), Fingerprint: fingerprint(key)}
	if instead != nil {
		k.KnownAt = instead.at()
		if !instead.isAuthority() {
			k.Known = fingerprint(instead.key)
		}
	}
	return k
}

func untrusted(k *UntrustedKey, format string, args ...any) *Error {
	e := permanent(StepHostKey, format, args...)
	e.Key = k
	return e
}

// askOtherTypes removes the type of the last key from those to ask for. It reports whether
// others are left, one of which may be that of the pinned key.
func (c *keyCheck) askOtherTypes() bool {
	if c.pin == "" || len(c.presented) == 0 {
		return false
	}
	last := c.presented[len(c.presented)-1].Type()
	for _, t := range keyTypes {
		if t.name == last {
			c.algorithms = slices.DeleteFunc(c.algorithms, func(a string) bool { return slices.Contains(t.algorithms, a) })
		}
	}
	return len(c.algorithms) > 0
}

// noCommonAlgorithm returns the error for a failed negotiation, nil for other errors.
func (c *keyCheck) noCommonAlgorithm(err error) *Error {
	var none *ssh.AlgorithmNegotiationError
	if !errors.As(err, &none) {
		return nil
	}
	offered := algorithmNames(none.RequestedAlgorithms)
	if none.What != "host key" {
		return permanent(StepConnect, "%s and this program have no %s algorithm in common: it offers %s, which are outdated or unusual; update its SSH server, or allow one of %s there", c.address, none.What, offered, algorithmNames(none.SupportedAlgorithms))
	}
	modern := slices.ContainsFunc(none.RequestedAlgorithms, func(a string) bool { return slices.Contains(algorithmsFor(nil), a) })
	if !modern {
		return permanent(StepHostKey, "%s can only sign with outdated algorithms (%s), which use SHA-1 or weak keys and are not accepted: update its SSH server, or give it an ed25519 host key (ssh-keygen -A)", c.address, offered)
	}
	return permanent(StepHostKey, "%s no longer has a key of the known type, but offers %s: if the host was reinstalled, remove its lines from %s and trust the new key with `aitunnel tunnel trust %s`", c.address, offered, strings.Join(c.files, " and "), c.tunnel)
}

// algorithmNames joins names of algorithms, without those that announce extensions of the
// protocol.
func algorithmNames(all []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return strings.HasPrefix(name, "ext-info-") || strings.HasPrefix(name, "kex-strict-")
	}), ", ")
}

// fingerprint returns the fingerprint of a key; that of the key itself for a certificate.
func fingerprint(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return ssh.FingerprintSHA256(key)
}

// addKey adds a key to the first file.
func (k hostKeys) addKey(key ssh.PublicKey) (path string, err error) {
	path = k.files[0]
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return path, err
	}
	line := knownhosts.Line([]string{k.address}, key) + "\n"
	if k.hash { // as ssh writes them
		name := strings.ToLower(knownhosts.Normalize(k.address))
		line = knownhosts.HashHostname(name) + " " + key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal()) + "\n"
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		line = "\n" + line
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return path, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return path, err
	}
	_, err = f.WriteString(line)
	return path, errors.Join(err, f.Close())
}
