// Package config reads the configuration: HCL text becomes an immutable Config,
// or a report of everything that is wrong with it. It starts nothing; it gets what
// it needs to know of plugins from a Catalog.
package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/verdict"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Options of [Load].
type Options struct {
	Path    string            // a file, or a directory whose *.hcl files are read in name order
	Vars    map[string]string // values of variables, before those of the environment
	Catalog Catalog
	Texts   map[string][]byte           // contents to use instead of those of files
	Getenv  func(string) (string, bool) // default os.LookupEnv
}

// Load reads, evaluates and checks a configuration. cfg is nil if the report
// has errors; otherwise the report may have warnings.
func Load(ctx context.Context, o Options) (*Config, Report) {
	l := newLoader(ctx, o)
	l.Read()
	l.ReadEnvironment()
	if !l.Diags.HasErrors() {
		l.Evaluate(l.variable)
		if !l.Stopped() {
			l.decode()
		}
	}
	if !l.Diags.HasErrors() {
		l.addWarnings()
		l.hideKeysInNames()
	}
	report := l.report()
	if report.HasErrors() {
		return nil, report
	}
	return l.config, report
}

// Declared returns the plugin blocks of a configuration, even if there are errors in the rest
// of it. It calls no plugin.
func Declared(o Options) []*Plugin {
	blocks, _ := PluginBlocks(o)
	return blocks
}

// PluginBlocks is [Declared] for callers that must not miss a setting, such as a signing key:
// a file or a plugin block that cannot be read is an error.
func PluginBlocks(o Options) ([]*Plugin, error) {
	l := newLoader(context.Background(), o)
	l.Read()
	unread := l.Diags
	l.ReadEnvironment()
	l.Evaluate(l.variable)
	l.Diags = nil
	l.declarePlugins()
	l.Diags = append(unread, l.Diags...)
	report := l.report()
	if report.HasErrors() {
		return l.config.Plugins, errors.New(strings.Join(report.Lines(), "\n"))
	}
	return l.config.Plugins, nil
}

func (l *loader) report() Report {
	return Report{diags: l.Diags, sources: l.Sources, secrets: l.Secrets, inputs: l.Inputs}
}

func newLoader(ctx context.Context, o Options) *loader {
	return &loader{
		Evaluator: eval.New(ctx, eval.Options{
			Path: o.Path, Vars: o.Vars, Texts: o.Texts, Getenv: o.Getenv,
			Predefined: map[string][]string{"egress": {EgressDirect, EgressEnvironment}},
		}),
		ctx: ctx, catalog: o.Catalog, config: defaults(o.Path),
	}
}

// loader is one Load.
type loader struct {
	*eval.Evaluator
	ctx     context.Context
	catalog Catalog
	config  *Config

	channelByName  map[string]*Channel
	egressByName   map[string]*Egress
	budgetByClient map[string]hcl.Range
	plugins        map[string]*Plugin

	lockReported bool // that the lock file of plugins is damaged
}

// variable checks the settings of a variable block, whose value the evaluator reads.
func (l *loader) variable(b *hclsyntax.Block) {
	r := l.reader(b, fmt.Sprintf("in variable %q", b.Labels[0]))
	r.Decode(&variableSettings{})
	r.Attribute("default")
	r.Done()
}

// reader reads one block, with methods for what only some blocks have.
type reader struct {
	*block.Reader
	loader *loader
}

func (l *loader) reader(b *hclsyntax.Block, what string) *reader {
	return &reader{block.NewReader(l.Evaluator, types, b, what), l}
}

// once returns the only block of a type, nil if there is none.
func (l *loader) once(kind string) *hclsyntax.Block {
	all := l.TopBlocks(kind)
	for _, b := range all[min(1, len(all)):] {
		l.Fail(b.DefRange(), "Duplicate block", fmt.Sprintf("A %s block is already declared at %s:%d; only one is allowed.", kind, all[0].DefRange().Filename, all[0].DefRange().Start.Line))
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// decode turns the blocks into the configuration.
func (l *loader) decode() {
	for _, b := range l.Blocks {
		if known := BlockNames(); !slices.Contains(known, b.Type) {
			l.MayBeSecret(b.Body.Range())
			l.Fail(b.TypeRange, "Unknown block", fmt.Sprintf("There is no block %q here. %s", b.Type, wording.Instead(b.Type, known)))
		}
	}
	top := block.NewTopReader(l.Evaluator, types, hclsyntax.Attributes{})
	for _, a := range l.Top {
		if first := top.Attributes[a.Name]; first != nil {
			l.Fail(a.NameRange, "Duplicate setting", fmt.Sprintf("%q is already set at %s:%d.", a.Name, first.NameRange.Filename, first.NameRange.Start.Line))
			continue
		}
		top.Attributes[a.Name] = a
	}
	top.Decode(l.config)
	top.Attribute("env_file")
	top.Done()
	l.ports()
	l.clients()
	l.retry()
	l.breaker()
	l.log()
	l.history()
	l.prices()
	l.declarePlugins()
	l.config.Verdicts = l.verdicts(l.TopBlocks(verdict.BlockType, "name"), verdict.FromUser)
	l.egresses()
	l.channels()
	l.pricedBudgets()
	l.routes()
	l.tunnels()
	l.notifications()
}

// Tunnel returns the tunnel of that name, nil if there is none.
func (c *Config) Tunnel(name string) *Tunnel {
	for _, t := range c.Tunnels {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Plugin returns the declaration of a plugin, nil if there is none.
func (c *Config) Plugin(name string) *Plugin {
	for _, p := range c.Plugins {
		if p.Name == name {
			return p
		}
	}
	return nil
}
