package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/upstream/proxytest"
)

// TestProxyPrograms sends requests through real proxies, whose logs have the requested
// addresses. A wrong or missing login is a failure of the egress.
func TestProxyPrograms(t *testing.T) {
	t.Parallel()
	const login = "me:secret@"
	for _, tt := range []struct {
		program, scheme, login string
		logs                   string // for a site at localhost
	}{
		{"microsocks", "socks5", login, "connected to 127.0.0.1:PORT"},
		{"microsocks", "socks5h", login, "connected to localhost:PORT"},
		{"microsocks", "socks5h", "me:wrong@", ""},
		{"microsocks", "socks5", "", ""},
		{"danted", "socks5", "", "127.0.0.1.PORT"},
		{"danted", "socks5h", "", "127.0.0.1.PORT"},
		{"tinyproxy", "http", login, "http://localhost:PORT/v1"},
		{"tinyproxy", "http", "me:wrong@", ""},
		{"tinyproxy", "http", "", ""},
	} {
		t.Run(tt.program+" "+tt.scheme+" "+tt.login, func(t *testing.T) {
			t.Parallel()
			proxy := proxytest.Start(t, tt.program)
			through := Egress{Proxy: proxy.URL(tt.scheme, tt.login)}
			s := newSite(t, good)
			target := &url.URL{Scheme: "http", Host: "localhost:" + s.url().Port()}
			p := NewPool(Options{Target: target, Connect: 20 * time.Second, Egress: through})
			t.Cleanup(p.Close)
			resolved := false
			p.connector.lookup = func(context.Context, string) ([]netip.Addr, error) {
				resolved = true
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			r := s.request(t, "POST", "x")
			r.URL.Host, r.Host = target.Host, target.Host
			resp, err := p.RoundTrip(r)
			if tt.logs == "" {
				if PhaseOf(err) != Proxy || s.connections() != 0 {
					t.Errorf("%v; the site has %d connections", err, s.connections())
				}
				return
			}
			if got := read(t, resp, err); got != "ok" {
				t.Error(got)
			}
			if want := strings.Replace(tt.logs, "PORT", target.Port(), 1); !strings.Contains(proxy.Log(), want) {
				t.Errorf("the proxy did not log %q", want)
			}
			if resolved != (tt.scheme == "socks5") {
				t.Errorf("a name was resolved here: %v", resolved)
			}

			from, server := secureSite(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Proto) }))
			from.options.Egress = through
			r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err = from.RoundTrip(r)
			if got := read(t, resp, err); got != "HTTP/2.0" {
				t.Errorf("with TLS: %s", got)
			}
		})
	}
}
