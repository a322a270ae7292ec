//go:build unix

package daemon_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// plugins returns the API's list of plugins.
func (r *running) plugins() (out admin.Plugins) {
	r.adminGet("/api/plugins", &out)
	return out
}

// serves waits until the plan in use is of a version, and returns its number.
func (r *running) serves(version string) (plan string) {
	r.t.Helper()
	testhelp.Eventually(r.t, "version "+version+" plans", func() bool {
		if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "last" {
			r.t.Fatalf("a request during the wait: %+v", got)
		}
		plan = r.plan().Reason
		return strings.HasPrefix(plan, version+" ")
	})
	return strings.TrimPrefix(plan, version+" plan ")
}

// awaitEvent waits for an event of the plugin acme, or of a reload.
func (r *running) awaitEvent(text string) {
	r.t.Helper()
	testhelp.Eventually(r.t, "an event says "+text, func() bool {
		for _, e := range r.events() {
			if (e.Plugin == "acme" || e.Type == "reload") && strings.Contains(e.Message, text) {
				return true
			}
		}
		return false
	})
}

func gone(pid int) bool { return syscall.Kill(pid, 0) != nil }

// A new executable is used when the lock file allows it, and continues with the state of
// the old one.
func TestUpgradeByFileChange(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", pinLast, 0)
	r.serves("1.0.0")
	old := r.process("acme")
	if old.Lock != "locked" || len(old.SHA256) != 64 || old.PID == 0 || old.Protocol != 1 || old.Since == nil {
		t.Errorf("%+v", old)
	}
	if uses := old.Components[0].Uses; len(uses) != 1 || uses[0].For != "route /v1/**" || uses[0].PlannedAt == nil || !strings.Contains(uses[0].Where, "aitunnel.hcl:") {
		t.Errorf("%+v", uses)
	}
	path := r.put("1.1.0")
	r.awaitEvent("it has changed since it was locked")
	r.awaitEvent("if you trust it, run: aitunnel plugin lock acme")
	if refused := r.plugins().Refused; len(refused) != 1 || refused[0].Path != path || refused[0].Lock != "changed" {
		t.Errorf("%+v", refused)
	}
	before := r.serves("1.0.0")
	r.lockAcme()
	after := r.serves("1.1.0")
	if len(after) < len(before) || len(after) == len(before) && after <= before {
		t.Errorf("the state is lost: plan %s comes after plan %s", after, before)
	}
	r.awaitEvent(`plugin "acme": version 1.1.0 replaces 1.0.0`)
	r.awaitEvent(`: replace plugin "acme"`) // a rollback has the same text
	if now := r.process("acme"); now.PID == old.PID || now.Version != "1.1.0" {
		t.Errorf("%+v", now)
	}
	if refused := r.plugins().Refused; len(refused) != 0 {
		t.Errorf("%+v", refused)
	}
	testhelp.Eventually(t, "the old process has ended", func() bool { return gone(old.PID) && len(r.plugins().Processes) == 2 })
}

// TestUpgradeThatFails: the old version stays in use, and the reason is reported.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	r, first, last := acme(t, "1.0.0", pinLast, 0)
	r.save(byHand + acmeConfig(first, last, pinLast))
	r.reload()
	r.serves("1.0.0")
	old := r.process("acme")
	stop := r.hammer(25, chat, ask)
	defer stop()
	for fault, why := range map[string]string{
		"rubbish": "exited without the handshake of an aitunnel plugin",
		"refuses": "his version knows no channels",
		"no plan": "out of ideas",
		"late":    "returned no plan",
	} {
		r.put("1.1.0 " + fault)
		r.lockAcme()
		var out refused
		if status := r.command("/api/plugins/acme/restart", &out); status != http.StatusUnprocessableEntity || !strings.Contains(out.Error.Message+details(out), why) {
			t.Errorf("%s: %d %+v", fault, status, out)
		}
		r.awaitEvent(why)
		if now := r.process("acme"); now.PID != old.PID {
			t.Errorf("%s: the old process does not run: %+v", fault, now)
		}
		if list := r.plugins().Refused; len(list) != 1 || list[0].Lock != "locked" || !strings.Contains(list[0].Reason, why) {
			t.Errorf("%s: the list of refused plugins is %+v", fault, list)
		}
		r.serves("1.0.0")
		testhelp.Eventually(t, "the process of the refused version has ended", func() bool { return len(r.plugins().Processes) == 2 })
	}
	if n := stop(); n == 0 {
		t.Error("no request was made")
	}
	// A dry run starts the new version, and changes nothing.
	r.put("1.1.0")
	r.lockAcme()
	var dryRun admin.Reload
	if status := r.command("/api/config/plan", &dryRun); status != http.StatusOK || len(dryRun.Changes) != 1 || dryRun.Changes[0].Action != "upgrade" || !strings.Contains(dryRun.Changes[0].Effect, "1.1.0 replaces 1.0.0") {
		t.Errorf("%d %+v", status, dryRun)
	}
	r.serves("1.0.0")
	if now := r.process("acme"); now.PID != old.PID || now.State != "running" {
		t.Errorf("after a dry run: %+v", now)
	}
	testhelp.Eventually(t, "the process of the dry run has ended", func() bool { return len(r.plugins().Processes) == 2 })
	if err := os.Remove(r.put("1.2.0")); err != nil {
		t.Fatal(err)
	}
	var out refused
	if status := r.command("/api/plugins/acme/restart", &out); status != http.StatusUnprocessableEntity || !strings.Contains(details(out), "is missing") {
		t.Errorf("%d %+v", status, out)
	}
	r.serves("1.0.0")
	if status := r.command("/api/plugins/unknown/restart", &out); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}

func details(out refused) (all string) {
	for _, d := range out.Diags {
		all += d.Detail + "\n"
	}
	return all
}

// A restart starts a new process of the same executable, for the plugin of a third party and
// for the built-in one.
func TestRestartOfAPlugin(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", pinLast, 0)
	stop := r.hammer(200, chat, ask)
	defer stop()
	for _, name := range []string{"acme", "built-in"} {
		old := r.process(name)
		var out admin.Reload
		if status := r.command("/api/plugins/"+name+"/restart", &out); status != http.StatusOK || !out.OK {
			t.Fatalf("%d %+v", status, out)
		}
		if now := r.process(name); now.PID == old.PID || now.State != "running" {
			t.Errorf("%+v", now)
		}
		testhelp.Eventually(t, "the old process of "+name+" has ended", func() bool { return gone(old.PID) && len(r.plugins().Processes) == 2 })
	}
	if n := stop(); n == 0 {
		t.Error("no request was made")
	}
}

// A long request keeps the old process running for a short time only.
func TestUpgradeDuringALongRequest(t *testing.T) {
	t.Parallel()
	r, _, last := acme(t, "1.0.0", pinLast, 0)
	release := make(chan struct{})
	last.Next(func(x *fakesite.Exchange) {
		<-release
		fakesite.OK()(x)
	})
	got := make(chan answer, 1)
	go func() { got <- r.post(chat, ask) }()
	testhelp.Eventually(t, "the request is in flight", func() bool { return len(last.Requests()) == 1 })
	old := r.process("acme")
	var out admin.Reload
	if status := r.command("/api/plugins/acme/restart", &out); status != http.StatusOK {
		t.Fatalf("%d %+v", status, out)
	}
	states := map[string]int{}
	for _, p := range r.plugins().Processes {
		if p.Plugin == "acme" {
			states[p.State]++
		}
	}
	if states["leaving"] != 1 || states["running"] != 1 {
		t.Errorf("%v", states)
	}
	testhelp.Eventually(t, "the old process has ended", func() bool { return gone(old.PID) })
	select {
	case a := <-got:
		t.Errorf("the answer came before the old process ended: %+v", a)
	default:
	}
	close(release)
	if a := <-got; a.status != 200 || a.err != nil {
		t.Errorf("the answer: %+v", a)
	}
}
