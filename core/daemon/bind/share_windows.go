package bind

import (
	"net"
	"syscall"
)

// share is not possible on Windows: the address is free once the old listener is
// closed.
func share(string, []*listener) (net.Listener, error) { return nil, syscall.EADDRINUSE }
