package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
)

// The whole example is valid without any environment variables, with warnings about the values that must be
// filled in.
func TestExampleIsValid(t *testing.T) {
	const path = "../../config.hcl.example"
	cfg, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(nil)})
	if report.HasErrors() {
		t.Fatalf("%v", report.Lines())
	}
	for _, d := range report.Diagnostics() {
		if d.Summary != "Placeholder in place of a value" && d.Summary != "Example in place of a host" {
			t.Errorf("%+v", d)
		}
	}
	if n := len(report.Diagnostics()); n != 5 {
		t.Errorf("%d warnings, want 5: %v", n, report.Lines())
	}
	if len(cfg.Channels) != 2 || len(cfg.Routes) != 1 || len(cfg.Channels[0].Keys) != 1 || cfg.Channels[1].Keys[0].Label != "team" {
		t.Errorf("%+v", cfg)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := config.Format(path, text); !bytes.Equal(out, text) {
		t.Errorf("it is not formatted (-got +formatted):\n%s", cmp.Diff(string(text), string(out)))
	}
}

// The example of each block is valid, together with the channels that it refers to.
func TestExampleOfEachBlockIsValid(t *testing.T) {
	const channels = `
channel "primary" {
  target = "https://a.example"
  keys   = ["key-1"]
}
channel "backup" {
  target = "https://b.example"
  keys   = ["key-2"]
}
`
	for _, name := range config.BlockNames() {
		t.Run(name, func(t *testing.T) {
			text, err := config.Example(name)
			if err != nil {
				t.Fatal(err)
			}
			if name == "channel" { // its example is the channel "primary"
				text += strings.Replace(channels, `"primary"`, `"other"`, 1)
			} else {
				text += channels
			}
			if _, report := load(t, text, nil); report.HasErrors() {
				t.Errorf("%s\n%s", strings.Join(report.Lines(), "\n"), text)
			}
		})
	}
}

func TestExampleOfAnUnknownBlock(t *testing.T) {
	for name, want := range map[string]string{
		"chanel":   `Did you mean "channel"?`,
		"strategy": `"strategy" is part of the block "route": name that one`,
		"forward":  `"forward" is part of the block "tunnel": name that one`,
		"timeouts": `"timeouts" is part of the block "channel": name that one`,
	} {
		if _, err := config.Example(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
