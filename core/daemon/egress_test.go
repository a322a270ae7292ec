//go:build linux

package daemon_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/upstream/proxytest"
)

// A channel that blocks this address is reached through a proxy, and if that is blocked
// too, through the host of a tunnel. The API says which egress is used.
func TestABlockedChannelUsesItsEgresses(t *testing.T) {
	s := site(t, "only")
	p := proxytest.Start(t, "microsocks")
	host := sshdtest.Start(t, sshdtest.Options{})
	r := startWithHome(t, host.Home, tunnelBlock(host, "friend")+fmt.Sprintf(`
egress "clash" { proxy = %q }
egress "hop" { tunnel = tunnel.friend }
channel "only" {
  target = %q
  keys   = ["key-only-1"]
  egress = [egress.direct, egress.clash, "hop"]
}
retry { base_delay = "1ms" }
`, p.URL("socks5", "me:secret@").String(), s.URL()))
	r.awaitTunnel("friend", "up")
	used := func() (name string) {
		for _, e := range r.channel("only").Egress {
			if e.Used {
				name = e.Name
			}
		}
		return name
	}
	for i, want := range []string{"direct", "clash", "hop"} {
		if i > 0 {
			s.Next(fakesite.Status(403, "error code: 1010", "Content-Type", "text/plain"))
		}
		if got := r.post(chat, ask); got.status != 200 || used() != want {
			t.Fatalf("%d %s: the egress %q is used, want %q", got.status, got.body, used(), want)
		}
		if attempts := r.lastRequest().Attempts; attempts[len(attempts)-1].Egress != want {
			t.Errorf("%+v", attempts)
		}
	}
	if address := strings.TrimPrefix(s.URL(), "http://"); strings.Count(p.Log(), "connected to "+address) != 1 {
		t.Errorf("the proxy did not log one connection to %s", address)
	}
}
