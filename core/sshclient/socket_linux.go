package sshclient

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket gives access to the kernel's state of a TCP connection; its zero value, for other
// connections, says that nothing is known.
type socket struct{ raw syscall.RawConn }

func newSocket(c net.Conn) socket {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return socket{}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return socket{}
	}
	return socket{raw}
}

func (s socket) control(f func(fd int)) {
	if s.raw != nil {
		_ = s.raw.Control(func(fd uintptr) { f(int(fd)) }) // nothing to do for a closed connection
	}
}

// acknowledge makes the kernel acknowledge received data at once instead of after 40 ms:
// sshd may delay the next piece until the last one is acknowledged. It has to be called
// after every read.
func (s socket) acknowledge() {
	s.control(func(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
}

// limitUnsent sets how much unsent data the kernel accepts.
func (s socket) limitUnsent(bytes int) {
	s.control(func(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes) })
}

// deliveryRate returns how many bytes per second were delivered recently, 0 if unknown.
func (s socket) deliveryRate() (bytesPerSecond float64) {
	s.control(func(fd int) {
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			bytesPerSecond = float64(info.Delivery_rate)
		}
	})
	return bytesPerSecond
}

// acknowledged returns how many bytes the peer has acknowledged, and how long ago its
// latest acknowledgement came.
func (s socket) acknowledged() (bytes uint64, ago time.Duration, ok bool) {
	s.control(func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			bytes, ago, ok = info.Bytes_acked, time.Duration(info.Last_ack_recv)*time.Millisecond, true
		}
	})
	return bytes, ago, ok
}

// notSent returns how many bytes the kernel has accepted but not sent. They may exceed
// its limit, because a waiting segment is filled up to 64 KiB.
func (s socket) notSent() (bytes int) {
	s.control(func(fd int) { bytes, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQNSD) })
	return bytes
}
