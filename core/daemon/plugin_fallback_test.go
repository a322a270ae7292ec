//go:build unix

package daemon_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/trust"
)

// lockUpgrade adds the installed plugin to the lock file, and keeps the locked one as the
// previous version.
func (r *running) lockUpgrade(version string) {
	r.t.Helper()
	s := trust.Store{LockPath: filepath.Join(r.dir, trust.FileName)}
	is, err := s.Inspect(filepath.Join(r.dir, ".aitunnel", "plugins", "aitunnel-plugin-acme"))
	if err != nil {
		r.t.Fatal(err)
	}
	lock, err := s.Lock()
	if err != nil {
		r.t.Fatal(err)
	}
	lock.Set("acme", trust.Platform, trust.Entry{Version: version, SHA256: is.SHA256})
	if err := lock.Write(s.LockPath); err != nil {
		r.t.Fatal(err)
	}
}

// TestAStartWithABrokenVersion: the previous version of the plugin is used, and an event says
// so.
func TestAStartWithABrokenVersion(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"rubbish", "refuses"} {
		r, _, _ := acme(t, "1.0.0", pinLast, 0)
		r.serves("1.0.0")
		r.stop()
		r.put("1.1.0 " + fault)
		r.lockUpgrade("1.1.0")
		r.run()
		r.serves("1.0.0")
		r.awaitEvent("does not work, so the previous version")
		r.awaitEvent("aitunnel plugin rollback acme")
		if p := r.process("acme"); p.Version != "1.0.0" || !strings.Contains(p.Fallback, "version 1.1.0 does not work") {
			t.Errorf("%s: %+v", fault, p)
		}
		// Another version is tried again.
		r.put("1.2.0")
		r.lockUpgrade("1.2.0")
		r.serves("1.2.0")
		if p := r.process("acme"); p.Fallback != "" {
			t.Errorf("%s: %+v", fault, p)
		}
		r.stop()
	}
}

// TestAStartWithAHangingVersion: the start does not wait for it, but uses the previous one.
func TestAStartWithAHangingVersion(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"hangs", "never configured"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := installedOver(t, "1.1.0 "+fault)
			began := time.Now()
			r.run()
			r.serves("1.0.0")
			if took := time.Since(began); took > patience/2 {
				t.Errorf("the first answer came after %s", took)
			}
			r.awaitEvent("version 1.1.0 was not ready in time, so the previous version")
			if p := r.process("acme"); p.Version != "1.0.0" || p.Fallback == "" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestAStartWithASlowVersion: the previous one is used until the new one is ready.
func TestAStartWithASlowVersion(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	r := installedOver(t, "1.1.0 waits "+ready)
	r.run()
	r.serves("1.0.0")
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.serves("1.1.0")
	r.awaitEvent(`plugin "acme": version 1.1.0 replaces 1.0.0`)
	if p := r.process("acme"); p.Fallback != "" {
		t.Errorf("%+v", p)
	}
}

// TestAStartWithoutAPlugin: if a plugin without a previous version hangs or crashes, a core
// plan is used until the plugin works.
func TestAStartWithoutAPlugin(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]string{"hangs": "waits ", "crashes": "exits without "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ready := filepath.Join(t.TempDir(), "ready")
			r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}, patience: patience, hurried: time.Second}
			first, last := site(t, "first"), site(t, "last")
			r.put("1.0.0 " + fault + ready)
			r.lockAcme()
			r.save(strings.Replace(acmeConfig(first, last, `strategy "acme/pin" {
    channel    = "last"
    on_failure = "priority"
  }`), "auth   = \"none\"", "auth   = \"none\"\n  verdicts = [\"acme\"]", 1))
			began := time.Now()
			r.run()
			if took := time.Since(began); took > patience/2 {
				t.Errorf("the start took %s", took)
			}
			if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "first" {
				t.Errorf("without the plugin: %+v", got)
			}
			r.awaitEvent(`plugin "acme" does not work and has no previous version`)
			if refused := r.plugins().Refused; len(refused) != 1 || refused[0].Plugin != "acme" {
				t.Errorf("the list of plugins has %+v", refused)
			}
			// Edits are still possible.
			r.save(strings.Replace(r.text(), "priority", "round-robin", 1))
			r.reload()
			if err := os.WriteFile(ready, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			testhelp.Eventually(t, "the plugin plans", func() bool {
				r.post(chat, ask)
				return strings.HasPrefix(r.plan().Reason, "1.0.0 plan")
			})
			r.awaitEvent(`plugin "acme", which is ready now`)
			if got := r.post(chat, ask); got.header.Get("X-Site") != "last" {
				t.Errorf("with the plugin: %+v", got)
			}
		})
	}
}

// TestAStartWithAWrongPlugin: an error that the user has to correct prevents the start.
func TestAStartWithAWrongPlugin(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{"refuses": "This version knows no channels", "another format": "it cannot be started"} {
		r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
		path := r.put("1.0.0 " + fault)
		if fault == "another format" {
			if err := testhelp.WriteProgram(path, []byte("\x00\x01"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		r.lockAcme()
		r.save(acmeConfig(site(t, "first"), site(t, "last"), pinLast))
		if _, err := r.try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

// patience is how long the start waits for a plugin that has no previous version.
const patience = 2 * time.Minute

// installedOver returns a stopped daemon whose plugin was upgraded from a version that
// worked.
func installedOver(t *testing.T, role string) *running {
	t.Helper()
	r, _, _ := acme(t, "1.0.0", pinLast, 0)
	r.serves("1.0.0")
	r.stop()
	r.put(role)
	r.lockUpgrade("1.1.0")
	r.patience, r.hurried = patience, time.Second
	return r
}

// TestEndlessLoops: a loop in a plugin affects no request. The process is killed and another
// one started, and a stop does not wait for it.
func TestEndlessLoops(t *testing.T) {
	t.Parallel()
	for function, strategy := range map[string]string{"Plan": pinLast, "Route": `strategy "acme/router" { channel = "last" }`} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			marker := filepath.Join(t.TempDir(), "spins")
			r, _, _ := acme(t, "1.0.0 spins in "+strings.ToLower(function)+" "+marker, strategy, 0)
			r.serves("1.0.0")
			old := r.process("acme")
			stop := r.hammer(50, chat, ask)
			defer stop()
			calm := cpuTime(t, old.PID)
			pace := testhelp.NewPace(t)
			spin := func() {
				if err := os.WriteFile(marker, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			spin()
			used := time.Duration(0)
			testhelp.Within(t, patience, "the loop uses the CPU", func() bool {
				used = max(used, cpuTime(t, old.PID)-calm)
				return used > 300*time.Millisecond || r.process("acme").PID != old.PID
			})
			if used < 20*time.Millisecond { // on a busy machine it may be killed before it ran
				t.Logf("the loop used the CPU for %s", used)
			}
			if err := os.Remove(marker); err != nil {
				t.Fatal(err)
			}
			testhelp.Within(t, patience, "it is restarted", func() bool { p := r.process("acme"); return p.Restarts > 0 && p.PID != old.PID && p.PID != 0 })
			if took := pace.Took(); took > 15*time.Second {
				t.Errorf("it was restarted after %s", took)
			}
			if !gone(old.PID) {
				t.Error("the process that loops still exists")
			}
			r.awaitEvent("it does not respond: a call of its " + function + " has not returned")
			next := r.process("acme")
			if !strings.Contains(next.LastError, "it does not respond") {
				t.Errorf("%+v", next)
			}
			testhelp.Eventually(t, "the new process hardly uses the CPU", func() bool {
				const window = 200 * time.Millisecond
				before := cpuTime(t, next.PID)
				time.Sleep(window)
				return cpuTime(t, next.PID)-before < window/4
			})
			if n := stop(); n == 0 {
				t.Error("no request was made")
			}
			spin()
			r.post(chat, ask) // makes another call of the component
			now, cancel := context.WithCancel(context.Background())
			cancel()
			pace.Restart()
			if err := r.Shutdown(now); err != nil {
				t.Error(err)
			}
			if took := pace.Took(); took > 2*time.Second {
				t.Errorf("the stop took %s", took)
			}
		})
	}
}

// cpuTime returns the CPU time that a process has used, 0 if it has ended. It skips the test
// where /proc does not have it.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the CPU time of other processes is read from /proc")
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	var ticks time.Duration
	for _, field := range strings.Fields(after)[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}

// TestExactPlansAreRenewedOnTime: also without requests.
func TestExactPlansAreRenewedOnTime(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0 exact", pinLast, 0)
	first := r.plan().Plan
	testhelp.Eventually(t, "three more plans", func() bool { return r.plan().Plan >= first+3 })
}

// TestVerdictRulesOfAPlugin: they apply to the channels that name the plugin, and change with
// its version.
func TestVerdictRulesOfAPlugin(t *testing.T) {
	t.Parallel()
	r, first, last := acme(t, "1.0.0", `strategy "acme/pin" { channel = "first" }`, 0)
	config := strings.Replace(acmeConfig(first, last, `strategy "acme/pin" { channel = "first" }`), "auth   = \"none\"", "auth   = \"none\"\n  verdicts = [\"acme\"]", 1)
	r.save(config)
	r.reload()
	refusal := fakesite.Status(403, `{"error":{"code":"capacity_exceeded","message":"come back later"}}`)
	attempt := func() event.Attempt {
		t.Helper()
		first.Next(refusal)
		if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "last" {
			t.Fatalf("%+v", got)
		}
		return r.lastRequest().Attempts[0]
	}
	if a := attempt(); a.Means != "overloaded" || !strings.Contains(a.Rule, "acme-out-of-capacity") {
		t.Errorf("by the rules of the plugin: %+v", a)
	}
	r.put("1.1.0 other rules")
	r.lockAcme()
	testhelp.Eventually(t, "version 1.1.0 runs", func() bool { return r.process("acme").Version == "1.1.0" })
	if a := attempt(); a.Means != "declined" || !strings.Contains(a.Rule, "acme-out-of-capacity") {
		t.Errorf("by the rules of the next version: %+v", a)
	}
}
