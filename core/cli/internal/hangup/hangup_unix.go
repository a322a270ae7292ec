//go:build unix

// Package hangup receives SIGHUP from the first moments of the process until
// its end, so that a reload asked for during startup, while draining, or around
// a restart never kills the program. It imports only packages that it needs, so that it is
// initialized early. The process of built-in components also receives the signal, and
// ignores it.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
)

var received = make(chan os.Signal, 1)

func init() { signal.Notify(received, syscall.SIGHUP) }

// C receives a value when SIGHUP has arrived since the last one was read.
func C() <-chan os.Signal { return received }

// BeforeExec covers the moment in which execve(2) replaces the program, in this process or
// in a child. An ignored signal stays ignored in the new program until it requests the
// signal, and it reads the configuration after that, so no reload is lost. undo is for an
// exec that failed, and for the parent of a child.
func BeforeExec() (undo func()) {
	signal.Ignore(syscall.SIGHUP)
	return func() { signal.Notify(received, syscall.SIGHUP) }
}

// Release restores the default effect of SIGHUP, for commands that do not
// reload anything. A signal that has arrived already takes its effect now.
func Release() {
	signal.Stop(received)
	select {
	case <-received:
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	default:
	}
}
