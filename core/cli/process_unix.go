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

	"github.com/aitunnel/aitunnel/core/cli/internal/hangup"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
)

// surviveBrokenPipes keeps a write to a closed pipe from ending the process: it
// is an error like others. Children do not inherit that, as they would with
// signal.Ignore.
func surviveBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// detached starts a process in a session of its own, so that it outlives the
// terminal.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// keepsNumber says that reexec keeps the process number.
const keepsNumber = true

// reexec replaces this process by a new one of the executable that is on disk
// now, with the same arguments, directory, environment and process number.
// more are environment variables that say what it inherits, "" for nothing.
func reexec(more ...string) error {
	env := os.Environ()
	for _, v := range more {
		if v != "" {
			env = append(env, v)
		}
	}
	undo := hangup.BeforeExec()
	defer undo()
	return syscall.Exec(program, os.Args, env)
}

// canLaunch says that a process can inherit the sockets of this one.
const canLaunch = true

// launch starts the executable that is on disk now, with the same arguments,
// directory and environment, as the successor of this process. path is the
// configuration.
func (a *app) launch(path string) daemon.Launch {
	return func(descriptors []int, variables []string) (*os.Process, error) {
		env := slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "WATCHDOG_PID=") // of this one
		})
		files := []uintptr{0, 1, 2}
		for _, fd := range descriptors {
			files = append(files, uintptr(fd))
		}
		kept, err := config.Kept(path)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			defer func() { _ = kept.Close() }()
			env = append(env, config.KeptVariable(len(files), path))
			files = append(files, kept.Fd())
		}
		pid, err := syscall.ForkExec(program, os.Args, &syscall.ProcAttr{Dir: startDir, Env: append(env, variables...), Files: files, Sys: asSibling()})
		if err != nil {
			return nil, err
		}
		return os.FindProcess(pid)
	}
}

// keepConfiguration has the next program inherit a configuration that came from a
// pipe, by the environment variable that is returned.
func keepConfiguration(path string) (variable string, err error) {
	kept, err := config.Kept(path)
	if err != nil || kept == nil {
		return "", err
	}
	fd, err := syscall.Dup(int(kept.Fd())) // which stays open over execve(2)
	return config.KeptVariable(fd, path), errors.Join(err, kept.Close())
}

// alive reports whether there is a process of that number.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// stopNow tells the daemon of a process to stop at once, which takes two signals.
func stopNow(p *os.Process) {
	_ = p.Signal(syscall.SIGTERM)
	_ = p.Signal(syscall.SIGINT) // another one, as two of a kind can arrive as one
}

// asGroup has the end of a command's context end what it has started, too.
func asGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}

// onHangup calls reload at every SIGHUP until ctx ends. If it came because the
// terminal that the program was started on is gone, it calls gone.
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
