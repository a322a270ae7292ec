package config

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// VerdictCatalog is a [Catalog] that also has the verdict rules of plugins.
type VerdictCatalog interface {
	// Verdicts returns the rules of a plugin in HCL, and the identifier of its build.
	Verdicts(ctx context.Context, plugin string, block *Plugin) (text, build string, err error)
}

// pluginRules has the rules of one plugin.
type pluginRules struct {
	rules []*verdict.Rule
	build string
}

// PluginRules returns the rules of the plugins that a channel names in verdicts.
func (c *Config) PluginRules(ch *Channel) (all []*verdict.Rule) {
	for _, name := range ch.VerdictSets {
		all = append(all, c.verdictSets[name].rules...)
	}
	return all
}

// verdictSets loads the rules of the plugins that a channel names at at.
func (l *loader) verdictSets(ch *Channel, at hcl.Range) {
	for _, name := range ch.VerdictSets {
		if _, known := l.config.verdictSets[name]; known {
			continue
		}
		if l.config.verdictSets == nil {
			l.config.verdictSets = map[string]pluginRules{}
		}
		l.config.verdictSets[name] = pluginRules{} // a mistake is reported once
		catalog, ok := l.catalog.(VerdictCatalog)
		if !ok {
			continue
		}
		text, build, err := catalog.Verdicts(l.ctx, name, l.plugins[name])
		if errors.Is(err, ErrNotReady) {
			l.Warn(at, fmt.Sprintf("The verdicts of the plugin %q are not used yet", name), wording.Sentence(err.Error()))
			continue
		}
		if err != nil {
			l.Fail(at, fmt.Sprintf("The verdicts of the plugin %q cannot be used", name), wording.Sentence(err.Error()))
			continue
		}
		if text == "" {
			l.Fail(at, fmt.Sprintf("The plugin %q has no verdicts", name), "Remove it from verdicts.")
			continue
		}
		rules, diags := verdict.CompileSource([]byte(text), "verdicts of plugin "+name, verdict.FromPlugin)
		if diags.HasErrors() {
			l.Fail(at, fmt.Sprintf("The verdicts of the plugin %q are not valid", name), wording.Sentence(diags.Error())+" Tell its author, or install another version.")
			continue
		}
		l.config.verdictSets[name] = pluginRules{rules, build}
	}
}

// VerdictBuilds returns the identifiers of the builds of plugins whose verdicts are used, by the names of the plugins.
func (c *Config) VerdictBuilds() map[string]string {
	builds := map[string]string{}
	for name, rules := range c.verdictSets {
		builds[name] = rules.build
	}
	return builds
}
