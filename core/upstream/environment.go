package upstream

import (
	"net/url"
	"os"
	"strings"
	"sync"

	"golang.org/x/net/http/httpproxy"
)

// environment returns the proxy settings of the environment as they are at the first
// call: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case.
var environment = sync.OnceValue(func() func(*url.URL) (*url.URL, error) {
	c := httpproxy.FromEnvironment()
	all := firstSet("ALL_PROXY", "all_proxy")
	if c.HTTPProxy == "" {
		c.HTTPProxy = all
	}
	if c.HTTPSProxy == "" {
		c.HTTPSProxy = all
	}
	return c.ProxyFunc()
})

func firstSet(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// FromEnvironment returns the egress that the environment sets for a site. It is direct
// for a site on this machine.
func FromEnvironment(target *url.URL) Egress {
	u, err := environment()(target)
	if err != nil || u == nil {
		return Egress{}
	}
	if u.Scheme == "socks" { // as desktops write it
		own := *u
		own.Scheme = "socks5h"
		u = &own
	}
	u.Scheme = strings.ToLower(u.Scheme)
	return Egress{Proxy: u}
}
