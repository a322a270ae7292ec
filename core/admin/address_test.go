package admin

import (
	"net"
	"testing"
)

// TestAddressesOfAListener on this machine and from others, which reach it only if it does not
// listen on loopback.
func TestAddressesOfAListener(t *testing.T) {
	for listen, other := range map[string]string{"127.0.0.1:9000": "", "[::1]:9000": "", "192.0.2.7:9000": "192.0.2.7:9000", "nonsense": "", "": ""} {
		if got := NetworkAddress(listen); got != other {
			t.Errorf("%s has the address %q", listen, got)
		}
		if got := LocalAddress(listen); got != listen {
			t.Errorf("%s has the local address %q", listen, got)
		}
	}
	for _, listen := range []string{":9000", "0.0.0.0:9000", "[::]:9000"} {
		if got := LocalAddress(listen); got != "127.0.0.1:9000" {
			t.Errorf("%s has the local address %q", listen, got)
		}
		got := NetworkAddress(listen)
		if got == "" {
			t.Skip("this machine has no address in a network")
		}
		host, port, err := net.SplitHostPort(got)
		if err != nil || port != "9000" || net.ParseIP(host).IsLoopback() || net.ParseIP(host).IsUnspecified() {
			t.Errorf("%s has the address %s", listen, got)
		}
	}
}
