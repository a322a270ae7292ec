//go:build linux

package cli

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// activate starts the program with listening sockets, as systemd does for the sockets
// of a service.
func activate(t *testing.T, config string, sockets []net.Listener, env ...string) *instance {
	t.Helper()
	i := newInstance(t, t.TempDir(), config+"channel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n")
	start := fmt.Sprintf("LISTEN_FDS=%d LISTEN_PID=$$ exec aitunnel start -f -c \"$0\" --state-dir \"$1\"", len(sockets))
	c := exec.Command("sh", "-c", start, i.config, i.state)
	for _, l := range sockets {
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		c.ExtraFiles = append(c.ExtraFiles, file)
	}
	i.start(c, env...)
	i.stopAtEnd()
	return i
}

func localSocket(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestSocketsOfTheServiceManager: the program serves the sockets that it was given, also
// after a restart. It cannot have opened its own, because the test keeps these open.
func TestSocketsOfTheServiceManager(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"a new process", "in its place"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var env []string
			if way == "a new process" { // as under systemd
				env = []string{"NOTIFY_SOCKET=" + listenNotify(t).path}
			}
			proxy, panel := localSocket(t), localSocket(t)
			i := activate(t, fmt.Sprintf("proxy {\n listen = %q\n}\nadmin {\n listen = %q\n}\n", proxy.Addr(), panel.Addr()), []net.Listener{panel, proxy}, env...)
			at := func(s admin.Status) bool {
				return s.Listen == proxy.Addr().String() && s.AdminListen == panel.Addr().String()
			}
			before := i.ready(at)
			i.run("restart")
			var after admin.Status
			testhelp.Eventually(t, "it serves", func() (ok bool) {
				var err error
				after, err = i.status()
				return err == nil && at(after)
			})
			if after.StartedAt.Equal(before.StartedAt) || (after.PID == before.PID) != (env == nil) {
				t.Errorf("before %+v, after %+v", before, after)
			}
			conn, err := net.Dial("tcp", proxy.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			_ = syscall.Kill(after.PID, syscall.SIGTERM)
			awaitExit(t, after.PID)
			if <-i.ended; i.exit != nil && !errors.Is(i.exit, exec.ErrWaitDelay) {
				t.Error(i.exit)
			}
		})
	}
}

// TestAnUnusedSocket is reported in the log.
func TestAnUnusedSocket(t *testing.T) {
	t.Parallel()
	other := localSocket(t)
	i := activate(t, "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\n", []net.Listener{other})
	i.ready()
	i.poll("the socket is reported", func() bool {
		return strings.Contains(i.stderr.String(), "passed a socket that is not used: no setting listens at its address: address="+other.Addr().String())
	})
	i.stopBySignal()
}
