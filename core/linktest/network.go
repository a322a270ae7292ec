//go:build linux

package linktest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Network is a network namespace that represents another machine, and the link to it.
type Network struct {
	Inner, Outer string // addresses of the two ends
	name         string
	link         string // our end
	path         *path  // nil: the kernel connects the ends
}

// New creates a network that exists until it is closed.
func New(l Link) (*Network, error) {
	n := rand.IntN(1 << 14)
	id := fmt.Sprintf("ait%d-%d", os.Getpid()%100000, n) // an interface's name has 15 letters at most
	w := &Network{
		name: id, link: id,
		// This range is reserved for benchmarks.
		Outer: fmt.Sprintf("198.18.%d.%d", n/64, n%64*4+1), Inner: fmt.Sprintf("198.18.%d.%d", n/64, n%64*4+2),
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: only root can create them", ErrUnavailable)
	}
	if err := ip("netns", "add", id); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := w.connect(l); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *Network) connect(l Link) error {
	if l != (Link{}) {
		p, err := newPath(w.link, w.name, l)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		w.path = p
	} else if err := ip("link", "add", w.link, "type", "veth", "peer", "name", "eth0", "netns", w.name); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"addr", "add", w.Outer + "/30", "dev", w.link},
		{"link", "set", w.link, "up"},
		{"-n", w.name, "addr", "add", w.Inner + "/30", "dev", "eth0"},
		{"-n", w.name, "link", "set", "eth0", "up"},
		{"-n", w.name, "link", "set", "lo", "up"},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	if l.Congestion != "" {
		if err := ip("route", "replace", w.network(), "dev", w.link, "src", w.Outer, "congctl", l.Congestion); err != nil {
			return err
		}
	}
	if l.Rate > 0 {
		return w.shape(l.Rate)
	}
	return nil
}

// network returns the range of the link's addresses.
func (w *Network) network() string {
	mask := net.CIDRMask(30, 32)
	return (&net.IPNet{IP: net.ParseIP(w.Outer).Mask(mask), Mask: mask}).String()
}

// Close removes the network. Connections over it are lost.
func (w *Network) Close() {
	if w.path != nil {
		w.path.close()
	}
	_ = ip("link", "del", w.link) // a link of another kind has ended by itself
	_ = ip("netns", "del", w.name)
}

func ip(args ...string) error { return run("ip", args...) }

func run(program string, args ...string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		path = "/sbin/" + program
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// Command returns a command line that runs in the namespace.
func (w *Network) Command(args ...string) []string {
	return append([]string{"ip", "netns", "exec", w.name}, args...)
}

// Down takes the link down at the far end: this machine only notices the missing
// carrier.
func (w *Network) Down() error { return ip("-n", w.name, "link", "set", "eth0", "down") }

// Up takes it up again.
func (w *Network) Up() error { return ip("-n", w.name, "link", "set", "eth0", "up") }

// shape limits the rate at which our end of the link sends, in bits per second, like
// the uplink of a home, with a queue of 32 KB.
func (w *Network) shape(rate float64) error {
	return run("tc", "qdisc", "replace", "dev", w.link, "root", "tbf", "rate", fmt.Sprintf("%.0fbit", rate), "burst", "16kb", "limit", "32kb")
}

// within runs f on a thread in the namespace.
func (w *Network) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // not unlocked, so that the thread ends with the goroutine
		fd, err := unix.Open("/run/netns/"+w.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			done <- err
			return
		}
		err = unix.Setns(fd, unix.CLONE_NEWNET)
		_ = unix.Close(fd)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// Dial connects from the far side. The address is an IP address with a port, or
// the path of a socket.
func (w *Network) Dial(network, address string) (c net.Conn, err error) {
	err = w.within(func() error {
		c, err = net.DialTimeout(network, address, 5*time.Second)
		return err
	})
	return c, err
}

// Listen listens on the far side.
func (w *Network) Listen(address string) (l net.Listener, err error) {
	err = w.within(func() error {
		l, err = net.Listen("tcp", address)
		return err
	})
	return l, err
}
