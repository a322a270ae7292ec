package cli

import (
	"net"
	"testing"
)

// TestAddressForOtherMachines is shown only if they can use it.
func TestAddressForOtherMachines(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"127.0.0.1:9000", "[::1]:9000", "192.0.2.7:9000", "nonsense"} {
		if got := fromOthers(listen); got != "" {
			t.Errorf("%s is said to be reached at %s", listen, got)
		}
	}
	for _, listen := range []string{":9000", "0.0.0.0:9000", "[::]:9000"} {
		got := fromOthers(listen)
		if got == "" {
			t.Skip("this machine has no address in a network")
		}
		host, port, err := net.SplitHostPort(got)
		if err != nil || port != "9000" || net.ParseIP(host).IsLoopback() || net.ParseIP(host).IsUnspecified() {
			t.Errorf("%s is said to be reached at %s", listen, got)
		}
	}
}
