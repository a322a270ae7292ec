package cli

import (
	"context"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/daemon"
)

// surviveBrokenPipes has nothing to do: there is no SIGPIPE on Windows.
func surviveBrokenPipes() {}

// detached starts a process without a console.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}

// keepsPID says that reexec keeps the PID.
const keepsPID = false

// reexec starts a new process of the executable that is now on disk, with these arguments,
// and the same directory and environment. This process ends.
func reexec(args []string, _ ...string) error {
	next := exec.Command(command.Program, args[1:]...)
	next.Stdout, next.Stderr = os.Stdout, os.Stderr
	next.SysProcAttr = detached()
	return next.Start()
}

// canLaunch says that no process can inherit the sockets of this one.
const canLaunch = false

func (*app) launch(string) daemon.Launch { return nil }

// alive reports whether a process with this PID exists.
func alive(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer func() { _ = windows.CloseHandle(h) }()
	state, err := windows.WaitForSingleObject(h, 0)
	return err == nil && state == uint32(windows.WAIT_TIMEOUT)
}

// stopNow ends a process: there are no signals.
func stopNow(p *os.Process) { _ = p.Kill() }

// asGroup has nothing to do: only the process itself is ended.
func asGroup(*exec.Cmd) {}

// onHangup has nothing to wait for: there is no SIGHUP on Windows.
func onHangup(context.Context, func(), func()) {}

// keepConfiguration has nothing to do: a configuration that cannot be read again was
// already refused.
func keepConfiguration(string) (string, error) { return "", nil }
