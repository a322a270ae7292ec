//go:build linux

package cli

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSystemdIsTold of the proxy being ready only when it is, and of its end.
func TestSystemdIsTold(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel.hcl")
	text := "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = manager.Close() }()
	c := exec.Command("aitunnel", "start", "-f", "-c", path, "--state-dir", filepath.Join(dir, "state"))
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "GORACE=atexit_sleep_ms=0")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill() }()
	hear := func(want string) {
		t.Helper()
		b := make([]byte, 4096)
		_ = manager.SetReadDeadline(time.Now().Add(patience))
		n, err := manager.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), want) {
			t.Fatalf("systemd is told %q (%v), want %s", b[:n], err, want)
		}
	}
	hear("READY=1\nSTATUS=Answering at http://127.0.0.1:")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
