package config_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// builtins is a catalog of the built-in components, with their real schemas.
type builtins struct{}

var builtinDescription = sync.OnceValues(func() (sdk.Description, error) {
	p := sdk.Plugin{Name: "builtin", Version: "0.0.1", Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components())}
	return p.Describe()
})

func (builtins) Component(_ context.Context, kind sdk.Kind, ref string, _ *config.Plugin) (config.ComponentInfo, error) {
	d, err := builtinDescription()
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

// withAcme is a catalog of the built-in components and, if a plugin block declares it, of the plugin acme,
// which has one strategy, with every kind of setting.
type withAcme struct{ builtins }

func (w withAcme) Component(ctx context.Context, kind sdk.Kind, ref string, p *config.Plugin) (config.ComponentInfo, error) {
	if p == nil || kind != sdk.KindStrategy {
		return w.builtins.Component(ctx, kind, ref, p)
	}
	if ref != "acme" && ref != "acme/bandit" {
		return config.ComponentInfo{}, &config.UnknownComponentError{Kind: kind, Ref: ref, Known: []string{"acme/bandit"}}
	}
	return config.ComponentInfo{Plugin: "acme", Name: "bandit", Version: "1.2.3", Schema: acmeSchema()}, nil
}

func acmeSchema() *sdk.Schema {
	typed := func(t string) json.RawMessage { return json.RawMessage(t) }
	return &sdk.Schema{
		Attributes: []sdk.Attribute{
			{Name: "arms", Type: typed(`"number"`), Required: true, Doc: "how many arms the bandit has"},
			{Name: "mode", Type: typed(`"string"`), Enum: []string{"greedy", "softmax"}, Default: json.RawMessage(`"greedy"`)},
			{Name: "every", Type: typed(`"string"`), Format: sdk.FormatDuration},
			{Name: "memory", Type: typed(`"string"`), Format: sdk.FormatSize},
			{Name: "token", Type: typed(`"string"`), Sensitive: true},
			{Name: "pin", Type: typed(`"string"`), Sensitive: true, Enum: []string{"first", "second"}},
			{Name: "shares", Type: typed(`["list","number"]`)},
			{Name: "notes", Type: typed(`["map","string"]`)},
			{Name: "level", Type: typed(`"number"`), Enum: []string{"1", "2"}},
			{Name: "waits", Type: typed(`["list","string"]`), Format: sdk.FormatDuration},
		},
		Blocks: []sdk.Block{
			{Name: "arm", Labelled: true, Repeated: true, Schema: &sdk.Schema{Attributes: []sdk.Attribute{{Name: "bias", Type: typed(`"number"`), Required: true}}}},
			{Name: "limit", Schema: &sdk.Schema{Attributes: []sdk.Attribute{{Name: "most", Type: typed(`"number"`)}}}},
		},
	}
}

// checkComponents lets every built-in component check its block in this process, and adds the errors to
// the report. aitunnel validate does so in the process of the plugin.
func checkComponents(t *testing.T, cfg *config.Config, report config.Report) config.Report {
	t.Helper()
	var all []*config.Component
	for _, c := range cfg.Channels {
		all = append(all, c.KeySelector)
		if c.HealthCheck != nil {
			all = append(all, c.HealthCheck.Checker)
		}
	}
	for _, r := range cfg.Routes {
		all = append(all, r.Strategy)
	}
	for _, c := range all {
		if c.Plugin != "" {
			continue
		}
		instance, err := newInstance(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := instance.Configure(t.Context(), sdk.Config{Body: c.Body}); err != nil {
			report = report.AddComponentError(c, err)
			continue
		}
		if err := instance.Close(); err != nil {
			t.Error(err)
		}
	}
	return report
}

func newInstance(c *config.Component) (sdk.Component, error) {
	factories := map[sdk.Kind][]sdk.Factory{
		sdk.KindStrategy:      strategies.Components(),
		sdk.KindKeySelector:   keyselectors.Components(),
		sdk.KindHealthChecker: healthcheckers.Components(),
	}[c.Kind]
	i := slices.IndexFunc(factories, func(f sdk.Factory) bool { return f.Name == c.Name })
	if i < 0 {
		return nil, fmt.Errorf("there is no %s %q", c.Kind, c.Name)
	}
	return factories[i].New(), nil
}
