package admin

import "net"

// NetworkAddress returns the address at which other devices on the network reach a listener: its own,
// or that of an interface if it listens on all. It is "" if they cannot reach it.
func NetworkAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	if isEvery(listen) {
		ip = interfaceAddress()
	}
	if err != nil || ip == nil || ip.IsLoopback() {
		return ""
	}
	return net.JoinHostPort(ip.String(), port)
}

// LocalAddress returns the address at which this machine reaches a listener.
func LocalAddress(listen string) string {
	if !isEvery(listen) {
		return listen
	}
	_, port, _ := net.SplitHostPort(listen)
	return net.JoinHostPort("127.0.0.1", port)
}

// isEvery reports whether a listener has every address of the machine.
func isEvery(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || ip != nil && ip.IsUnspecified())
}

// interfaceAddress returns the first IPv4 address of this machine in a private network, else in
// any network.
func interfaceAddress() (found net.IP) {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok || n.IP.To4() == nil || !n.IP.IsGlobalUnicast():
		case n.IP.IsPrivate():
			return n.IP
		case found == nil:
			found = n.IP
		}
	}
	return found
}
