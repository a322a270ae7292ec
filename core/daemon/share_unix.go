//go:build unix

package daemon

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// share binds an address of which the held listeners may have a part. Nobody
// else can join them: the option is set for the moment of binding only.
func share(address string, held []*listener) (net.Listener, error) {
	for _, l := range held {
		if socket, ok := l.socket.(*net.TCPListener); ok {
			if raw, err := socket.SyscallConn(); err == nil {
				_ = reusePort(raw, 1) // where it fails, so does the binding
				defer func() { _ = reusePort(raw, 0) }()
			}
		}
	}
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return reusePort(raw, 1) }}
	socket, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	if raw, err := socket.(*net.TCPListener).SyscallConn(); err == nil {
		_ = reusePort(raw, 0) // it is of no use any more
	}
	return socket, nil
}

func reusePort(raw syscall.RawConn, value int) error {
	var err error
	controlled := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, value) })
	if controlled != nil {
		return controlled
	}
	return err
}
