//go:build linux

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// foreground is a process of 'aitunnel start -f'.
type foreground struct {
	t     *testing.T
	cmd   *exec.Cmd
	state string
	err   *lockedBuffer
	ended chan struct{} // closed when the process has ended
	exit  error
}

// lockedBuffer can be read while a process writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func startForeground(t *testing.T, target string, env ...string) *foreground {
	t.Helper()
	return startForegroundOf(t, "aitunnel", target, env...)
}

// waitDelay is how long standard error is read after the end of a process.
const waitDelay = 100 * time.Millisecond

// startForegroundOf starts the program at a path.
func startForegroundOf(t *testing.T, program, target string, env ...string) *foreground {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel.hcl")
	text := "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"127.0.0.1:0\"\n}\nchannel \"home\" {\n target = \"" + target + "\"\n auth = \"none\"\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &foreground{t: t, state: filepath.Join(dir, "state"), err: &lockedBuffer{}, ended: make(chan struct{})}
	f.cmd = exec.Command(program, "start", "-f", "-c", path, "--state-dir", f.state)
	f.begin(env...)
	return f
}

// begin starts the process.
func (f *foreground) begin(env ...string) {
	f.t.Helper()
	t := f.t
	f.cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	f.cmd.Stderr = f.err
	f.cmd.WaitDelay = waitDelay // the process of a restart has standard error, too
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		f.exit = f.cmd.Wait()
		close(f.ended)
	}()
	t.Cleanup(func() {
		_ = f.cmd.Process.Kill()
		<-f.ended
		if t.Failed() {
			t.Logf("standard error:\n%s", f.err)
		}
	})
}

func (f *foreground) signal(s syscall.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatalf("%s: %v", s, err)
	}
}

// status returns the status over the control socket.
func (f *foreground) status() (s admin.Status, err error) {
	ctx, cancel := context.WithTimeout(f.t.Context(), 5*time.Second)
	defer cancel()
	s, err = (&command.Env{StateDir: f.state}).Client().Status(ctx)
	return s, err
}

// ready waits until the process serves, and meets the condition if there is one.
func (f *foreground) ready(conditions ...func(admin.Status) bool) (s admin.Status) {
	f.t.Helper()
	f.poll("the program serves", func() bool {
		var err error
		s, err = f.status()
		for _, ok := range conditions {
			if err == nil && !ok(s) {
				return false
			}
		}
		return err == nil
	})
	return s
}

func (f *foreground) poll(what string, ok func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(waitLimit); !ok(); time.Sleep(time.Millisecond) {
		select {
		case <-f.ended:
			f.t.Fatalf("the program ended (%v) before: %s", f.exit, what)
		default:
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("never: %s", what)
		}
	}
}

// wait returns how the process ended.
func (f *foreground) wait() error {
	f.t.Helper()
	select {
	case <-f.ended:
	case <-time.After(waitLimit):
		f.t.Fatal("the program did not end")
	}
	return f.exit
}

// slowSite answers a request when it is released.
func slowSite(t *testing.T) (url string, arrived <-chan struct{}, release func()) {
	t.Helper()
	in, out := make(chan struct{}, 16), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in <- struct{}{}
		select {
		case <-out:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, in, sync.OnceFunc(func() { close(out) })
}

// TestHangupDuringStart is sent as soon as the process has its lock, long before
// it serves. Afterwards the configuration is reloaded once.
func TestHangupDuringStart(t *testing.T) {
	t.Parallel()
	f := startForeground(t, "http://127.0.0.1:9")
	f.poll("the lock is taken", func() bool {
		_, err := os.Stat(filepath.Join(f.state, "daemon.lock"))
		return err == nil
	})
	f.signal(syscall.SIGHUP)
	f.ready(func(s admin.Status) bool { return s.LastReload != nil && s.LastReload.Cause == admin.CauseSignal })
	f.signal(syscall.SIGTERM)
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}

// TestHangupWhileDraining neither ends the program nor cuts the request.
func TestHangupWhileDraining(t *testing.T) {
	t.Parallel()
	site, arrived, release := slowSite(t)
	defer release()
	f := startForeground(t, site)
	s := f.ready()
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Post("http://"+s.Listen+"/v1/chat/completions", "application/json", strings.NewReader("{}"))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		answered <- err
	}()
	<-arrived
	f.signal(syscall.SIGTERM)
	f.poll("it drains", func() bool {
		s, err := f.status()
		return err == nil && s.Status == "stopping"
	})
	for range 3 {
		f.signal(syscall.SIGHUP)
	}
	if s, err := f.status(); err != nil || s.Active != 1 {
		t.Errorf("while draining: %+v, %v", s, err)
	}
	release()
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}

// TestHangupsAroundARestart come every half millisecond, so that some arrive in
// the moment between two programs.
func TestHangupsAroundARestart(t *testing.T) {
	t.Parallel()
	f := startForeground(t, "http://127.0.0.1:9")
	before := f.ready()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(500 * time.Microsecond):
				if err := f.cmd.Process.Signal(syscall.SIGHUP); errors.Is(err, os.ErrProcessDone) {
					return
				}
			}
		}
	}()
	restarts := 1
	if testhelp.LongForm() {
		restarts = 5
	}
	for range restarts {
		if out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput(); err != nil {
			_ = f.cmd.Process.Kill()
			t.Fatalf("restart: %v\n%s\nthe program ended with: %v", err, out, f.wait())
		}
		after := f.ready(func(s admin.Status) bool { return !s.StartedAt.Equal(before.StartedAt) })
		before = after
	}
	close(stop)
	<-stopped
	f.signal(syscall.SIGTERM)
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}

// TestHangupOfTheWholeService: a signal to all of its processes, as 'systemctl kill -s HUP'
// sends it, reloads the program and ends no plugin.
func TestHangupOfTheWholeService(t *testing.T) {
	t.Parallel()
	f := startForeground(t, "http://127.0.0.1:9")
	f.ready()
	plugins := childrenOf(f.cmd.Process.Pid)
	if len(plugins) == 0 {
		t.Fatal("there is no plugin")
	}
	for _, pid := range plugins {
		_ = syscall.Kill(pid, syscall.SIGHUP)
	}
	f.signal(syscall.SIGHUP)
	f.ready(func(s admin.Status) bool { return s.LastReload != nil && s.LastReload.Cause == admin.CauseSignal })
	if now := childrenOf(f.cmd.Process.Pid); !slices.Equal(now, plugins) || strings.Contains(f.err.String(), "the built-in plugin: ended") {
		t.Errorf("plugins before it: %v, after it: %v", plugins, now)
	}
	f.signal(syscall.SIGTERM)
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}

// TestHangupsOfBothProcesses of a restart come all the time, also in the first moments of
// the new one.
func TestHangupsOfBothProcesses(t *testing.T) {
	t.Parallel()
	b := startBackground(t, "http://127.0.0.1:9", "")
	before := b.ready()
	stop := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				_ = syscall.Kill(-before.PID, syscall.SIGHUP) // all of its process group
			}
		}
	})
	restarts := 1
	if testhelp.LongForm() {
		restarts = 10
	}
	last := before
	for range restarts {
		b.run("restart")
		after := b.ready()
		if after.PID == last.PID {
			t.Error("the process is the same")
		}
		last = after
	}
	close(stop)
	storm.Wait()
	b.run("stop")
}
