package daemon

import (
	"net"
	"syscall"
)

// share is not to be had here: the address is free when the old one has left.
func share(string, []*listener) (net.Listener, error) { return nil, syscall.EADDRINUSE }
