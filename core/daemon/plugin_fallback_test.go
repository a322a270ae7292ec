//go:build unix

package daemon_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/trust"
)

// lockBesides locks what is installed, and keeps what was locked as the previous
// version.
func (r *running) lockBesides(version string) {
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

// TestAStartWithABrokenVersion runs the previous version of the plugin, and says so.
func TestAStartWithABrokenVersion(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"rubbish", "refuses"} {
		r, _, _ := acme(t, "1.0.0", pinLast, 0)
		r.serves("1.0.0")
		r.stop()
		r.put("1.1.0 " + fault)
		r.lockBesides("1.1.0")
		r.run()
		r.serves("1.0.0")
		r.awaitEvent("does not work, so the previous version")
		r.awaitEvent("aitunnel plugin rollback acme")
		if p := r.process("acme"); p.Version != "1.0.0" || !strings.Contains(p.Fallback, "version 1.1.0 does not work") {
			t.Errorf("%s: %+v", fault, p)
		}
		// Another version is tried again.
		r.put("1.2.0")
		r.lockBesides("1.2.0")
		r.serves("1.2.0")
		if p := r.process("acme"); p.Fallback != "" {
			t.Errorf("%s: %+v", fault, p)
		}
		r.stop()
	}
}

// TestAStartWithAHangingVersion does not wait for it: the previous version serves.
func TestAStartWithAHangingVersion(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"hangs", "ponders"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := installedOver(t, "1.1.0 "+fault)
			began := time.Now()
			r.run()
			r.serves("1.0.0")
			if took := time.Since(began); took > patience/2 {
				t.Errorf("the first answer came after %s", took)
			}
			r.awaitEvent("version 1.1.0 does not work, so the previous version")
			if p := r.process("acme"); p.Version != "1.0.0" || p.Fallback == "" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestAStartWithASlowVersion serves with the previous one until the new one is ready.
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

// patience is how long a plugin may take that has no previous version.
const patience = 2 * time.Minute

// installedOver is a daemon that is not running, and whose plugin was upgraded from a
// version that served.
func installedOver(t *testing.T, role string) *running {
	t.Helper()
	r, _, _ := acme(t, "1.0.0", pinLast, 0)
	r.serves("1.0.0")
	r.stop()
	r.put(role)
	r.lockBesides("1.1.0")
	r.patience = patience
	return r
}

// TestAnEndlessLoopInPlan costs no request: the process is restarted, and a stop does
// not wait for it.
func TestAnEndlessLoopInPlan(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "spins")
	r, _, _ := acme(t, "1.0.0 spins "+marker, pinLast, 0)
	r.serves("1.0.0")
	old := r.process("acme")
	stop := r.hammer(50, chat, ask)
	defer stop()
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testhelp.Eventually(t, "it is restarted", func() bool { p := r.process("acme"); return p.Restarts > 0 && p.PID != old.PID && p.PID != 0 })
	r.awaitEvent("it does not respond: a call of \"plan\" has not returned")
	if p := r.process("acme"); !strings.Contains(p.LastError, "it does not respond") {
		t.Errorf("%+v", p)
	}
	if n := stop(); n == 0 {
		t.Error("no request was made")
	}
	r.post(chat, ask) // has the component asked once more
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
