//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/sdk"
)

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, rest, _ := strings.Cut(string(stat), ") ")
		return !strings.HasPrefix(rest, "Z")
	}
	return runtime.GOOS != "linux" && syscall.Kill(pid, 0) == nil
}

// recovers waits until another process than pid serves the instance.
func recovers(t *testing.T, r *rig, i *Instance, pid int) {
	t.Helper()
	testhelp.Eventually(t, "a new process serves the instance", func() bool {
		_, err := plan(t, i, "")
		if err != nil && !errors.Is(err, sdk.ErrUnavailable) {
			t.Fatalf("while the process is down: %v", err)
		}
		return err == nil && r.List()[0].State == StateRunning && r.pid() != pid
	})
	if alive(pid) {
		t.Errorf("process %d still exists", pid)
	}
}

func TestKilledProcessIsReplaced(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{"reason":"mine"}`))
	other := r.open(&config.Component{Kind: sdk.KindKeySelector, Name: "first"})
	for range 3 {
		pid := r.pid()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		recovers(t, r, i, pid)
	}
	if p, err := plan(t, i, ""); err != nil || p.Reason != "mine" {
		t.Errorf("the new process lacks the configuration: %+v, %v", p, err)
	}
	if _, err := other.PlanKeys(t.Context(), sdk.KeyPlanRequest{Keys: []sdk.Snapshot{{}}}); err != nil {
		t.Error(err)
	}
	status := r.List()[0]
	if status.Restarts != 3 || !strings.Contains(status.LastError, "killed") {
		t.Errorf("%+v", status)
	}
}

func TestStoppedProcessIsReplaced(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	pid := r.pid()
	testhelp.Suspend(t, pid)
	// Calls meanwhile end with their own deadline. Once the process counts as unresponsive,
	// they fail at once.
	testhelp.Eventually(t, "calls fail", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		_, err := i.Plan(ctx, sdk.PlanRequest{})
		return errors.Is(err, context.DeadlineExceeded)
	})
	testhelp.Eventually(t, "it is found unresponsive", func() bool { _, ok := r.saw(EventUnresponsive); return ok })
	recovers(t, r, i, pid)
}

func TestCloseOfAStoppedProcess(t *testing.T) {
	timing := quick
	timing.Ping = time.Hour
	r := newRig(t, timing, serveAs("good")...)
	r.open(order(`{}`))
	pid := r.pid()
	testhelp.Suspend(t, pid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
	if alive(pid) {
		t.Error("the process still exists")
	}
}

func TestHangingPlansAreNoticed(t *testing.T) {
	timing := quick
	timing.Timeouts = 3
	r := newRig(t, timing, serveAs("good")...)
	i := r.open(order(`{}`))
	pid := r.pid()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := i.Plan(ctx, sdk.PlanRequest{Route: "hang"}); err == nil {
			t.Error("it did not hang")
		}
		cancel()
	}
	testhelp.Eventually(t, "it is found unresponsive", func() bool { _, ok := r.saw(EventUnresponsive); return ok })
	recovers(t, r, i, pid)
}

// TestEndlessLoops shows that a process is killed after one call that does not return,
// although it answers pings.
func TestEndlessLoops(t *testing.T) {
	timing := quick
	timing.Overdue, timing.PingTimeout = 100*time.Millisecond, 20*time.Second
	for name, spin := range map[string]func(ctx context.Context, i *Instance) error{
		"in Plan": func(ctx context.Context, i *Instance) error {
			_, err := i.Plan(ctx, sdk.PlanRequest{Route: "spin"})
			return err
		},
		"in Route": func(ctx context.Context, i *Instance) error {
			_, err := i.Component().(sdk.RequestRouter).Route(ctx, sdk.RouteRequest{Route: "spin"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, timing, serveAs("good")...)
			i := r.open(&config.Component{Kind: sdk.KindStrategy, Name: "router", Body: []byte("{}")})
			pid := r.pid()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := spin(ctx, i); err == nil {
				t.Error("it answered")
			}
			testhelp.Eventually(t, "it is found unresponsive", func() bool { _, ok := r.saw(EventUnresponsive); return ok })
			recovers(t, r, i, pid)
			if got := r.List()[0].LastError; !strings.Contains(got, "it does not respond") {
				t.Errorf("the reason is %q", got)
			}
		})
	}
}

func TestMemoryLimit(t *testing.T) {
	timing := quick
	timing.PingTimeout = 20 * time.Second
	r := newRig(t, timing, serveAs("good")...)
	block := &config.Plugin{Name: "acme", Path: r.lock("acme", script(t, "good")), Resources: config.Resources{Memory: 80 << 20}}
	i, err := r.Open(t.Context(), &config.Component{Kind: sdk.KindStrategy, Plugin: "acme", Name: "order"}, block, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = plan(t, i, "eat") // it may be killed before it answers
	testhelp.Eventually(t, "it is restarted", func() bool { _, ok := r.saw(EventRestarted); return ok })
	if e, _ := r.saw(EventExited); !strings.Contains(e.Message, "its limit is 80 MiB") {
		t.Errorf("%+v", e)
	}
}

func TestPanicInAHandler(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	if _, err := plan(t, i, "panic"); !errors.Is(err, sdk.ErrPanic) || !strings.Contains(err.Error(), "handler") {
		t.Errorf("%v", err)
	}
	if _, err := plan(t, i, ""); err != nil || r.List()[0].Restarts != 0 {
		t.Errorf("%v, %+v", err, r.List())
	}
}

func TestNaNFromAPlugin(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	_, err := i.Plan(t.Context(), sdk.PlanRequest{Channels: []sdk.Snapshot{{Weight: math.NaN()}}})
	if !errors.Is(err, sdk.ErrInternal) || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("%v", err)
	}
}

func TestExitInAHandler(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	pid := r.pid()
	if _, err := plan(t, i, "exit"); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	recovers(t, r, i, pid)
	if e, _ := r.saw(EventExited); e.PID != pid || !strings.Contains(e.Message, "exit status 7") {
		t.Errorf("%+v", e)
	}
}

func TestQuarantine(t *testing.T) {
	timing := quick
	timing.Crashes = 3
	r := newRig(t, timing, serveAs("crashing")...)
	i := r.open(order(`{}`))
	testhelp.Eventually(t, "it is quarantined", func() bool { return r.List()[0].State == StateQuarantined })
	e, ok := r.saw(EventQuarantined)
	if !ok || !strings.Contains(e.Message, "after 3 failures") || !strings.Contains(e.Message, "out of tea") || !strings.Contains(e.Message, "run: aitunnel plugin restart built-in") {
		t.Errorf("%+v", e)
	}
	if _, err := plan(t, i, ""); !errors.Is(err, sdk.ErrUnavailable) || !strings.Contains(err.Error(), "quarantined") {
		t.Errorf("%v", err)
	}
	if _, err := r.Component(t.Context(), sdk.KindStrategy, "order", nil); err != nil {
		t.Errorf("its description is missing: %v", err)
	}
	testhelp.Eventually(t, "a new process works", func() bool { // it crashes soon, and may be slow to start
		r.Renew("")
		i, err := r.Open(t.Context(), order(`{}`), nil, "again", nil)
		if err != nil {
			return false
		}
		defer func() { _ = i.Close() }() // its process may have ended
		_, err = plan(t, i, "")
		return err == nil
	})
}

func TestRefusalAfterARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "refuse")
	r := newRig(t, quick, serveAs("rejecting", file)...)
	i := r.open(order(`{}`))
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(r.pid(), syscall.SIGKILL)
	testhelp.Eventually(t, "it is restarted", func() bool { _, ok := r.saw(EventRestarted); return ok })
	if e, ok := r.saw(EventConfigFailed); !ok || !strings.Contains(e.Message, "changed my mind") {
		t.Errorf("%+v", e)
	}
	if _, err := plan(t, i, ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestCallsDuringRestartsNeverHang(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var good, down atomic.Int32
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				switch _, err := plan(t, i, ""); {
				case err == nil:
					good.Add(1)
				case errors.Is(err, sdk.ErrUnavailable):
					down.Add(1)
					time.Sleep(time.Millisecond)
				default:
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	for range 3 {
		pid := r.pid()
		_ = syscall.Kill(pid, syscall.SIGKILL)
		recovers(t, r, i, pid)
	}
	cancel()
	wg.Wait()
	if good.Load() == 0 || down.Load() == 0 {
		t.Errorf("%d good calls, %d while down", good.Load(), down.Load())
	}
}

// BenchmarkPlan measures a plan with 8 channels from another process, over mTLS.
func BenchmarkPlan(b *testing.B) {
	r := newRig(b, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	req := sdk.PlanRequest{Route: "/v1/**"}
	for n := range 8 {
		req.Channels = append(req.Channels, sdk.Snapshot{
			ID: fmt.Sprintf("channel-%d", n), Weight: 1, Available: true, Health: sdk.HealthUp,
			TTFB: 300 * time.Millisecond, InFlight: n, Requests: 1e6, LastUsed: time.Now(),
		})
	}
	for b.Loop() {
		if _, err := i.Plan(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
