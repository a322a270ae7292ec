//go:build linux

package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// activate starts the program with listening sockets, as systemd does for the sockets
// of a service.
func activate(t *testing.T, config string, sockets []net.Listener, env ...string) *foreground {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(config+"channel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := fmt.Sprintf("LISTEN_FDS=%d LISTEN_PID=$$ exec aitunnel start -f -c \"$0\" --state-dir \"$1\"", len(sockets))
	f := &foreground{t: t, state: filepath.Join(dir, "state"), err: &lockedBuffer{}, ended: make(chan struct{})}
	f.cmd = exec.Command("sh", "-c", start, path, f.state)
	for _, l := range sockets {
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		f.cmd.ExtraFiles = append(f.cmd.ExtraFiles, file)
	}
	f.begin(env...)
	f.stopAtEnd()
	return f
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

// TestSocketsOfTheServiceManager are served, also by the process of a restart. Nobody
// else could listen there: they are open here all the time.
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
			f := activate(t, fmt.Sprintf("proxy {\n listen = %q\n}\nadmin {\n listen = %q\n}\n", proxy.Addr(), panel.Addr()), []net.Listener{panel, proxy}, env...)
			at := func(s admin.Status) bool {
				return s.Listen == proxy.Addr().String() && s.AdminListen == panel.Addr().String()
			}
			before := f.ready(at)
			if out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var after admin.Status
			testhelp.Eventually(t, "it serves", func() (ok bool) {
				var err error
				after, err = f.status()
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
			gone(t, after.PID)
			if <-f.ended; f.exit != nil && !errors.Is(f.exit, exec.ErrWaitDelay) {
				t.Error(f.exit)
			}
		})
	}
}

// TestASocketOfNoSetting is named in the log.
func TestASocketOfNoSetting(t *testing.T) {
	t.Parallel()
	other := localSocket(t)
	f := activate(t, "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\n", []net.Listener{other})
	f.ready()
	f.poll("it is named", func() bool {
		return strings.Contains(f.err.String(), "passed a socket that is not used: no setting listens at its address: address="+other.Addr().String())
	})
	f.signal(syscall.SIGTERM)
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}
