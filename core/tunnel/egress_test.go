//go:build linux

package tunnel

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/upstream"
)

// A tunnel without forwards carries connections to sites. Failures of its host are
// distinguished from those of the site.
func TestEgress(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer site.Close()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Forwards = nil
	r := open(t, s, c)
	r.await(Up)
	dial := func(ctx context.Context, address string) (net.Conn, error) { return r.Dial(ctx, "vps", address) }
	u, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort("localhost", u.Port()) // resolved by the host of the tunnel
	pool := upstream.NewPool(upstream.Options{Target: u, Connect: 10 * time.Second, Egress: upstream.Egress{Dial: dial}})
	defer pool.Close()
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := pool.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(b) != "ok" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if _, err := dial(t.Context(), freeAddress(t)); upstream.PhaseOf(err) != upstream.Connect {
		t.Errorf("a site that refuses: %v", err)
	}
	if _, err := r.Tunnels.Dial(t.Context(), "other", "localhost:1"); upstream.PhaseOf(err) != upstream.Proxy {
		t.Errorf("an unknown tunnel: %v", err)
	}
	s.Stop()
	s.Signal(syscall.SIGKILL)
	testhelp.Eventually(t, "the connection is lost", func() bool {
		_, err := dial(t.Context(), u.Host)
		return upstream.PhaseOf(err) == upstream.Proxy
	})
}
