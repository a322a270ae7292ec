package proxy

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
)

// transport sends requests to a site: an [upstream.Pool], or a fake in tests.
type transport interface {
	Do(*http.Request, upstream.Call) (*http.Response, error)
}

// upstreams holds the connections to sites. It does not belong to a configuration: a
// reload leaves connections open.
type upstreams struct {
	roots  *x509.CertPool // nil: the system's
	tunnel func(ctx context.Context, tunnel, address string) (net.Conn, error)

	mu  sync.Mutex
	all map[upstreamID]*upstream.Pool
}

type upstreamID struct {
	origin  string
	connect time.Duration
	egress  egressID
}

// egressID identifies an egress: if any field changes, it is another one.
type egressID struct{ name, proxy, tunnel, bind string }

func idOf(c *config.Channel, e *config.Egress) upstreamID {
	id := egressID{proxy: e.Proxy.Plaintext(), tunnel: e.Tunnel, bind: e.Bind}
	if e.Name == config.EgressEnvironment {
		id.name = e.Name
	}
	return upstreamID{c.Target.Scheme + "://" + c.Target.Host, c.Timeouts.Connect, id}
}

// of returns the pool of connections to the channel's origin by an egress.
func (u *upstreams) of(c *config.Channel, e *config.Egress) *upstream.Pool {
	id := idOf(c, e)
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.all[id]
	if p == nil {
		p = upstream.NewPool(upstream.Options{
			Target: c.Target, Connect: id.connect, Roots: u.roots, Egress: u.egress(c, e), Shortage: u.closeIdle,
		})
		if u.all == nil {
			u.all = map[upstreamID]*upstream.Pool{}
		}
		u.all[id] = p
	}
	return p
}

func (u *upstreams) egress(c *config.Channel, e *config.Egress) upstream.Egress {
	switch {
	case e.Name == config.EgressEnvironment:
		return upstream.FromEnvironment(c.Target)
	case e.Tunnel != "":
		return upstream.Egress{Dial: func(ctx context.Context, address string) (net.Conn, error) {
			if u.tunnel == nil {
				return nil, errNoTunnels
			}
			return u.tunnel(ctx, e.Tunnel, address)
		}}
	}
	return upstream.Egress{Proxy: e.ProxyURL(), Bind: e.Bind}
}

var errNoTunnels = errors.New("there are no tunnels")

// closeIdle closes idle connections, to free file descriptors.
func (u *upstreams) closeIdle() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range u.all {
		p.CloseIdleConnections()
	}
}

// keep closes the connections to origins that no configuration in use refers to. They
// stay until the last request that may use them has ended, as it would leave a
// connection behind.
func (u *upstreams) keep(inUse map[*route.Table]*setup) {
	used := map[upstreamID]bool{}
	for _, s := range inUse {
		for ch := range s.sites {
			for _, e := range Egresses(ch.Config) {
				used[idOf(ch.Config, e)] = true
			}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, p := range u.all {
		if !used[id] {
			p.Close()
			delete(u.all, id)
		}
	}
}
