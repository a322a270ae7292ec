//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/hangup"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/daemon"
)

// surviveBrokenPipes prevents a write to a closed pipe from ending the process: it
// returns an error instead. Unlike with signal.Ignore, child processes do not inherit
// that.
func surviveBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// detached starts a process in its own session, so that it outlives the terminal.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// keepsPID says that reexec keeps the PID.
const keepsPID = true

// reexec replaces this process by the executable that is now on disk, with these
// arguments, and the same directory, environment and PID. more are additional environment
// variables that describe what it inherits; empty ones are ignored.
func reexec(args []string, more ...string) error {
	env := os.Environ()
	for _, v := range more {
		if v != "" {
			env = append(env, v)
		}
	}
	undo := hangup.BeforeExec()
	defer undo()
	return syscall.Exec(command.Program, args, env)
}

// canLaunch says that a process can inherit the sockets of this one.
const canLaunch = true

// launch starts the executable that is now on disk, with the same arguments, directory
// and environment, as the successor of this process. path is the configuration.
func (a *app) launch(path string) daemon.Launch {
	return func(descriptors []int, variables []string) (*os.Process, error) {
		env := slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "WATCHDOG_PID=") // of this one
		})
		files := []uintptr{0, 1, 2}
		for _, fd := range descriptors {
			files = append(files, uintptr(fd))
		}
		kept, err := hclfile.PipedFile(path)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			defer func() { _ = kept.Close() }()
			env = append(env, hclfile.PipedVariable(len(files), path))
			files = append(files, kept.Fd())
		}
		defer hangup.BeforeExec()()
		pid, err := syscall.ForkExec(command.Program, slices.Concat(os.Args, a.pathsOfStart()), &syscall.ProcAttr{Dir: startDir, Env: append(env, variables...), Files: files, Sys: asSibling()})
		if err != nil {
			return nil, err
		}
		return os.FindProcess(pid)
	}
}

// keepConfiguration makes the next program inherit a configuration that came from a
// pipe. It returns the environment variable for that.
func keepConfiguration(path string) (variable string, err error) {
	kept, err := hclfile.PipedFile(path)
	if err != nil || kept == nil {
		return "", err
	}
	fd, err := syscall.Dup(int(kept.Fd())) // which stays open across execve(2)
	return hclfile.PipedVariable(fd, path), errors.Join(err, kept.Close())
}

// alive reports whether a process with this PID exists.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// stopNow makes the daemon in a process stop immediately, which takes two signals.
func stopNow(p *os.Process) {
	_ = p.Signal(syscall.SIGTERM)
	_ = p.Signal(syscall.SIGINT) // a different signal, since two of the same kind can be merged
}

// asGroup makes the end of a command's context also end the processes that it has
// started.
func asGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}

// onHangup calls reload at every SIGHUP until ctx ends. If the reason for the signal
// is that the terminal on which the program was started is gone, it calls gone
// instead.
func onHangup(ctx context.Context, gone, reload func()) {
	onTerminal := isatty.IsTerminal(os.Stdout.Fd())
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup.C():
			}
			if onTerminal && !hasTerminal() {
				gone()
				return
			}
			reload()
		}
	}()
}

func hasTerminal() bool {
	t, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = t.Close()
	return true
}
