package notify

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/aitunnel/aitunnel/core/config"
)

// byHost is a transport that reaches some hosts through egresses. It replaces Go's default
// transport, since the library for the services offers no other way to choose a transport.
type byHost struct {
	others http.RoundTripper

	mu    sync.RWMutex
	hosts map[string]hostEgress
}

type hostEgress struct {
	owner     *Notifier
	transport *http.Transport
}

var services = func() *byHost {
	b := &byHost{others: http.DefaultTransport, hosts: map[string]hostEgress{}}
	http.DefaultTransport = b
	return b
}()

// RoundTrip is for [http.RoundTripper].
func (b *byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if t := b.of(r.URL.Hostname()); t != nil {
		return t.RoundTrip(r)
	}
	return b.others.RoundTrip(r)
}

func (b *byHost) of(host string) *http.Transport {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if e, ok := b.hosts[host]; ok {
		return e.transport
	}
	for suffix, e := range b.hosts {
		if strings.HasPrefix(suffix, ".") && strings.HasSuffix(host, suffix) {
			return e.transport
		}
	}
	return nil
}

// use replaces the hosts of a notifier.
func (b *byHost) use(owner *Notifier, all []*config.Notify, dial Dial) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for host, e := range b.hosts {
		if e.owner == owner {
			delete(b.hosts, host)
		}
	}
	if dial == nil {
		return
	}
	for _, n := range all {
		if n.Egress == nil || n.Egress.Name == config.EgressEnvironment { // the default transport follows the environment
			continue
		}
		t := &http.Transport{
			DisableKeepAlives: true, // messages are rare
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				return dial(ctx, n.Egress, address)
			},
		}
		for _, host := range n.Hosts() {
			b.hosts[host] = hostEgress{owner, t}
		}
	}
}
