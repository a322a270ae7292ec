package bind

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// inheritEnv tells the new program of a restart which descriptors listen on which
// addresses: "fd address" pairs, separated by ";".
const inheritEnv = "AITUNNEL_LISTENERS"

// How long callers on keep-alive connections have for a request whose answer tells
// them to reconnect, before idle connections are closed.
const (
	closeGrace = time.Second     // while new requests wait for that
	leaveGrace = 3 * time.Second // while another process answers them
)

// inherited returns the listeners that this process was started with, by the program
// before a restart or by a service manager. Each is returned once.
func inherited() []*listener {
	all := activated()
	for entry := range strings.SplitSeq(os.Getenv(inheritEnv), ";") {
		number, address, _ := strings.Cut(entry, " ")
		fd, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		file := os.NewFile(uintptr(fd), address)
		if socket, err := net.FileListener(file); err == nil {
			all = append(all, &listener{address: address, socket: socket})
		}
		_ = file.Close() // the listener has its own descriptor
	}
	_ = os.Unsetenv(inheritEnv)
	return all
}

// at reports whether the listener serves an address as it is configured.
func (l *listener) at(address string) bool {
	if l.address == address {
		return true
	}
	want, err := net.ResolveTCPAddr("tcp", address)
	have, ok := l.socket.Addr().(*net.TCPAddr)
	if err != nil || !ok || want.Port != have.Port {
		return false
	}
	if want.IP == nil || want.IP.IsUnspecified() {
		return have.IP.IsUnspecified()
	}
	return want.IP.Equal(have.IP)
}

// SocketCopies are duplicates of the sockets of all ports, for another process that
// will serve the same addresses.
type SocketCopies struct {
	fds       []int
	addresses []string
}

// CopySockets duplicates the sockets of all ports. This process continues to serve
// them until [Ports.Leave].
func (s *Ports) CopySockets() *SocketCopies {
	h := &SocketCopies{}
	for _, p := range s.all {
		if l := p.current.Load(); l != nil {
			if fd, err := duplicate(l.socket); err == nil { // otherwise the other process binds the address itself
				h.fds, h.addresses = append(h.fds, fd), append(h.addresses, l.address)
			}
		}
	}
	return h
}

// Descriptors returns the descriptors of the sockets.
func (h *SocketCopies) Descriptors() []int { return h.fds }

// Variable returns the environment variable for a process that inherits the
// descriptors in the same order, numbered from first.
func (h *SocketCopies) Variable(first int) string {
	var entries []string
	for i, address := range h.addresses {
		entries = append(entries, strconv.Itoa(first+i)+" "+address)
	}
	return inheritEnv + "=" + strings.Join(entries, ";")
}

// Close closes the duplicates.
func (h *SocketCopies) Close() {
	for _, fd := range h.fds {
		closeDescriptor(fd)
	}
	h.fds = nil
}

// Leave stops accepting connections, because another process now serves the addresses,
// and makes callers on keep-alive connections reconnect. Accepted connections are
// served until [Ports.Shutdown].
func (s *Ports) Leave() {
	for _, p := range s.all {
		if l := p.current.Load(); l != nil {
			l.closing.Store(true)
			l.grace = leaveGrace
			l.handed.Store(true)
			_ = l.socket.Close()
		}
	}
}

// HandOver prepares a restart by execve(2): it tells callers to reconnect, and after a
// moment makes the sockets inheritable by the new program, which finds them by the
// returned environment variable. Connections that arrive before the new program serves
// wait for it. ctx shortens the moment.
func (s *Ports) HandOver(ctx context.Context) (env string) {
	var entries []string
	for _, p := range s.all {
		if l := p.current.Load(); l != nil {
			l.closing.Store(true)
		}
	}
	select {
	case <-time.After(closeGrace):
	case <-ctx.Done():
	}
	for _, p := range s.all {
		l := p.current.Load()
		if l == nil {
			continue
		}
		if fd, err := inheritable(l.socket); err == nil { // otherwise the next program binds the address itself
			l.grace = closeGrace
			l.handed.Store(true)
			entries = append(entries, strconv.Itoa(fd)+" "+l.address)
		}
	}
	if len(entries) == 0 {
		return ""
	}
	return inheritEnv + "=" + strings.Join(entries, ";")
}
