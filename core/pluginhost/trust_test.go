//go:build unix

package pluginhost

import (
	"context"
	"debug/pe"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

// acme opens the strategy "order" of the plugin acme at path.
func (r *rig) acme(path string) (*Instance, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	c := &config.Component{Kind: sdk.KindStrategy, Plugin: "acme", Ref: "acme/order", Name: "order", Body: []byte(`{}`)}
	return r.Open(ctx, c, &config.Plugin{Name: "acme", Path: path}, "test", nil)
}

// listed returns the candidate at path.
func (r *rig) listed(path string) Candidate {
	r.t.Helper()
	for _, c := range r.Candidates([]*config.Plugin{{Name: "acme", Path: path}}) {
		if c.Path == path {
			return c
		}
	}
	r.t.Fatalf("%s is not listed", path)
	return Candidate{}
}

// The version of an executable that is still starting is that of the lock file.
func TestVersionsAreKnownBeforeAPluginIsReady(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	path := r.lock("acme", script(t, "good"))
	is, err := r.trust.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := r.trust.Lock()
	if err != nil {
		t.Fatal(err)
	}
	lock.Set("acme", trust.Platform, trust.Entry{Version: "1.5.0", SHA256: is.SHA256})
	if err := lock.Write(r.trust.LockPath); err != nil {
		t.Fatal(err)
	}
	if got := newSupervisor(r.Host, spec{name: "acme", path: path, executable: is}).status(); got.State != StateStarting || got.Version != "1.5.0" {
		t.Errorf("%+v", got)
	}
}

// TestUntrustedExecutables shows that a third-party executable that cannot be trusted is
// refused with the reason, which the list of candidates shows too, and with the remedy if
// there is one. Other plugins keep working.
func TestUntrustedExecutables(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, r *rig) string // the executable
		reason  string
		lock    trust.State
		remedy  bool
	}{
		"not locked": {func(t *testing.T, _ *rig) string { return script(t, "good") }, "is not in the lock file", trust.Unlocked, true},
		"tampered with": {func(t *testing.T, r *rig) string {
			path := r.lock("acme", script(t, "good"))
			add(t, path, "# and a little more\n")
			return path
		}, "it has changed since it was locked", trust.Changed, true},
		"locked for another platform": {func(t *testing.T, r *rig) string {
			path := script(t, "good")
			lock := trust.Lock{}
			lock.Set("acme", "plan9/mips", trust.Entry{SHA256: strings.Repeat("a", 64)})
			if err := lock.Write(r.trust.LockPath); err != nil {
				t.Fatal(err)
			}
			return path
		}, "allows it on plan9/mips, but not on " + trust.Platform, trust.OtherPlatform, true},
		"built for another platform": {func(t *testing.T, r *rig) string { return r.lock("acme", foreign(t)) }, "it is built for windows/arm64, but this is " + trust.Platform, trust.OtherPlatform, false},
		"prints no handshake":        {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "rubbish")) }, `it exited without the handshake of an aitunnel plugin: exit status 0; its last output was "hello, I am a calculator"`, trust.Locked, false},
		"fails":                      {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "failing")) }, `exit status 3; its last output was "no license found"`, trust.Locked, false},
		"hangs":                      {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "silent")) }, "it was not ready within", trust.Locked, false},
		"garbled":                    {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "garbled")) }, "it violated the plugin protocol", trust.Locked, false},
		"impostor":                   {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "impostor")) }, "it violated the plugin protocol after the handshake", trust.Locked, false},
		"mute":                       {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "mute")) }, "it was not ready within", trust.Locked, false},
		"newer":                      {func(t *testing.T, r *rig) string { return r.lock("acme", script(t, "newer")) }, "it uses version 2 of the plugin protocol", trust.Locked, false},
		"not executable": {func(t *testing.T, r *rig) string {
			path := r.lock("acme", script(t, "good"))
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}, "chmod +x", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, quick, serveAs("good")...)
			own := r.open(order(`{"reason":"mine"}`))
			path := c.prepare(t, r)
			if name == "hangs" || name == "mute" {
				r.options.Timing.Start = 2 * time.Second
			}
			_, err := r.acme(path)
			r.options.Timing.Start = quick.Start
			if err == nil || !strings.Contains(err.Error(), c.reason) || !strings.Contains(err.Error(), path) {
				t.Errorf("refused with: %v", err)
			}
			remedy := "run: aitunnel plugin lock acme -c " + r.options.ConfigPath
			if err != nil && strings.Contains(err.Error(), remedy) != c.remedy {
				t.Errorf("what to do about it: %v", err)
			}
			if got := r.listed(path); got.Lock != c.lock || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("in the list: %+v", got)
			}
			if p, err := plan(t, own, ""); err != nil || p.Reason != "mine" {
				t.Errorf("another plugin fails: %+v, %v", p, err)
			}
			good := r.lock("acme", script(t, "good"))
			if _, err := r.acme(good); err != nil {
				t.Errorf("a good executable instead: %v", err)
			}
			if got := r.listed(good); got.Reason != "" || got.Lock != trust.Locked {
				t.Errorf("in the list: %+v", got)
			}
		})
	}
}

func add(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// foreign returns the path of a file with the header of a program for Windows on ARM.
func foreign(t *testing.T) string {
	t.Helper()
	program := make([]byte, 256)
	copy(program, "MZ")
	program[0x3c] = 128 // where the header is
	copy(program[128:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(program[132:], pe.IMAGE_FILE_MACHINE_ARM64)
	path := filepath.Join(t.TempDir(), filePrefix+"acme")
	if err := testhelp.WriteProgram(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A copy of the verified bytes is run: changes of the file between the check and the start,
// or afterwards, have no effect.
func TestSwappedBetweenCheckAndStart(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	path := r.lock("acme", script(t, "good"))
	s, err := r.spec("acme", &config.Plugin{Name: "acme", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	evil := []byte("#!/bin/sh\ntouch " + path + ".ran\n")
	if err := testhelp.WriteProgram(path, evil, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := r.supervisor(t.Context(), s); err == nil || !strings.Contains(err.Error(), "changed between its verification and its start") {
		t.Errorf("%v", err)
	}
	if got := r.listed(path); got.Lock != trust.Changed || got.Reason == "" {
		t.Errorf("in the list: %+v", got)
	}
	good, err := os.ReadFile(r.lock("acme", script(t, "good")))
	if err != nil {
		t.Fatal(err)
	}
	if err := testhelp.WriteProgram(path, good, 0o700); err != nil {
		t.Fatal(err)
	}
	r.lock("acme", path)
	i, err := r.acme(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := testhelp.WriteProgram(path, evil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.running() {
		kill(v)
	}
	testhelp.Eventually(t, "the verified copy is started again", func() bool { _, err := plan(t, i, ""); return err == nil })
	if _, err := os.Stat(path + ".ran"); err == nil {
		t.Error("the swapped file was run")
	}
}

// Only this user can access the copies, and a copy that was changed is not run.
func TestDamagedCopy(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	path := r.lock("acme", script(t, "good"))
	i, err := r.acme(path)
	if err != nil {
		t.Fatal(err)
	}
	copies, _ := filepath.Glob(filepath.Join(r.options.CacheDir, "*", "*"))
	if len(copies) != 1 {
		t.Fatalf("copies: %v", copies)
	}
	if info, err := os.Stat(r.options.CacheDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(copies[0], 0o700); err != nil {
		t.Fatal(err)
	}
	if err := testhelp.WriteProgram(copies[0], []byte("#!/bin/sh\nexit 9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.running() {
		kill(v)
	}
	testhelp.Eventually(t, "a fresh copy is started", func() bool { _, err := plan(t, i, ""); return err == nil })
}

func kill(v *supervisor) {
	v.mu.Lock()
	p := v.process
	v.mu.Unlock()
	if p != nil {
		p.runner.kill()
	}
}

// A configuration that uses a hanging plugin several times waits for it only once.
func TestHangingPluginIsWaitedForOnce(t *testing.T) {
	timing := quick
	timing.Start = time.Second
	r := newRig(t, timing, serveAs("good")...)
	path := r.lock("acme", script(t, "silent"))
	started := time.Now()
	for range 5 {
		if _, err := r.acme(path); err == nil || !strings.Contains(err.Error(), "it was not ready within") {
			t.Errorf("%v", err)
		}
	}
	if took := time.Since(started); took > 3*timing.Start {
		t.Errorf("it took %s", took)
	}
}
