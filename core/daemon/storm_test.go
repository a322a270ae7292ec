//go:build unix

package daemon_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestAPluginThatIsUpgradedAndKilledUnderLoad upgrades, kills and suspends the plugin of a
// third party, and crashes it until it is quarantined, under 50 requests a second: none
// fails, and the list of plugins and the events say what happened. With AITUNNEL_SOAK it
// makes 20 rounds of each, under 200 requests a second.
func TestAPluginThatIsUpgradedAndKilledUnderLoad(t *testing.T) {
	t.Parallel()
	rounds, rate := 1, 50
	if testhelp.Soak() {
		rounds, rate = 20, 200
	}
	// Every kill and the suspension count as crashes; the ones after them exceed the limit.
	crashes := rounds + 3
	r, first, last := acme(t, "1.0.0", pinLast, crashes)
	r.save(byHand + acmeConfig(first, last, pinLast))
	r.reload()
	r.serves("1.0.0")
	stop := r.hammer(rate, chat, ask)
	defer stop()
	pids := map[int]bool{}

	for i := range rounds {
		version := fmt.Sprintf("1.%d.0", i+1)
		before := r.process("acme")
		r.put(version)
		r.lockAcme()
		var out admin.Reload
		if status := r.command("/api/plugins/acme/restart", &out); status != 200 || !out.OK {
			t.Fatalf("upgrade to %s: %d %+v", version, status, out)
		}
		if now := r.process("acme"); now.Version != version || now.PID == before.PID || now.State != "running" {
			t.Errorf("after the upgrade to %s: %+v", version, now)
		}
		r.serves(version)
		r.awaitEvent(fmt.Sprintf("version %s replaces %s", version, before.Version))
		pids[before.PID] = true
	}
	version := r.process("acme").Version

	replaced := func(signal syscall.Signal, restarts int) {
		t.Helper()
		pid := r.process("acme").PID
		pids[pid] = true
		if err := syscall.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
		testhelp.Eventually(t, fmt.Sprintf("it is restarted after %s", signal), func() bool {
			p := r.process("acme")
			return p.State == "running" && p.PID != pid && p.Restarts == restarts
		})
		r.serves(version)
	}
	for i := range rounds {
		replaced(syscall.SIGKILL, i+1)
	}
	r.awaitEvent("signal: killed")
	replaced(syscall.SIGSTOP, rounds+1)
	r.awaitEvent("it does not respond")

	// Killed repeatedly, it is quarantined; the last plan stays in use.
	testhelp.Eventually(t, "it is quarantined", func() bool {
		p := r.process("acme")
		if p.PID != 0 {
			pids[p.PID] = true
			_ = syscall.Kill(p.PID, syscall.SIGKILL) // it may have ended
		}
		return p.State == "quarantined"
	})
	r.awaitEvent(fmt.Sprintf("quarantined after %d failures", crashes))
	p := r.process("acme")
	if p.PID != 0 || !strings.Contains(p.LastError, "killed") {
		t.Errorf("%+v", p)
	}
	for range 20 {
		if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "last" {
			t.Fatalf("while it is quarantined: %+v", got)
		}
	}
	var out admin.Reload
	if status := r.command("/api/plugins/acme/restart", &out); status != 200 || !out.OK {
		t.Fatalf("%d %+v", status, out)
	}
	r.serves(version)
	if n := stop(); n < 15 {
		t.Errorf("%d requests were made", n)
	} else {
		t.Logf("%d requests", n)
	}
	for pid := range pids {
		testhelp.Eventually(t, "the old processes have ended", func() bool { return gone(pid) })
	}
}
