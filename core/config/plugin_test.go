package config_test

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

const twoPlugins = oneChannel + `
plugin "acme" {
  resources {
    memory    = "80MiB"
    log_lines = 7
  }
}
plugin "other" {}
`

func TestResourcesOfAPlugin(t *testing.T) {
	cfg, report := load(t, twoPlugins, nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	if got := cfg.Plugin("acme").Resources; got != (config.Resources{Memory: 80 << 20, LogLines: 7}) {
		t.Errorf("%+v", got)
	}
	if got := cfg.Plugin("other").Resources; got != (config.Resources{Memory: 512 << 20, LogLines: 200}) {
		t.Errorf("default: %+v", got)
	}
}
