package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	attemptDelay = 250 * time.Millisecond // before the next address is tried in parallel (RFC 8305)
	addressLimit = 5 * time.Second        // for one address while others remain
)

// connector opens TCP connections from this machine.
type connector struct {
	bind   string // an interface, or an address of one
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	keeps  bool // connections can keep a request back
}

// newConnector returns a connector with the system's resolver. It looks up the interface
// for each connection, because interfaces come and go.
func newConnector(bind string) *connector {
	return &connector{bind: bind, lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
}

// connect opens a connection to host:port.
func (c *connector) connect(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{Phase: Resolve, Err: err}
	}
	d := net.Dialer{KeepAlive: 30 * time.Second, FallbackDelay: -1}
	if c.bind != "" {
		if err := bindTo(&d, c.bind); err != nil {
			return nil, &Error{Phase: Proxy, Err: err}
		}
	}
	all, err := c.resolve(ctx, host)
	if err != nil {
		return nil, failed(ctx, Resolve, err)
	}
	addresses := make([]string, 0, len(all))
	for _, ip := range interleave(all) {
		addresses = append(addresses, net.JoinHostPort(ip.String(), port))
	}
	conn, err := race(ctx, &d, addresses)
	if err != nil {
		return nil, failed(ctx, Connect, err)
	}
	if s := newSocket(conn); c.keeps && s != nil {
		return s, nil
	}
	return conn, nil
}

func (c *connector) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	all, err := c.lookup(ctx, host)
	if err == nil && len(all) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return all, err
}

// interleave alternates IPv6 and IPv4 addresses, beginning with the kind that the system
// prefers.
func interleave(all []netip.Addr) []netip.Addr {
	var first, second, out []netip.Addr
	for _, ip := range all {
		ip = ip.Unmap()
		if ip.Is4() == all[0].Unmap().Is4() {
			first = append(first, ip)
		} else {
			second = append(second, ip)
		}
	}
	for len(first) > 0 || len(second) > 0 {
		if len(first) > 0 {
			out, first = append(out, first[0]), first[1:]
		}
		if len(second) > 0 {
			out, second = append(out, second[0]), second[1:]
		}
	}
	return out
}

type dialed struct {
	conn net.Conn
	err  error
}

// race connects to the first address that answers. The next one is tried when
// one fails, or after a moment.
func race(ctx context.Context, d *net.Dialer, addresses []string) (net.Conn, error) {
	if len(addresses) == 1 {
		return d.DialContext(ctx, "tcp", addresses[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialed, len(addresses))
	next, running := 0, 0
	start := func() {
		try, address := d, addresses[next]
		next++
		running++
		if next < len(addresses) {
			try = &net.Dialer{Timeout: addressLimit, KeepAlive: d.KeepAlive, FallbackDelay: -1, LocalAddr: d.LocalAddr, Control: d.Control}
		}
		go func() {
			conn, err := try.DialContext(ctx, "tcp", address)
			results <- dialed{conn, err}
		}()
	}
	defer func() {
		cancel()
		go closeRest(results, running)
	}()
	start()
	delay := time.NewTimer(attemptDelay)
	defer delay.Stop()
	var first error
	for {
		select {
		case <-delay.C:
		case r := <-results:
			running--
			if r.err == nil {
				return r.conn, nil
			}
			if first == nil || errors.Is(first, os.ErrDeadlineExceeded) {
				first = r.err
			}
			if running == 0 && next == len(addresses) {
				return nil, first
			}
		}
		if next < len(addresses) {
			start()
			delay.Reset(attemptDelay)
		}
	}
}

// closeRest closes connections that were established too late.
func closeRest(results <-chan dialed, running int) {
	for range running {
		if r := <-results; r.conn != nil {
			_ = r.conn.Close()
		}
	}
}

// bindTo makes d use a network interface: a source address alone would not
// choose it, as routing looks at the destination.
func bindTo(d *net.Dialer, bind string) error {
	ifi, err := net.InterfaceByName(bind)
	if ip, parseErr := netip.ParseAddr(bind); parseErr == nil {
		if ifi, err = interfaceOf(ip); err != nil {
			return err
		}
		d.LocalAddr = &net.TCPAddr{IP: ip.AsSlice(), Zone: ip.Zone()}
	}
	if err != nil {
		return Reason("there is no network interface " + strconv.Quote(bind))
	}
	d.Control = func(network, _ string, raw syscall.RawConn) error {
		var bindErr error
		err := raw.Control(func(fd uintptr) { bindErr = bindSocket(fd, network, ifi) })
		return errors.Join(err, bindErr)
	}
	return nil
}

// interfaceOf returns the interface that has an address.
func interfaceOf(ip netip.Addr) (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, ifi := range all {
		addresses, _ := ifi.Addrs() // an interface may vanish meanwhile
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip.AsSlice()) {
				return &ifi, nil
			}
		}
	}
	return nil, Reason("no network interface has the address " + ip.String())
}
