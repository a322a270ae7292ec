package cli

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// asSibling makes a new process a child of the service manager, if that has started
// this process. systemd only waits for the end of its main process if that is its own
// child: otherwise it would kill it immediately when the service is stopped (systemd
// 252, KillMode=mixed).
func asSibling() *syscall.SysProcAttr {
	parent := os.Getppid()
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if os.Getenv("NOTIFY_SOCKET") == "" || parent != 1 && strings.TrimSpace(string(name)) != "systemd" {
		return nil
	}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_PARENT}
}
