package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestPID1ReapsOrphans in a PID namespace, as in a container.
func TestPID1ReapsOrphans(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a PID namespace needs root")
	}
	dir := t.TempDir()
	file, state := filepath.Join(dir, "aitunnel.hcl"), filepath.Join(dir, "state")
	if err := os.WriteFile(file, []byte(homeConfig("http://127.0.0.1:9")), 0o600); err != nil {
		t.Fatal(err)
	}
	orphan := fmt.Sprintf("(sleep 1.%d &)", os.Getpid())
	c := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", orphan+"; exec aitunnel start -f -c \"$0\" --state-dir \"$1\"", file, state)
	ended := startInNamespace(t, c)
	var program int
	sleeps := func() (n int) {
		for _, pid := range childrenOf(program) {
			if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(name) == "sleep\n" {
				n++
			}
		}
		return n
	}
	testhelp.Eventually(t, "the orphan is a child of the program", func() bool {
		select {
		case err := <-ended:
			t.Skip("this machine allows no PID namespaces: ", err)
		default:
		}
		for _, pid := range childrenOf(c.Process.Pid) {
			if program = pid; sleeps() == 1 {
				return true
			}
		}
		return false
	})
	testhelp.Eventually(t, "the program serves", func() bool {
		_, err := os.Stat(filepath.Join(state, "control.sock"))
		return err == nil
	})
	testhelp.Eventually(t, "the orphan is reaped", func() bool { return sleeps() == 0 })
	if len(childrenOf(program)) == 0 {
		t.Error("the built-in plugin was reaped, too")
	}
}

// TestPID1RestartsAndStops in a PID namespace, as in a container: a restart keeps the PID, and
// SIGTERM ends the process with exit code 0 and leaves nothing behind.
func TestPID1RestartsAndStops(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a PID namespace needs root")
	}
	i := newInstallation(t, "aitunnel")
	c := i.command("unshare", "--pid", "--fork", "--mount-proc", i.program, "start", "-f")
	var output lockedBuffer
	c.Stdout, c.Stderr = &output, &output
	ended := startInNamespace(t, c)
	program := 0
	started := func(times int) func() bool {
		return func() bool {
			select {
			case err := <-ended:
				t.Fatalf("the program ended: %v\n%s", err, output.String())
			default:
			}
			if all := childrenOf(c.Process.Pid); len(all) == 1 {
				program = all[0]
			}
			return strings.Count(output.String(), "Proxy: ") == times
		}
	}
	testhelp.Eventually(t, "the program serves", started(1))
	first := program
	i.run("restart")
	testhelp.Eventually(t, "the program serves again", started(2))
	if program != first {
		t.Errorf("the PID is %d, was %d", program, first)
	}
	plugins := childrenOf(program)
	if err := syscall.Kill(program, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, output.String())
	}
	for _, pid := range plugins {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d is still running", pid)
		}
	}
	if _, err := os.Stat(filepath.Join(i.dir, "state", "control.sock")); err == nil {
		t.Error("the control socket still exists")
	}
}

// startInNamespace starts an unshare command, whose child is the first process of a PID
// namespace. It is killed at the end of the test. ended gets the result of Wait.
func startInNamespace(t *testing.T, c *exec.Cmd) (ended <-chan error) {
	t.Helper()
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Skip("unshare cannot be run: ", err)
	}
	result := make(chan error, 1)
	go func() { result <- c.Wait() }()
	t.Cleanup(func() {
		for _, pid := range childrenOf(c.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return result
}
