package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
)

// upstreams keep the connections to sites. They belong to no configuration: a
// reload leaves connections open.
type upstreams struct {
	roots *x509.CertPool // nil: the system's

	mu  sync.Mutex
	all map[upstreamID]*http.Transport
}

type upstreamID struct {
	origin  string
	connect time.Duration
}

func idOf(c *config.Channel) upstreamID {
	return upstreamID{c.Target.Scheme + "://" + c.Target.Host, c.Timeouts.Connect}
}

// of returns the connections to the channel's origin.
func (u *upstreams) of(c *config.Channel) *http.Transport {
	id := idOf(c)
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.all[id]
	if t == nil {
		t = newTransport(c.Target, id.connect, u.roots)
		if u.all == nil {
			u.all = map[upstreamID]*http.Transport{}
		}
		u.all[id] = t
	}
	return t
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
	for id, t := range u.all {
		if !used[id] {
			t.CloseIdleConnections()
			delete(u.all, id)
		}
	}
}

// newTransport sets no limit on connections: a stream may hold one for many
// minutes, and the next request must not wait for it. The environment, which
// net/http reads once, may name a proxy for the origin.
func newTransport(origin *url.URL, connect time.Duration, roots *x509.CertPool) *http.Transport {
	dialer := &net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
	proxy := http.ProxyFromEnvironment
	if named, err := proxy(&http.Request{URL: origin}); named == nil && err == nil {
		proxy = nil
	}
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   connect,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		MaxIdleConnsPerHost:   4096,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // the caller's Accept-Encoding is passed on
	}
}
