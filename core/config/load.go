// Package config reads the configuration: HCL text becomes an immutable Config,
// or a report of everything that is wrong with it. It starts nothing; it gets what
// it needs to know of plugins from a Catalog.
package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/verdict"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/redact"
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
	l.read()
	l.environment()
	if !l.diags.HasErrors() {
		l.evaluate()
		if !l.eval.stopped {
			l.decode()
		}
	}
	if !l.diags.HasErrors() {
		l.addWarnings()
		l.hideKeysInNames()
	}
	report := Report{diags: l.diags, sources: l.sources, secrets: l.secrets, inputs: l.inputs}
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
	l.read()
	unread := l.diags
	l.environment()
	l.evaluate()
	l.diags = nil
	l.declarePlugins()
	report := Report{diags: append(unread, l.diags...), sources: l.sources, secrets: l.secrets}
	if report.HasErrors() {
		return l.config.Plugins, errors.New(strings.Join(report.Lines(), "\n"))
	}
	return l.config.Plugins, nil
}

func newLoader(ctx context.Context, o Options) *loader {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	return &loader{
		ctx: ctx, options: o, sources: map[string]*redact.Source{}, inputs: map[string]string{}, secrets: &redact.Values{}, config: defaults(o.Path),
		eval: evaluation{sizes: map[string]int64{}, trusted: map[hclsyntax.Expression]bool{}},
	}
}

// loader is one Load.
type loader struct {
	ctx     context.Context
	options Options
	config  *Config
	sources map[string]*redact.Source
	inputs  map[string]string
	secrets *redact.Values
	diags   hcl.Diagnostics

	lastFile string // the file that was parsed last
	blocks   []*hclsyntax.Block
	top      []*hclsyntax.Attribute // outside of blocks

	eval  evaluation
	names names

	channelByName  map[string]*Channel
	egressByName   map[string]*Egress
	budgetByClient map[string]hcl.Range
	plugins        map[string]*Plugin

	lockReported bool // that the lock file of plugins is damaged
}

// evaluation is what is needed to evaluate expressions, and what they cost.
type evaluation struct {
	context   *hcl.EvalContext
	sizes     map[string]int64              // of variables and locals, and of all of a kind together
	spent     int64                         // bytes that the evaluated expressions may take
	trusted   map[hclsyntax.Expression]bool // the expressions that may be evaluated
	elsewhere bool                          // they were evaluated in another process
	stopped   bool                          // a limit was exceeded: nothing more is evaluated
	progress  func(at hcl.Range)            // called before each evaluation, in the other process
}

// start returns the place for errors without a line of their own.
func (l *loader) start() hcl.Range {
	return hcl.Range{Filename: l.lastFile, Start: hcl.InitialPos, End: hcl.InitialPos}
}

// names has the names that references may use.
type names struct{ variables, locals, channels, egresses, tunnels []string }

func (l *loader) fail(at hcl.Range, summary, detail string) {
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

func (l *loader) warn(at hcl.Range, summary, detail string) {
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// read parses the files.
func (l *loader) read() {
	files, err := l.files()
	if err != nil {
		l.failRead(hcl.Range{}, err)
		return
	}
	left := int64(hclfile.MaxText)
	for _, path := range files {
		text, err := l.text(path, left)
		if err != nil {
			l.failRead(hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}, err)
			continue
		}
		left -= int64(len(text))
		if path == l.options.Path && IsOld(path) {
			l.old(path, text)
			continue
		}
		l.parse(path, text)
	}
	if len(l.blocks) > maxBlocks {
		l.fail(l.blocks[maxBlocks].DefRange(), "Too many blocks", fmt.Sprintf("A configuration has at most %d blocks.", maxBlocks))
		l.blocks = nil
	}
}

// maxBlocks is the maximum number of blocks, which are compared with each other.
const maxBlocks = 10_000

func (l *loader) failRead(at hcl.Range, err error) {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read the configuration", Detail: wording.Sentence(err.Error())}
	if at.Filename != "" {
		d.Subject = &at
	}
	l.diags = append(l.diags, d)
}

// text reads one file. A pipe is not an input, since it never changes.
func (l *loader) text(path string, limit int64) ([]byte, error) {
	if _, given := l.options.Texts[path]; given || path != l.options.Path || !hclfile.IsPipe(path) {
		return l.input(path, limit)
	}
	text, err := hclfile.ReadPipe(path)
	if err == nil {
		l.warn(hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}, "Configuration from a pipe", "It was read once and is kept in memory: a reload does not read it again.")
	}
	return text, err
}

func (l *loader) files() ([]string, error) {
	if hclfile.IsPipe(l.options.Path) {
		return []string{l.options.Path}, nil
	}
	l.inputs[l.options.Path] = hclfile.Sum(l.options.Path)
	return hclfile.Files(l.options.Path)
}

func (l *loader) parse(path string, text []byte) {
	s := &redact.Source{Name: path, Text: text}
	l.lastFile = path
	l.sources[path] = s
	bodies, diags := hclfile.ParseFile(text, path)
	if diags.HasErrors() {
		s.Broken = true
		l.diags = append(l.diags, diags...)
		return
	}
	for _, body := range bodies {
		l.blocks = append(l.blocks, body.Blocks...)
		l.top = slices.AppendSeq(l.top, maps.Values(body.Attributes))
	}
}

// topBlocks returns the blocks of a type, checked for their number of labels.
func (l *loader) topBlocks(kind string, labels ...string) []*hclsyntax.Block {
	var out []*hclsyntax.Block
	for _, b := range l.blocks {
		if b.Type == kind && l.hasLabels(b, labels...) {
			out = append(out, b)
		}
	}
	return out
}

func (l *loader) hasLabels(b *hclsyntax.Block, labels ...string) bool {
	if len(b.Labels) == len(labels) {
		return true
	}
	example := b.Type
	for _, name := range labels {
		example += fmt.Sprintf(" %q", name)
	}
	l.fail(b.DefRange(), "Wrong number of labels", fmt.Sprintf("A %s block is written %s { … }.", b.Type, example))
	return false
}

// once returns the only block of a type, nil if there is none.
func (l *loader) once(kind string) *hclsyntax.Block {
	all := l.topBlocks(kind)
	for _, b := range all[min(1, len(all)):] {
		l.fail(b.DefRange(), "Duplicate block", fmt.Sprintf("A %s block is already declared at %s:%d; only one is allowed.", kind, all[0].DefRange().Filename, all[0].DefRange().Start.Line))
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// decode turns the blocks into the configuration.
func (l *loader) decode() {
	for _, b := range l.blocks {
		if known := BlockNames(); !slices.Contains(known, b.Type) {
			(&reader{loader: l}).mayBeSecret(b.Body.Range())
			l.fail(b.TypeRange, "Unknown block", fmt.Sprintf("There is no block %q here. %s", b.Type, wording.Instead(b.Type, known)))
		}
	}
	top := &reader{loader: l, attributes: hclsyntax.Attributes{}, what: "at the top level"}
	for _, a := range l.top {
		if first := top.attributes[a.Name]; first != nil {
			l.fail(a.NameRange, "Duplicate setting", fmt.Sprintf("%q is already set at %s:%d.", a.Name, first.NameRange.Filename, first.NameRange.Start.Line))
			continue
		}
		top.attributes[a.Name] = a
	}
	top.decode(l.config)
	top.attribute("env_file")
	top.done()
	l.ports()
	l.clients()
	l.retry()
	l.breaker()
	l.log()
	l.history()
	l.prices()
	l.declarePlugins()
	l.config.Verdicts = l.verdicts(l.topBlocks(verdict.BlockType, "name"), verdict.FromUser)
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
