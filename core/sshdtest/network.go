//go:build linux

package sshdtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Network is a network namespace, in place of another machine, and the link to
// it.
type Network struct {
	Inner, Outer string // addresses of the two ends
	t            testing.TB
	name         string
	link         string // our end
}

// NewNetwork makes one that is there until the test ends.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	RequireRoot(t)
	Require(t, "ip", "iproute2")
	n := rand.IntN(1 << 14)
	id := fmt.Sprintf("ait%d-%d", os.Getpid()%100000, n) // an interface's name has 15 letters at most
	w := &Network{
		t: t, name: id, link: id,
		// A range that is set aside for measuring.
		Outer: fmt.Sprintf("198.18.%d.%d", n/64, n%64*4+1), Inner: fmt.Sprintf("198.18.%d.%d", n/64, n%64*4+2),
	}
	if out, err := exec.Command("ip", "netns", "add", id).CombinedOutput(); err != nil {
		unable(t, fmt.Sprintf("network namespaces are not available here: %s", out))
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", id).Run() })
	w.ip("link", "add", id, "type", "veth", "peer", "name", "eth0", "netns", id)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", id).Run() })
	w.ip("addr", "add", w.Outer+"/30", "dev", id)
	w.ip("link", "set", id, "up")
	w.ip("-n", id, "addr", "add", w.Inner+"/30", "dev", "eth0")
	w.ip("-n", id, "link", "set", "eth0", "up")
	w.ip("-n", id, "link", "set", "lo", "up")
	return w
}

func (w *Network) ip(args ...string) {
	w.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		w.t.Fatalf("ip %s: %s", strings.Join(args, " "), out)
	}
}

func (w *Network) command(args ...string) []string {
	return append([]string{"ip", "netns", "exec", w.name}, args...)
}

// Down takes the link down, on the far side: nothing says so here but the
// missing carrier.
func (w *Network) Down() { w.ip("-n", w.name, "link", "set", "eth0", "down") }

// Up takes it up again.
func (w *Network) Up() { w.ip("-n", w.name, "link", "set", "eth0", "up") }

// Shape makes our end of the link send at most that many bits a second, as the
// uplink of a home does, with a queue of 32 KB before it.
func (w *Network) Shape(rate string) {
	w.t.Helper()
	tc := Require(w.t, "tc", "iproute2")
	out, err := exec.Command(tc, "qdisc", "replace", "dev", w.link, "root", "tbf", "rate", rate, "burst", "16kb", "limit", "32kb").CombinedOutput()
	if err != nil {
		unable(w.t, fmt.Sprintf("links cannot be shaped here: %s", out))
	}
}

// DropLarge makes the far end drop packets that are larger than size without a
// word, as a router with a smaller MTU may.
func (w *Network) DropLarge(size int) {
	w.t.Helper()
	w.ip("link", "set", w.link, "gso_max_segs", "1") // one packet at a time, so that its size counts
	w.ip("-n", w.name, "link", "set", "eth0", "mtu", fmt.Sprint(size))
	// Nothing of it is announced: the far end still says that it takes full packets.
	w.ip("-n", w.name, "route", "replace", w.network(), "dev", "eth0", "src", w.Inner, "advmss", "1460")
}

// network is the range of the link's addresses.
func (w *Network) network() string {
	ip := net.ParseIP(w.Outer).Mask(net.CIDRMask(30, 32))
	return ip.String() + "/30"
}

// within runs f on a thread that is in the namespace.
func (w *Network) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
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
