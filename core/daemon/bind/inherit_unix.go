//go:build unix

package bind

import (
	"errors"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// activated returns the sockets that a service manager opened for this process.
func activated() (all []*listener) {
	sockets, err := activation.Listeners()
	if err != nil {
		return nil
	}
	for _, socket := range sockets {
		if socket != nil {
			all = append(all, &listener{socket: socket})
		}
	}
	return all
}

// inheritable duplicates a socket to a descriptor that stays open across execve(2).
func inheritable(socket net.Listener) (int, error) {
	fd, err := duplicate(socket)
	if err != nil {
		return 0, err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
	return fd, err
}

// duplicate duplicates a socket to a descriptor that child processes do not inherit
// unless it is passed to them.
func duplicate(socket net.Listener) (int, error) {
	tcp, ok := socket.(*net.TCPListener)
	if !ok {
		return 0, errors.New("not a TCP socket")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd int
	var failed error
	if err := raw.Control(func(number uintptr) { fd, failed = unix.FcntlInt(number, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return 0, err
	}
	return fd, failed
}

func closeDescriptor(fd int) { _ = unix.Close(fd) }
