package proxy

import (
	"crypto/x509"
	"net/http"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
)

// transport delivers requests to a site: an [upstream.Pool], or a test's.
type transport interface {
	Do(*http.Request, upstream.Call) (*http.Response, error)
}

// upstreams keep the connections to sites. They belong to no configuration: a
// reload leaves connections open.
type upstreams struct {
	roots *x509.CertPool // nil: the system's

	mu  sync.Mutex
	all map[upstreamID]*upstream.Pool
}

type upstreamID struct {
	origin  string
	connect time.Duration
}

func idOf(c *config.Channel) upstreamID {
	return upstreamID{c.Target.Scheme + "://" + c.Target.Host, c.Timeouts.Connect}
}

// of returns the connections to the channel's origin.
func (u *upstreams) of(c *config.Channel) *upstream.Pool {
	id := idOf(c)
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.all[id]
	if p == nil {
		p = upstream.NewPool(upstream.Options{
			Target: c.Target, Connect: id.connect, Roots: u.roots, Egress: upstream.FromEnvironment(c.Target), Shortage: u.closeIdle,
		})
		if u.all == nil {
			u.all = map[upstreamID]*upstream.Pool{}
		}
		u.all[id] = p
	}
	return p
}

// closeIdle frees descriptors.
func (u *upstreams) closeIdle() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range u.all {
		p.CloseIdleConnections()
	}
}

// keep closes the connections to origins that nothing in use leads to. Until
// the last request that may go there has ended they stay: it would leave a
// connection behind.
func (u *upstreams) keep(inUse map[*route.Table]*setup) {
	used := map[upstreamID]bool{}
	for _, s := range inUse {
		for ch := range s.sites {
			used[idOf(ch.Config)] = true
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
