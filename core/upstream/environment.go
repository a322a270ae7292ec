package upstream

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/net/http/httpproxy"
)

// environment returns the proxy settings of the environment as they are at the first
// call: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case.
var environment = sync.OnceValue(func() func(*url.URL) (*url.URL, error) {
	c := httpproxy.FromEnvironment()
	all := cmp.Or(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy"))
	c.HTTPProxy = usable(cmp.Or(c.HTTPProxy, all))
	c.HTTPSProxy = usable(cmp.Or(c.HTTPSProxy, all))
	return c.ProxyFunc()
})

// unusable stands for a proxy that cannot be used: package httpproxy would ignore it, and
// sites would be reached directly.
const unusable = "unusable.invalid"

// usable returns the URL of a proxy, or one of the host [unusable].
func usable(proxy string) string {
	if proxy == "" {
		return ""
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Scheme == "" || u.Host == "" {
		u, err = url.Parse("http://" + proxy)
	}
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks", "socks5", "socks5h"}, u.Scheme) {
		return "http://" + unusable
	}
	if port, err := strconv.ParseUint(proxyPort(u), 10, 16); err != nil || port == 0 {
		return "http://" + unusable
	}
	return proxy
}

// FromEnvironment returns the egress that the environment sets for a site. It is direct
// for a site on this machine.
func FromEnvironment(target *url.URL) Egress {
	u, err := environment()(target)
	switch {
	case err != nil || u == nil:
		return Egress{}
	case u.Host == unusable:
		return Egress{Dial: func(context.Context, string) (net.Conn, error) { return nil, errEnvironment }}
	case u.Scheme == "socks": // as desktops write it
		own := *u
		own.Scheme = "socks5h"
		u = &own
	}
	return Egress{Proxy: u}
}

var errEnvironment = Reason("the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY sets cannot be used: expected a URL such as socks5h://127.0.0.1:1080")
