package config_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// builtins has the real schemas of the built-in components.
type builtins struct{}

var described = sync.OnceValues(func() (sdk.Description, error) {
	p := sdk.Plugin{Name: "builtin", Version: "0.0.1", Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components())}
	return p.Describe()
})

func (builtins) Component(_ context.Context, kind sdk.Kind, ref string, _ *config.Plugin) (config.ComponentInfo, error) {
	d, err := described()
	if err != nil {
		return config.ComponentInfo{}, err
	}
	unknown := &config.UnknownComponentError{Kind: kind, Ref: ref}
	for _, c := range d.Components {
		if c.Kind != kind {
			continue
		}
		if c.Name == ref {
			return config.ComponentInfo{Name: c.Name, Version: "0.0.1", Doc: c.Doc, Schema: c.Schema}, nil
		}
		unknown.Known = append(unknown.Known, c.Name)
	}
	return config.ComponentInfo{}, unknown
}

// The example is valid without any environment variables, with warnings for values that must
// be filled in.
func TestTheExampleIsValid(t *testing.T) {
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
	if len(report.Diagnostics()) != 5 {
		t.Errorf("%v", report.Lines())
	}
	if len(cfg.Channels) != 2 || len(cfg.Routes) != 1 || len(cfg.Channels[0].Keys) != 1 || cfg.Channels[1].Keys[0].Label != "team" {
		t.Errorf("%+v", cfg)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := config.Format(path, text); !bytes.Equal(out, text) {
		t.Errorf("run aitunnel fmt on it:\n%s", out)
	}
}
