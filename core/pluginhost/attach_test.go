//go:build unix

package pluginhost

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/sdk"
)

// startByHand starts the test plugin as its author does, for example in a debugger.
func startByHand(t *testing.T) *exec.Cmd {
	t.Helper()
	argv := serveAs("good")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "AITUNNEL_PLUGIN_DEBUG=1")
	onOutput, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(onOutput).ReadString('\n')
	if err != nil || !strings.Contains(line, "AITUNNEL_ATTACH=test") {
		t.Fatalf("it printed %q, %v", line, err)
	}
	return cmd
}

// attachable is a component of the test plugin as a third-party plugin.
var attachable = &config.Component{Kind: sdk.KindStrategy, Ref: "test/order", Plugin: "test", Name: "order", Body: []byte(`{"reason":"of the other process"}`)}

func TestAttachForADebugger(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", shortDir(t))
	t.Setenv("HOME", shortDir(t))
	t.Setenv(attachEnv, "other, test")
	r := newRig(t, quick, serveAs("good")...)
	if _, err := r.Open(t.Context(), attachable, nil, "test", nil); err == nil || !strings.Contains(err.Error(), "there is no test to attach to: start its executable with AITUNNEL_PLUGIN_DEBUG=1") {
		t.Fatalf("with nothing to attach to: %v", err)
	}

	debugged := startByHand(t)
	i := r.open(attachable)
	p, err := plan(t, i, "")
	if err != nil || p.Reason != "of the other process" {
		t.Fatalf("%+v, %v", p, err)
	}
	if got := r.List()[0]; got.Name != "test" || got.Source != "attached to, for debugging" {
		t.Errorf("%+v", got)
	}

	// At a breakpoint it does not answer, and is not restarted.
	relay := r.pid()
	testhelp.Suspend(t, debugged.Process.Pid)
	time.Sleep(10 * quick.PingTimeout)
	if got := r.List()[0]; got.State != StateRunning || got.PID != relay {
		t.Errorf("at a breakpoint: %+v", got)
	}
	if err := debugged.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if p, err := plan(t, i, ""); err != nil || p.Reason != "of the other process" {
		t.Errorf("after the breakpoint: %+v, %v", p, err)
	}

	// If it is started again, the host attaches to it again.
	_ = debugged.Process.Kill()
	_ = debugged.Wait()
	testhelp.Eventually(t, "its end is noticed", func() bool {
		_, err := plan(t, i, "")
		return err != nil
	})
	startByHand(t)
	testhelp.Eventually(t, "the next process serves", func() bool {
		p, err := plan(t, i, "")
		return err == nil && p.Reason == "of the other process"
	})
}

// TestAnAttachedPluginKeepsRunningAfterTheHost shows that closing the host does not end a process in a
// debugger.
func TestAnAttachedPluginKeepsRunningAfterTheHost(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", shortDir(t))
	t.Setenv("HOME", shortDir(t))
	t.Setenv(attachEnv, "test")
	debugged := startByHand(t)
	for range 2 {
		r := newRig(t, quick, serveAs("good")...)
		if _, err := plan(t, r.open(attachable), ""); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !alive(debugged.Process.Pid) {
			t.Fatal("the plugin has ended with its host")
		}
	}
	if err := debugged.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := debugged.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}
