//go:build linux

package sshdtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Other is an SSH server that is not OpenSSH. Root logs in with the key in Home.
type Other struct {
	Address string
	Home    string // a home directory with matching .ssh/id_ed25519 and .ssh/known_hosts

	t       testing.TB
	dir     string
	account string // the home directory of root, as the server sees it
	cmd     *exec.Cmd
}

func newOther(t testing.TB, address string) *Other {
	t.Helper()
	RequireRoot(t)
	o := &Other{Address: address, t: t, dir: t.TempDir()}
	o.Home = filepath.Join(o.dir, "home")
	signer := NewKey(t, filepath.Join(o.Home, ".ssh", "id_ed25519"), "")
	o.account = filepath.Join(o.dir, "account")
	must(t, os.MkdirAll(filepath.Join(o.account, ".ssh"), 0o700))
	must(t, os.Chmod(o.account, 0o700))
	must(t, os.WriteFile(filepath.Join(o.account, ".ssh", "authorized_keys"), ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o600))
	return o
}

// know adds the host key in a command's output to the known hosts.
func (o *Other) know(output []byte) {
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "ssh-ed25519" {
			host, port, _ := net.SplitHostPort(o.Address)
			known := fmt.Sprintf("[%s]:%s ssh-ed25519 %s\n", host, port, fields[1])
			must(o.t, os.WriteFile(filepath.Join(o.Home, ".ssh", "known_hosts"), []byte(known), 0o600))
			return
		}
	}
	o.t.Fatalf("there is no host key in %q", output)
}

// command runs a program that sees the home directory of this test as root's.
func (o *Other) command(args ...string) *exec.Cmd {
	return exec.Command("unshare", append([]string{"--mount", "sh", "-c", `mount --bind "$0" ~root && exec "$@"`, o.account}, args...)...)
}

// Signal sends a signal to every session.
func (o *Other) Signal(sig syscall.Signal) {
	for _, p := range descendants(o.cmd.Process.Pid) {
		if name, _ := stat(p.pid); name == "dropbear" {
			_ = syscall.Kill(p.pid, sig) // it may have ended
		}
	}
}

// StartDropbear runs dropbear, with additional arguments, until the test ends.
func StartDropbear(t testing.TB, args ...string) *Other {
	t.Helper()
	program := Require(t, "dropbear", "dropbear-bin")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o := newOther(t, l.Addr().String())
	_ = l.Close()
	key := filepath.Join(o.dir, "hostkey")
	out, err := exec.Command(Require(t, "dropbearkey", "dropbear-bin"), "-t", "ed25519", "-f", key).CombinedOutput()
	must(t, err)
	o.know(out)
	o.cmd = o.command(append([]string{program, "-F", "-E", "-r", key, "-p", o.Address, "-P", filepath.Join(o.dir, "pid")}, args...)...)
	log, err := os.Create(filepath.Join(o.dir, "log"))
	must(t, err)
	o.cmd.Stderr = log
	must(t, o.cmd.Start())
	t.Cleanup(func() {
		o.Signal(syscall.SIGKILL)
		_ = o.cmd.Process.Kill()
		_ = o.cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("log of dropbear: %s", text)
		}
	})
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", o.Address)
		if err == nil {
			_ = c.Close()
			return o
		}
		if time.Now().After(deadline) {
			t.Fatalf("dropbear does not start: %v", err)
		}
	}
}

// StartTinySSH runs tinysshd, which does not support forwards, until the test ends.
func StartTinySSH(t testing.TB) *Other {
	t.Helper()
	program := Require(t, "tinysshd", "tinysshd")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	o := newOther(t, l.Addr().String())
	keys := filepath.Join(o.dir, "keys")
	must(t, exec.Command(Require(t, "tinysshd-makekey", "tinysshd"), keys).Run())
	out, err := exec.Command(Require(t, "tinysshd-printkey", "tinysshd"), keys).Output()
	must(t, err)
	o.know(out)
	log, err := os.Create(filepath.Join(o.dir, "log"))
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("log of tinysshd: %s", text)
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := c.(*net.TCPConn).File()
			_ = c.Close()
			if err != nil {
				return
			}
			cmd := o.command(program, "-v", keys)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = conn, conn, log
			if cmd.Start() == nil {
				go func() { _ = cmd.Wait() }() // it ends with its connection
			}
			_ = conn.Close()
		}
	}()
	return o
}
