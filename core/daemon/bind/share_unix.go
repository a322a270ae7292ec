//go:build unix

package bind

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// share binds an address that overlaps with those of held listeners. No other program
// can join, because the socket option is only set while binding.
func share(address string, held []*listener) (net.Listener, error) {
	for _, l := range held {
		if socket, ok := l.socket.(*net.TCPListener); ok {
			if raw, err := socket.SyscallConn(); err == nil {
				_ = reusePort(raw, 1) // if this fails, so does binding
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
		_ = reusePort(raw, 0) // no longer needed
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
