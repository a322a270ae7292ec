package upstream

import (
	"encoding/binary"
	"net"

	"golang.org/x/sys/windows"
)

// The options of ws2ipdef.h.
const (
	ipUnicastIf   = 31
	ipv6UnicastIf = 31
)

// bindSocket makes a socket use the interface. For IPv4 the index is in network
// byte order.
func bindSocket(fd uintptr, network string, ifi *net.Interface) error {
	if network == "tcp6" {
		return windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IPV6, ipv6UnicastIf, ifi.Index)
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(ifi.Index))
	return windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IP, ipUnicastIf, int(binary.NativeEndian.Uint32(b[:])))
}
