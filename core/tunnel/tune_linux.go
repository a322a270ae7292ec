package tunnel

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// tune bounds how long sent data may stay unacknowledged, and returns how to
// acknowledge what was received at once: sshd may hold the next piece back
// until it hears that the last one arrived, and the kernel else waits 40 ms
// with saying so. The kernel forgets it, so it is asked after every read.
func tune(c *net.TCPConn, silence time.Duration) (quick func()) {
	raw, err := c.SyscallConn()
	if err != nil {
		return func() {}
	}
	_ = raw.Control(func(fd uintptr) { // old kernels do without
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
	})
	set := func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
	return func() { _ = raw.Control(set) }
}
