package upstream

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// peekSocket makes the system call itself, once per request: unix.Recvfrom allocates
// memory for the sender's address each time. The call never blocks.
func peekSocket(fd uintptr) peekResult {
	var b byte
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == unix.EAGAIN, errno == unix.EINTR:
		return peekNothing
	case errno != 0 || n == 0:
		return peekEnd
	}
	return peekBytes
}
