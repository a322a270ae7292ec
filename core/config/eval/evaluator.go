// Package eval reads the files of a configuration, and evaluates their expressions within limits
// of size, depth and time. Variables and locals are the only blocks that it knows.
package eval

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/config/redact"
)

// Options of an [Evaluator].
type Options struct {
	Path       string                      // a file, or a directory whose *.hcl files are read in name order
	Vars       map[string]string           // values of variables, before those of the environment
	Texts      map[string][]byte           // contents to use instead of those of files
	Getenv     func(string) (string, bool) // default os.LookupEnv
	Predefined map[string][]string         // names of predefined blocks, by type
}

// Evaluator reads a configuration: call [Evaluator.Read], [Evaluator.ReadEnvironment] and
// [Evaluator.Evaluate] in this order, then [Evaluator.Value] for each expression of a block.
type Evaluator struct {
	Options
	Blocks []*hclsyntax.Block
	Top    []*hclsyntax.Attribute // outside of blocks

	Diags   hcl.Diagnostics
	Sources map[string]*redact.Source // the text of each file
	Secrets *redact.Values            // that no report may show
	Inputs  map[string]string         // the sums of the files that were read, or are missing

	ctx      context.Context
	lastFile string              // the file that was parsed last
	names    map[string][]string // that references may use, by root

	context        *hcl.EvalContext
	sizes          map[string]int64              // of variables and locals, and of all of a kind together
	spent          int64                         // bytes that the evaluated expressions may take
	trusted        map[hclsyntax.Expression]bool // the expressions that may be evaluated
	checkedInChild bool                          // everything was evaluated in a child process
	stopped        bool                          // a limit was exceeded: nothing more is evaluated
	progress       func(at hcl.Range)            // in the child, called before each evaluation
}

// New returns an evaluator that has read nothing yet. The child process that it may start is killed when ctx is
// done.
func New(ctx context.Context, o Options) *Evaluator {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	return &Evaluator{
		Options: o, ctx: ctx,
		Sources: map[string]*redact.Source{}, Secrets: &redact.Values{}, Inputs: map[string]string{},
		names: map[string][]string{"var": nil, "local": nil, "channel": nil, "egress": nil, "tunnel": nil},
		sizes: map[string]int64{}, trusted: map[hclsyntax.Expression]bool{},
	}
}

// Stopped reports whether a limit was exceeded, so that nothing more is evaluated.
func (ev *Evaluator) Stopped() bool { return ev.stopped }

// Context returns the variables and functions of expressions.
func (ev *Evaluator) Context() *hcl.EvalContext { return ev.context }

// Names returns the names that may follow a root in references: var, local, channel, egress or
// tunnel.
func (ev *Evaluator) Names(root string) []string { return ev.names[root] }

// Start returns the place for errors without a line of their own.
func (ev *Evaluator) Start() hcl.Range {
	return hcl.Range{Filename: ev.lastFile, Start: hcl.InitialPos, End: hcl.InitialPos}
}

// Fail reports an error.
func (ev *Evaluator) Fail(at hcl.Range, summary, detail string) {
	ev.Diags = append(ev.Diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// Warn reports a warning.
func (ev *Evaluator) Warn(at hcl.Range, summary, detail string) {
	ev.Diags = append(ev.Diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// TopBlocks returns the top-level blocks of a type, those with the right number of labels; the
// others are errors.
func (ev *Evaluator) TopBlocks(kind string, labels ...string) []*hclsyntax.Block {
	var out []*hclsyntax.Block
	for _, b := range ev.Blocks {
		if b.Type == kind && ev.HasLabels(b, labels...) {
			out = append(out, b)
		}
	}
	return out
}

// HasLabels reports whether a block has as many labels as these; if not, it reports an error.
func (ev *Evaluator) HasLabels(b *hclsyntax.Block, labels ...string) bool {
	if len(b.Labels) == len(labels) {
		return true
	}
	example := b.Type
	for _, name := range labels {
		example += fmt.Sprintf(" %q", name)
	}
	ev.Fail(b.DefRange(), "Wrong number of labels", fmt.Sprintf("A %s block is written %s { … }.", b.Type, example))
	return false
}
