package sshclient

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // known_hosts hashes names with it
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// knownKey is a line of known_hosts.
type knownKey struct {
	hosts   string // patterns, or a hash
	key     ssh.PublicKey
	marker  string // "@revoked", "@cert-authority" or ""
	file    string
	line    int
	invalid bool // the line cannot be used
}

func (k knownKey) at() string { return fmt.Sprintf("line %d of %s", k.line, k.file) }

// removal returns the command that removes the line, in parentheses. ssh-keygen -R, run by
// root, would leave a file that the account of a service cannot read.
func (k knownKey) removal() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	command := fmt.Sprintf("sed -i %dd %s", k.line, wording.ShellWord(k.file))
	return fmt.Sprintf(" (`%s`)", fileaccess.Command(command, filepath.Dir(filepath.Dir(k.file))))
}

func (k knownKey) isAuthority() bool { return k.marker == "@cert-authority" }

// readKnownHosts reads files, and skips those that do not exist.
func readKnownHosts(paths []string) (all []knownKey, err error) {
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if path == "" || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, permanent(StepHostKey, "the known hosts cannot be read: %s", fileaccess.Explain(path, err))
		}
		number := 0
		for line := range bytes.Lines(content) {
			number++
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				k := parseKnownHost(line)
				k.file, k.line = path, number
				all = append(all, k)
			}
		}
	}
	return all, nil
}

// readRevoked reads a file of keys that are not accepted, for which ssh_config has
// RevokedHostKeys. As with ssh, no host is accepted if it cannot be read.
func readRevoked(path string) (all []knownKey, err error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, permanent(StepHostKey, "the revoked host keys cannot be read: %s", fileaccess.Explain(path, err))
	}
	number := 0
	for line := range bytes.Lines(content) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, permanent(StepHostKey, "line %d of %s, which RevokedHostKeys in ssh_config names, is not a public key: lists made with ssh-keygen -k are not supported, so list the keys as text, one in a line", number, path)
		}
		all = append(all, knownKey{key: key, marker: "@revoked", file: path, line: number})
	}
	return all, nil
}

func parseKnownHost(line []byte) (k knownKey) {
	fields := strings.Fields(string(line))
	if len(fields) > 0 && fields[0][0] == '@' {
		k.marker, fields = fields[0], fields[1:]
	}
	if len(fields) < 3 {
		return knownKey{invalid: true}
	}
	k.hosts = fields[0]
	blob, err := base64.StdEncoding.DecodeString(fields[2])
	if err == nil {
		k.key, err = ssh.ParsePublicKey(blob)
	}
	k.invalid = err != nil // also for types that the library does not know
	return k
}

// lookup returns the keys of a host, and the invalid lines. As with ssh, an entry without
// a port counts for any port that has no key of its own.
func lookup(all []knownKey, address string) (found, invalid []knownKey) {
	host, port, _ := net.SplitHostPort(address)
	names := []string{host}
	if port != "22" {
		names = []string{"[" + host + "]:" + port, host}
	}
	for _, name := range names {
		for _, k := range all {
			if !k.invalid && k.matches(name) {
				found = append(found, k)
			}
		}
		if slices.ContainsFunc(found, func(k knownKey) bool { return k.marker == "" }) {
			break
		}
	}
	for _, k := range all {
		if k.invalid {
			invalid = append(invalid, k)
		}
	}
	return found, invalid
}

func (k knownKey) matches(name string) bool {
	hash, hashed := strings.CutPrefix(k.hosts, "|1|")
	if !hashed {
		return matchList(strings.Split(k.hosts, ","), name)
	}
	salt, sum, _ := strings.Cut(hash, "|")
	key, err := base64.StdEncoding.DecodeString(salt)
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, key)
	_, _ = mac.Write([]byte(strings.ToLower(name))) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)) == sum
}
