package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// Names that look like keys are masked in the configuration, so nothing shows them, and references to
// them still work.
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
	cfg, report := load(t, text, nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	for what, got := range map[string]string{
		"channel": cfg.Channels[0].Name, "channel of the route": cfg.Routes[0].Channels[0].Name,
		"tunnel": cfg.Tunnels[0].Name, "channel of the forward": cfg.Tunnels[0].Forwards[0].Channel.Name,
		"client": cfg.Clients[0].Name, "egress": cfg.Egresses[0].Name, "tunnel of the egress": cfg.Egresses[0].Tunnel,
	} {
		if got != shown {
			t.Errorf("the %s is not masked as %s", what, shown)
		}
	}
	if text := fmt.Sprint(report.Lines()); strings.Contains(text, name) || !strings.Contains(text, "looks like a key") {
		t.Error("the report shows a name, or lacks the warning about it")
	}
}
