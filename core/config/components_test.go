package config_test

import (
	"slices"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

const componentsConfig = `
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

// The members of a component are the names of the channels, or the labels of the keys, that it plans.
func TestMembers(t *testing.T) {
	cfg, report := load(t, componentsConfig, nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	labels := []string{"team", "night"}
	for _, tt := range []struct {
		component *config.Component
		want      []string
	}{
		{cfg.Routes[0].Strategy, []string{"c", "a"}},
		{cfg.Routes[0].Shadows[0], []string{"c", "a"}},
		{cfg.Routes[1].Strategy, []string{"b"}},
		{cfg.Channels[0].KeySelector, labels},
		{cfg.Channels[0].HealthCheck.Checker, labels},
		{cfg.Channels[1].KeySelector, []string{}},
	} {
		if got := cfg.Members(tt.component); got == nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.component.Ref, got, tt.want)
		}
	}
}
