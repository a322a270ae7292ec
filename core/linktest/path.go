//go:build linux

package linktest

import (
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// path connects two interfaces in this process, which delays and drops packets, since
// not every kernel can.
type path struct {
	ends    [2]*os.File
	passing sync.WaitGroup
}

// maxQueued is the maximum number of packets in transit, each way.
const maxQueued = 10000

// newPath creates an interface here, and one named eth0 in a namespace.
func newPath(link, namespace string, l Link) (*path, error) {
	p := &path{}
	for i, name := range []string{link, link + "x"} {
		end, err := openInterface(name)
		if err != nil {
			p.close()
			return nil, err
		}
		p.ends[i] = end
	}
	if err := ip("link", "set", link+"x", "netns", namespace, "name", "eth0"); err != nil {
		p.close()
		return nil, err
	}
	p.passing.Go(func() { pass(p.ends[0], p.ends[1], l, l.MaxOut) })
	p.passing.Go(func() { pass(p.ends[1], p.ends[0], l, l.MaxIn) })
	return p, nil
}

// openInterface creates an interface whose packets are read from and written to a
// file.
func openInterface(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// pass forwards packets in one direction until an end is closed. It drops those larger
// than most.
func pass(from, to *os.File, l Link, most int) {
	type packet struct {
		due  time.Time
		data []byte
	}
	queue := make(chan packet, maxQueued)
	var sending sync.WaitGroup
	sending.Go(func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.data) // an interface that is down drops it
		}
	})
	defer sending.Wait()
	defer close(queue)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if rand.Float64() < l.Loss || most > 0 && n > most {
			continue
		}
		select {
		case queue <- packet{time.Now().Add(l.Delay), append([]byte(nil), buffer[:n]...)}:
		default: // like a router with a full queue
		}
	}
}

func (p *path) close() {
	for _, end := range p.ends {
		if end != nil {
			_ = end.Close()
		}
	}
	p.passing.Wait()
}
