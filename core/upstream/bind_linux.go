package upstream

import (
	"net"

	"golang.org/x/sys/unix"
)

// bindSocket makes a socket use the interface.
func bindSocket(fd uintptr, _ string, ifi *net.Interface) error {
	return unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, ifi.Name)
}
