//go:build linux

package cli

import (
	"errors"
	"io"
	"net"
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

// notifications is a socket for sd_notify(3), such as systemd listens on.
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

// next returns the next notification, with 1 in place of addresses and times.
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
			n.t.Fatalf("the notification is %q, want %q", got, w)
		}
	}
}

const serving = "READY=1\nSTATUS=Serving at http://1.1.1.1:1"

// TestNotificationsToSystemd follows a service through two reloads, a saved file, a restart
// and its stop: only the last is announced as a stop.
func TestNotificationsToSystemd(t *testing.T) {
	t.Parallel()
	n := listenNotify(t)
	i := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+n.path)
	i.stopAtEnd()
	n.expect(serving)

	i.signal(syscall.SIGHUP)
	n.expect("RELOADING=1\nMONOTONIC_USEC=1\n", "READY=1")
	i.run("reload")
	n.expect("RELOADING=1\nMONOTONIC_USEC=1\n", "READY=1")

	before := i.ready()
	i.save(homeConfig("http://127.0.0.1:9") + "retry {\n max_retries = 1\n}\n")
	before = i.ready(func(s admin.Status) bool { return s.Generation > before.Generation })

	i.run("restart")
	n.expect("STATUS=Restarting", "MAINPID=1", serving)
	if <-i.ended; i.exit != nil && !errors.Is(i.exit, exec.ErrWaitDelay) {
		t.Errorf("the old process: %v", i.exit)
	}
	var after admin.Status
	testhelp.Eventually(t, "the new process serves", func() (ok bool) {
		var err error
		after, err = i.status()
		return err == nil
	})
	if err := syscall.Kill(after.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n.expect("STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000\nSTATUS=Stopping: finishing requests in flight")
	awaitExit(t, after.PID)
}

// TestWatchdogNotifications are sent while the program serves, and also after a restart.
func TestWatchdogNotifications(t *testing.T) {
	t.Parallel()
	n := listenNotify(t)
	i := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+n.path, "WATCHDOG_USEC=30000")
	i.stopAtEnd()
	n.expect(serving, "WATCHDOG=1", "WATCHDOG=1")
	i.run("restart")
	for n.next() != serving {
	}
	n.expect("WATCHDOG=1", "WATCHDOG=1")
}

// TestTheProgramStopsThoughTheManagerDoesNotRead from its socket, which is full.
func TestTheProgramStopsThoughTheManagerDoesNotRead(t *testing.T) {
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
	i := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+n.path)
	i.ready()
	done := make(chan error, 1)
	go func() {
		_, err := i.try("stop")
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(waitLimit):
		t.Error("the program does not stop")
		i.stopAtEnd()
	}
}
