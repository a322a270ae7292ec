//go:build unix && !linux

package upstream

import (
	"errors"

	"golang.org/x/sys/unix"
)

func peekSocket(fd uintptr) peekResult {
	var b [1]byte
	n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	switch {
	case n > 0:
		return peekBytes
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return peekNothing
	}
	return peekEnd
}
