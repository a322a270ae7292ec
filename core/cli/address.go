package cli

import "net"

// reachable returns the address by which this machine reaches a listener.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !isEvery(host) {
		return listen
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// fromOthers returns the address by which other machines of the network reach a listener on
// every address of this machine; "" if it is none, or this machine has no such address.
func fromOthers(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !isEvery(host) {
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

// isEvery reports whether a host stands for every address of the machine.
func isEvery(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
