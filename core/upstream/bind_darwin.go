package upstream

import (
	"net"

	"golang.org/x/sys/unix"
)

// bindSocket makes a socket use the interface.
func bindSocket(fd uintptr, network string, ifi *net.Interface) error {
	if network == "tcp6" {
		return unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_BOUND_IF, ifi.Index)
	}
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BOUND_IF, ifi.Index)
}
