//go:build linux

package sshdtest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Options of [Start].
type Options struct {
	Config     string   // lines of sshd_config; the first value of a keyword counts
	KeyOptions string   // before the key in authorized_keys
	Network    *Network // nil: loopback
	Guest      bool     // add an account Guest with the password Password to the real ones
	BashRC     string   // of the guest, whose shell is then bash

	PasswordExpired bool // the guest has to change the password
	AccountExpired  bool // the guest may not log in any more
}

// The account of Options.Guest.
const (
	Guest     = "guest"
	Password  = "open-sesame-4711"
	guestHash = "$6$aitunnel$Ugo6WerQhY47Ue2A3rD.Biyl4UG.oY78J/RUlXyn5SKC.2i8HChPpA/vWWbgN.V8v1w0Dg7uoW.e6WKsqOPFz/"
)

// Server is a running sshd.
type Server struct {
	Host, Port string
	User       string // the user who may log in with Key
	Dir        string // with all its files
	Home       string // a home directory with matching .ssh/id_ed25519 and .ssh/known_hosts
	Key        ssh.Signer
	HostKey    ssh.PublicKey

	t       testing.TB
	options Options
	command []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	old    []process // sessions of servers that have ended
}

// Require returns the path of a program. If it is missing, the test is skipped, but
// never in CI.
func Require(t testing.TB, program, debian string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path := filepath.Join(dir, program); fileExists(path) {
			return path
		}
	}
	unable(t, fmt.Sprintf("%s is not installed: apt-get install %s", program, debian))
	return ""
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// unable skips the test, but never in CI.
func unable(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// RequireRoot skips the test for users who may not create networks or accounts.
func RequireRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		unable(t, "only root can create network namespaces and accounts")
	}
}

// Start runs an sshd until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	sshd := Require(t, "sshd", "openssh-server")
	me, err := user.Current()
	must(t, err)
	s := &Server{t: t, options: o, Host: "127.0.0.1", User: me.Username, Dir: t.TempDir()}
	if o.Network != nil {
		s.Host = o.Network.Inner
	}
	s.Port = s.freePort()
	s.writeKeys()
	config := s.path("sshd_config")
	// With SHLVL set, bash does not read the .bashrc of the user who runs the tests.
	lines := o.Config + fmt.Sprintf(`
Port %s
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel VERBOSE
SetEnv SHLVL=3
`, s.Port, s.Host, s.path("host_key"), s.path("authorized_keys"))
	if !strings.Contains(o.Config, "MaxStartups") { // the last one counts
		lines += "MaxStartups 1000\n"
	}
	must(t, os.WriteFile(config, []byte(lines), 0o600))
	if os.Geteuid() == 0 {
		must(t, os.MkdirAll("/run/sshd", 0o755)) // sshd asks for it
	}
	s.command = []string{sshd, "-D", "-e", "-f", config}
	if o.Guest {
		s.addGuest()
	}
	if o.Network != nil {
		s.command = o.Network.Command(s.command...)
	}
	s.Restart()
	t.Cleanup(func() {
		s.Stop()
		s.endSessions()
		if t.Failed() {
			t.Logf("log of sshd on port %s:\n%s", s.Port, s.Log())
		}
	})
	return s
}

func (s *Server) path(name string) string { return filepath.Join(s.Dir, name) }

// Addr returns the address on which it listens.
func (s *Server) Addr() string { return net.JoinHostPort(s.Host, s.Port) }

// Fingerprint returns the fingerprint of the host's key.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.HostKey) }

// Log returns what sshd has logged.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.path("sshd.log"))
	return string(text)
}

func (s *Server) freePort() string {
	if s.options.Network != nil {
		return "2222"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(s.Host, "0"))
	must(s.t, err)
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// NewKey writes a private key, encrypted if there is a passphrase.
func NewKey(t testing.TB, path, passphrase string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	return signer
}

func (s *Server) writeKeys() {
	s.HostKey = NewKey(s.t, s.path("host_key"), "").PublicKey()
	s.Home = s.path("home")
	s.Key = NewKey(s.t, filepath.Join(s.Home, ".ssh", "id_ed25519"), "")
	s.Authorize(s.options.KeyOptions, s.Key.PublicKey())
	s.Know(s.HostKey)
}

// Authorize makes a key the only one that may log in.
func (s *Server) Authorize(options string, key ssh.PublicKey) {
	line := strings.TrimSpace(options + " " + string(ssh.MarshalAuthorizedKey(key)))
	must(s.t, os.WriteFile(s.path("authorized_keys"), []byte(line+"\n"), 0o644))
}

// Know makes these the only known keys of the server in the home directory.
func (s *Server) Know(keys ...ssh.PublicKey) {
	var lines []string
	for _, k := range keys {
		lines = append(lines, knownhosts.Line([]string{s.Addr()}, k))
	}
	must(s.t, os.WriteFile(filepath.Join(s.Home, ".ssh", "known_hosts"), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// addGuest gives sshd its own list of accounts, with a mount that only sshd sees.
func (s *Server) addGuest() {
	RequireRoot(s.t)
	home := s.path("guest")
	must(s.t, os.MkdirAll(home, 0o755))
	shell := "/bin/sh"
	if s.options.BashRC != "" {
		shell = "/bin/bash"
		must(s.t, os.WriteFile(filepath.Join(home, ".bashrc"), []byte(s.options.BashRC), 0o644))
	}
	changed := "19000" // the day; 0: it has to be changed
	if s.options.PasswordExpired {
		changed = "0"
	}
	expires := ""
	if s.options.AccountExpired {
		expires = "1"
	}
	for file, line := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:54321:54321::%s:%s\n", Guest, home, shell),
		"shadow": fmt.Sprintf("%s:%s:%s:0:99999:7::%s:\n", Guest, guestHash, changed, expires),
	} {
		content, err := os.ReadFile("/etc/" + file)
		must(s.t, err)
		must(s.t, os.WriteFile(s.path(file), append(content, line...), 0o644))
	}
	must(s.t, os.Chmod(filepath.Dir(s.Dir), 0o755)) // the guest reads its files there
	must(s.t, os.Chmod(s.Dir, 0o755))
	s.command = append([]string{
		"unshare", "--mount", "sh", "-c",
		`mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/shadow" /etc/shadow && exec "$@"`, s.Dir,
	}, s.command...)
}

// Restart starts a new server on the same port, also after Stop. Sessions of the old
// one stay.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	cmd := exec.Command(s.command[0], s.command[1:]...)
	// A file, not a pipe: sessions inherit it too, and outlive the server.
	log, err := os.OpenFile(s.path("sshd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(s.t, err)
	cmd.Stdout, cmd.Stderr = log, log
	must(s.t, cmd.Start())
	_ = log.Close() // sshd has its own
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := s.dial()
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("sshd does not start: %v\n%s", err, s.Log())
		}
	}
}

func (s *Server) dial() (net.Conn, error) {
	if s.options.Network != nil {
		return s.options.Network.Dial("tcp", s.Addr())
	}
	return net.DialTimeout("tcp", s.Addr(), time.Second)
}

// Stop ends the server. Its sessions stay.
func (s *Server) Stop() {
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	s.mu.Lock()
	s.old = append(s.old, s.children()...)
	s.cmd = nil
	s.mu.Unlock()
	_ = cmd.Process.Kill()
	<-exited
}

// process identifies a process by its PID and start time, since PIDs are reused.
type process struct {
	pid   int
	start string
}

// stat returns the name and the fields after it in /proc/PID/stat.
func stat(pid int) (name string, fields []string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, shut := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if err != nil || shut < 0 {
		return "", make([]string, 20)
	}
	return string(text[open+1 : shut]), strings.Fields(string(text[shut+1:]))
}

// children returns all descendants of the server. The caller holds mu.
func (s *Server) children() []process {
	if s.cmd == nil {
		return nil
	}
	return descendants(s.cmd.Process.Pid)
}

// descendants returns the children of a process, and theirs.
func descendants(root int) (out []process) {
	parents := []int{root}
	entries, _ := os.ReadDir("/proc")
	for i := 0; i < len(parents); i++ {
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || slices.Contains(parents, pid) {
				continue
			}
			if _, f := stat(pid); f[1] == strconv.Itoa(parents[i]) {
				parents = append(parents, pid)
				out = append(out, process{pid, f[19]})
			}
		}
	}
	return out
}

// Sessions returns the processes that serve connections, including those of a server
// that has ended.
func (s *Server) Sessions() (pids []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range append(slices.Clone(s.old), s.children()...) {
		if name, f := stat(p.pid); strings.HasPrefix(name, "sshd") && f[19] == p.start && f[0] != "Z" {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// Signal sends a signal to every session.
func (s *Server) Signal(sig syscall.Signal) {
	for _, pid := range s.Sessions() {
		_ = syscall.Kill(pid, sig) // it may have ended
	}
}

func (s *Server) endSessions() { s.Signal(syscall.SIGKILL) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
