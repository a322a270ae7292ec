//go:build unix

package testhelp

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Suspend stops a process by SIGSTOP, as a debugger does, and returns when its threads have
// stopped: a thread that runs on another processor goes on for a moment after kill(2). Where
// there is no /proc, it does not wait.
func Suspend(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatalf("suspend process %d: %v", pid, err)
	}
	Eventually(t, fmt.Sprintf("process %d has stopped", pid), func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, thread := range threads {
			stat, err := os.ReadFile(thread)
			_, state, _ := bytes.Cut(stat, []byte(") ")) // proc_pid_stat(5): after the name
			if err == nil && !bytes.HasPrefix(state, []byte("T")) {
				return false
			}
		}
		return true
	})
}
