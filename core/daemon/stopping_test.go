//go:build unix

package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// stopLimit is far less than the time that a hanging plugin gets. A stop should take two
// seconds at most; a slow machine may need more.
const stopLimit = 5 * time.Second

// hanging replaces the installed plugin with one that hangs, and returns a function that
// reports whether it does.
func (r *running) hanging() (hangs func() bool) {
	r.t.Helper()
	marker := filepath.Join(r.t.TempDir(), "hangs")
	r.put("1.0.1 hangs " + marker)
	r.lockAcme()
	return func() bool {
		_, err := os.Stat(marker)
		return err == nil
	}
}

// TestStopDuringAReloadThatHangs: the stop waits neither for the plugin nor for the reload.
func TestStopDuringAReloadThatHangs(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", pinLast, 0)
	hangs := r.hanging()
	reloaded := make(chan error, 1)
	go func() {
		_, err := r.Reload(context.Background(), "the test")
		reloaded <- err
	}()
	testhelp.Eventually(t, "the plugin hangs", hangs)
	queued := make(chan error, 1)
	go func() {
		_, err := r.Reload(context.Background(), "a second one")
		queued <- err
	}()
	began := time.Now()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Shutdown(now); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > stopLimit {
		t.Errorf("the stop took %s", took)
	}
	for _, c := range []chan error{reloaded, queued} {
		if err := <-c; !errors.Is(err, reload.ErrStopping) {
			t.Errorf("a reload ended with %v", err)
		}
	}
}

// TestStopDuringAStartThatHangs: the stop is requested over the control socket.
func TestStopDuringAStartThatHangs(t *testing.T) {
	t.Parallel()
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	hangs := r.hanging()
	r.save(acmeConfig(site(t, "first"), site(t, "last"), pinLast))
	started := make(chan error, 1)
	dir := filepath.Join(r.dir, "state")
	go func() {
		_, err := daemon.Start(context.Background(), daemon.Options{
			ConfigPath: r.path(), StateDir: dir, Builtin: []string{plugins}, LogOutput: r.log,
		})
		started <- err
	}()
	testhelp.Eventually(t, "the plugin hangs", hangs)
	began := time.Now()
	resp, err := controlOf(t, dir).Post("http://aitunnel"+control.PathStop, "application/json", bytes.NewReader([]byte(`{"drain":0}`)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := <-started; !errors.Is(err, reload.ErrStopping) {
		t.Errorf("the start ended with %v", err)
	}
	if took := time.Since(began); took > stopLimit {
		t.Errorf("the stop took %s", took)
	}
	if statefile.HolderOf(dir) != nil {
		t.Error("the state directory is still held")
	}
}

// TestDraining: a stream finishes. Until then /healthz succeeds and /readyz fails, and the
// entry accepts no connections.
func TestDraining(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := start(t, one(s.URL(), ""))
	release := make(chan struct{})
	s.Next(func(x *fakesite.Exchange) {
		<-release
		fakesite.OK()(x)
	})
	answered := make(chan answer, 1)
	go func() { answered <- r.post(chat, ask) }()
	testhelp.Eventually(t, "the request is in flight", func() bool { return r.active() == 1 })
	entry, panel := r.ProxyAddr(), r.AdminAddr()
	stopped := make(chan error, 1)
	go func() { stopped <- r.Shutdown(context.Background()) }()
	status := func(path string) int {
		resp, err := http.Get("http://" + panel + path)
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	testhelp.Eventually(t, "it is not ready", func() bool { return status("/readyz") == http.StatusServiceUnavailable })
	if got := status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz answers %d", got)
	}
	testhelp.Eventually(t, "the entry is closed", func() bool {
		resp, err := http.Get("http://" + entry + "/")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err != nil
	})
	close(release)
	if got := <-answered; got.status != http.StatusOK || got.err != nil {
		t.Errorf("the stream ended with %+v", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestTheDrainIsBounded: an endless stream is cut off when the time to drain is over, and
// when a stop without draining is requested.
func TestTheDrainIsBounded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(r *running) (context.Context, context.CancelFunc){
		"time": func(*running) (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 100*time.Millisecond)
		},
		"now": func(r *running) (context.Context, context.CancelFunc) {
			go func() {
				resp, err := r.controlClient().Post("http://aitunnel"+control.PathStop, "application/json", bytes.NewReader([]byte(`{"drain":0}`)))
				if err == nil {
					_ = resp.Body.Close()
				}
			}()
			return context.WithCancel(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site(t, "a")
			s.Next(fakesite.HangBeforeHeaders())
			r := start(t, one(s.URL(), ""))
			answered := make(chan answer, 1)
			go func() { answered <- r.post(chat, ask) }()
			testhelp.Eventually(t, "the request is in flight", func() bool { return r.active() == 1 })
			ctx, cancel := end(r)
			defer cancel()
			began := time.Now()
			if err := r.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > stopLimit {
				t.Errorf("the stop took %s", took)
			}
			<-answered
		})
	}
}

// TestStopNowWithAPluginThatHangs: the stop waits neither for its instances nor for its
// process.
func TestStopNowWithAPluginThatHangs(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", pinLast, 0)
	testhelp.Suspend(t, r.process("acme").PID)
	now, cancel := context.WithCancel(context.Background())
	cancel()
	began := time.Now()
	if err := r.Shutdown(now); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > stopLimit {
		t.Errorf("the stop took %s", took)
	}
}
