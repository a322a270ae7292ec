package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesThatLookLikeKeys are masked for everything that shows them, and still refer to each other.
func TestNamesThatLookLikeKeys(t *testing.T) {
	const name, shown = "sk-live-0123456789abcdef", "sk-*****************cdef"
	text := strings.ReplaceAll(`
channel "NAME" {
  target = "https://api.test"
  keys   = ["sk-one-of-the-test-0001"]
}
egress "NAME" {
  tunnel = tunnel["NAME"]
}
tunnel "NAME" {
  host = "vps.test"
  user = "me"
  forward "127.0.0.1:9000" {
    channel = channel["NAME"]
  }
}
client "NAME" {
  token = "a-client-token-of-the-test"
}
route "/**" {
  channels = [channel["NAME"]]
}
`, "NAME", name)
	cfg, report := loadAlone(t, text, nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	got := []string{cfg.Channels[0].Name, cfg.Routes[0].Channels[0].Name, cfg.Tunnels[0].Name, cfg.Tunnels[0].Forwards[0].Channel.Name, cfg.Clients[0].Name, cfg.Egresses[0].Name, cfg.Egresses[0].Tunnel}
	for i, s := range got {
		if s != shown {
			t.Errorf("%d: %q", i, s)
		}
	}
	if text := fmt.Sprint(report.Lines()); strings.Contains(text, name) || !strings.Contains(text, "looks like a key") {
		t.Error(text)
	}
}
