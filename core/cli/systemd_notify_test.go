//go:build linux

package cli

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// notifications is a socket such as systemd listens on.
type notifications struct {
	t    *testing.T
	path string
	conn *net.UnixConn
}

func listenNotify(t *testing.T) *notifications {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &notifications{t, path, conn}
}

// next returns the next datagram, with addresses and times replaced by 1.
func (n *notifications) next() string {
	n.t.Helper()
	b := make([]byte, 4096)
	_ = n.conn.SetReadDeadline(time.Now().Add(waitLimit))
	size, err := n.conn.Read(b)
	if err != nil {
		n.t.Fatalf("no notification: %v", err)
	}
	return regexp.MustCompile(`EXTEND_TIMEOUT_USEC=\d+|\d+`).ReplaceAllStringFunc(string(b[:size]), func(found string) string {
		if strings.HasPrefix(found, "EXTEND") {
			return found
		}
		return "1"
	})
}

func (n *notifications) expect(want ...string) {
	n.t.Helper()
	for _, w := range want {
		if got := n.next(); got != w {
			n.t.Fatalf("the service manager gets %q, want %q", got, w)
		}
	}
}

const serving = "READY=1\nSTATUS=Serving at http://1.1.1.1:1"

// stopAtEnd stops the program, which is another process after a restart.
func (f *foreground) stopAtEnd() {
	f.t.Cleanup(func() { _ = exec.Command("aitunnel", "stop", "--now", "--state-dir", f.state).Run() })
}

// TestWhatSystemdIsNotifiedOf follows a service through a reload that was asked for, a
// saved file, a restart and its stop: only the last is announced as a stop.
func TestWhatSystemdIsNotifiedOf(t *testing.T) {
	t.Parallel()
	n := listenNotify(t)
	f := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+n.path)
	f.stopAtEnd()
	n.expect(serving)

	f.signal(syscall.SIGHUP)
	n.expect("RELOADING=1\nMONOTONIC_USEC=1\n", "READY=1")
	if out, err := exec.Command("aitunnel", "reload", "--state-dir", f.state).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n.expect("RELOADING=1\nMONOTONIC_USEC=1\n", "READY=1")

	before := f.ready()
	text, err := os.ReadFile(before.Config)
	if err == nil {
		err = os.WriteFile(before.Config, append(text, "retry {\n max_retries = 1\n}\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	before = f.ready(func(s admin.Status) bool { return s.Generation > before.Generation })

	if out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n.expect("STATUS=Restarting", "MAINPID=1", serving)
	if <-f.ended; f.exit != nil && !errors.Is(f.exit, exec.ErrWaitDelay) {
		t.Errorf("the former process: %v", f.exit)
	}
	var after admin.Status
	testhelp.Eventually(t, "the new process serves", func() (ok bool) {
		var err error
		after, err = f.status()
		return err == nil
	})
	if err := syscall.Kill(after.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n.expect("STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000\nSTATUS=Stopping: finishing requests in flight")
	gone(t, after.PID)
}

// TestTheWatchdogIsFed as long as the program answers, and after a restart too.
func TestTheWatchdogIsFed(t *testing.T) {
	t.Parallel()
	n := listenNotify(t)
	f := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+n.path, "WATCHDOG_USEC=30000")
	f.stopAtEnd()
	n.expect(serving, "WATCHDOG=1", "WATCHDOG=1")
	if out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for n.next() != serving {
	}
	n.expect("WATCHDOG=1", "WATCHDOG=1")
}

// TestAManagerThatDoesNotRead its socket, which is full, does not keep the program from
// stopping.
func TestAManagerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	n := listenNotify(t)
	fill, err := net.Dial("unixgram", n.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fill.Close() }()
	for err == nil {
		_ = fill.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		_, err = io.WriteString(fill, "full")
	}
	f := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+n.path)
	f.ready()
	done := make(chan error, 1)
	go func() { done <- exec.Command("aitunnel", "stop", "--state-dir", f.state).Run() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(waitLimit):
		t.Error("the program does not stop")
		f.stopAtEnd()
	}
}
