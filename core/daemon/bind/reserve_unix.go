//go:build unix

package bind

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// lower reports whether a descriptor below the limit is free.
func lower(c net.Conn, limit int) (free bool) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		if n, err := unix.Dup(int(fd)); err == nil {
			free = n < limit
			_ = unix.Close(n)
		}
	})
	return free
}
