package cli

import "net"

// reachable returns the address at which this machine reaches a listener.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !isWildcard(host) {
		return listen
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// fromOthers returns the address at which other machines on the network reach a
// listener that listens on all addresses; "" if it does not, or if this machine has no
// such address.
func fromOthers(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !isWildcard(host) {
		return ""
	}
	addresses, _ := net.InterfaceAddrs()
	for _, at := range addresses {
		if n, ok := at.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return net.JoinHostPort(n.IP.String(), port)
		}
	}
	return ""
}

// isWildcard reports whether a host means all addresses of the machine.
func isWildcard(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
