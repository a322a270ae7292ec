//go:build linux

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

// TestTheFirstProcessReapsOrphans in a container of its own.
func TestTheFirstProcessReapsOrphans(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a namespace for processes needs root")
	}
	dir := t.TempDir()
	file, state := filepath.Join(dir, "aitunnel.hcl"), filepath.Join(dir, "state")
	text := "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	orphan := fmt.Sprintf("(sleep 1.%d &)", os.Getpid())
	c := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", orphan+"; exec aitunnel start -f -c \"$0\" --state-dir \"$1\"", file, state)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Skip("unshare does not run here: ", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		for _, pid := range childrenOf(c.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	var program int
	sleeps := func() (n int) {
		for _, pid := range childrenOf(program) {
			if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(name) == "sleep\n" {
				n++
			}
		}
		return n
	}
	testhelp.Eventually(t, "the program has adopted a process", func() bool {
		select {
		case err := <-ended:
			t.Skip("no namespace for processes here: ", err)
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
	testhelp.Eventually(t, "nothing is left of it", func() bool { return sleeps() == 0 })
	if len(childrenOf(program)) == 0 {
		t.Error("the built-in plugin is gone, too")
	}
}

// childrenOf returns the processes that a process is the parent of.
func childrenOf(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range lists {
		text, _ := os.ReadFile(path) // it may have ended
		for field := range strings.FieldsSeq(string(text)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
