package config_test

import (
	"slices"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

const withPlugin = `
plugin "acme" {
  resources {
    memory    = "80MiB"
    log_lines = 7
  }
}
plugin "other" {}
channel "a" {
  target = "https://a.test"
  key "team" {
    value = "key-of-the-team"
  }
  key "night" {
    value = "key-for-the-night"
  }
  key_selector "round-robin" {}
  health_check "http" {}
}
channel "b" {
  target = "https://b.test"
  keys   = ["key-without-a-label"]
}
channel "c" {
  target = "https://c.test"
  auth   = "none"
}
route "/v1/**" {
  channels = [channel.c, channel.a]
  strategy "priority" {}
  shadow "round-robin" {}
}
route "/**" {
  channels = [channel.b]
}
`

func TestResourcesOfAPlugin(t *testing.T) {
	cfg, report := loadAlone(t, withPlugin, nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	if got := cfg.Plugin("acme").Resources; got != (config.Resources{Memory: 80 << 20, LogLines: 7}) {
		t.Errorf("%+v", got)
	}
	if got := cfg.Plugin("other").Resources; got != (config.Resources{Memory: 512 << 20, LogLines: 200}) {
		t.Errorf("without a block: %+v", got)
	}
}

// TestMembersOfComponents: a component gets the names of the channels, or the labels of the
// keys, for which it plans.
func TestMembersOfComponents(t *testing.T) {
	cfg, report := loadAlone(t, withPlugin, nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	labels := []string{"team", "night"}
	for _, tt := range []struct {
		of   *config.Component
		want []string
	}{
		{cfg.Routes[0].Strategy, []string{"c", "a"}},
		{cfg.Routes[0].Shadows[0], []string{"c", "a"}},
		{cfg.Routes[1].Strategy, []string{"b"}},
		{cfg.Channels[0].KeySelector, labels},
		{cfg.Channels[0].HealthCheck.Checker, labels},
		{cfg.Channels[1].KeySelector, []string{}},
	} {
		if got := cfg.Members(tt.of); got == nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.of.Ref, got, tt.want)
		}
	}
}
