//go:build linux

package cli

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// reloadedBySignal reports whether the latest reload was requested by SIGHUP.
func reloadedBySignal(s admin.Status) bool {
	return s.LastReload != nil && s.LastReload.Cause == admin.CauseSignal
}

// TestHangupDuringStart sends SIGHUP as soon as the process has its lock, long before it
// serves. The configuration is reloaded once it does.
func TestHangupDuringStart(t *testing.T) {
	t.Parallel()
	i := startForeground(t, "http://127.0.0.1:9")
	i.poll("the lock is taken", func() bool {
		_, err := os.Stat(filepath.Join(i.state, "daemon.lock"))
		return err == nil
	})
	i.signal(syscall.SIGHUP)
	i.ready(reloadedBySignal)
	i.stopBySignal()
}

// TestHangupWhileDraining neither ends the program nor cuts off the request in flight.
func TestHangupWhileDraining(t *testing.T) {
	t.Parallel()
	site, arrived, release := slowSite(t)
	defer release()
	i := startForeground(t, site)
	s := i.ready()
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
	i.signal(syscall.SIGTERM)
	i.ready(func(s admin.Status) bool { return s.Status == "stopping" })
	for range 3 {
		i.signal(syscall.SIGHUP)
	}
	if s, err := i.status(); err != nil || s.Active != 1 {
		t.Errorf("while draining: %+v, %v", s, err)
	}
	release()
	if err := <-answered; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := i.wait(); err != nil {
		t.Error(err)
	}
}

// hangupStorm sends SIGHUP at an interval until stop is called. send may return
// os.ErrProcessDone, which ends it.
func hangupStorm(interval time.Duration, send func() error) (stop func()) {
	end := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(interval):
				if errors.Is(send(), os.ErrProcessDone) {
					return
				}
			}
		}
	})
	return sync.OnceFunc(func() {
		close(end)
		storm.Wait()
	})
}

// TestHangupsDuringRestartsInPlace sends a signal every half millisecond, so that some
// arrive between the two programs.
func TestHangupsDuringRestartsInPlace(t *testing.T) {
	t.Parallel()
	i := startForeground(t, "http://127.0.0.1:9")
	before := i.ready()
	stop := hangupStorm(500*time.Microsecond, func() error { return i.cmd.Process.Signal(syscall.SIGHUP) })
	defer stop()
	restarts := 1
	if testhelp.LongForm() {
		restarts = 5
	}
	for range restarts {
		if out, err := i.try("restart"); err != nil {
			_ = i.cmd.Process.Kill()
			t.Fatalf("restart: %v\n%s\nthe program ended with: %v", err, out, i.wait())
		}
		before = i.ready(func(s admin.Status) bool { return !s.StartedAt.Equal(before.StartedAt) })
	}
	stop()
	i.stopBySignal()
}

// TestHangupOfTheWholeService sends SIGHUP to all processes, as 'systemctl kill -s HUP'
// does. The program reloads, and no plugin ends.
func TestHangupOfTheWholeService(t *testing.T) {
	t.Parallel()
	i := startForeground(t, "http://127.0.0.1:9")
	i.ready()
	plugins := childrenOf(i.cmd.Process.Pid)
	if len(plugins) == 0 {
		t.Fatal("no plugin is running")
	}
	for _, pid := range plugins {
		_ = syscall.Kill(pid, syscall.SIGHUP)
	}
	i.signal(syscall.SIGHUP)
	i.ready(reloadedBySignal)
	if now := childrenOf(i.cmd.Process.Pid); !slices.Equal(now, plugins) || strings.Contains(i.stderr.String(), "the built-in plugin: ended") {
		t.Errorf("plugins before: %v, after: %v", plugins, now)
	}
	i.stopBySignal()
}

// TestHangupsDuringRestartsAsANewProcess sends signals to the old and the new process, also
// in the first moments of the new one.
func TestHangupsDuringRestartsAsANewProcess(t *testing.T) {
	t.Parallel()
	i := startBackground(t, "http://127.0.0.1:9", "")
	first := i.ready()
	group := -first.PID
	stop := hangupStorm(100*time.Microsecond, func() error { return syscall.Kill(group, syscall.SIGHUP) })
	defer stop()
	restarts := 1
	if testhelp.LongForm() {
		restarts = 10
	}
	last := first
	for range restarts {
		i.run("restart")
		after := i.ready()
		if after.PID == last.PID {
			t.Error("the process is the same")
		}
		last = after
	}
	stop()
	i.run("stop")
}
