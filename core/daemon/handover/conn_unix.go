//go:build unix

package handover

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pair returns a connection, and its other end for a new process.
func Pair() (ours *Conn, theirs *os.File, err error) {
	// A plugin that starts now must not inherit either end: the connection would stay
	// open.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "handover")
	if ours, err = fromFile(os.NewFile(uintptr(fds[0]), "handover")); err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// Inherited returns the connection to the process that this one replaces, nil if it
// replaces none.
func Inherited() *Conn {
	fd, err := strconv.Atoi(os.Getenv(Env))
	_ = os.Unsetenv(Env)
	if err != nil {
		return nil
	}
	c, err := fromFile(os.NewFile(uintptr(fd), "handover"))
	if err != nil {
		return nil
	}
	return c
}
