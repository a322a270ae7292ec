package legacy

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Block is a block of the conversion. The one without a kind has the attributes of the top
// level.
type Block struct {
	kind       string
	label      string // "" for a block without one
	about      string // a comment above it
	at         hcl.Range
	labelAt    hcl.Range
	attributes []*Attribute
	blocks     []*Block
}

// Attribute is one attribute; a list has a range for each entry.
type Attribute struct {
	name     string
	value    cty.Value
	channels bool // the value is names of channels
	at       hcl.Range
	entries  []hcl.Range
}

func (b *Block) set(name string, value cty.Value, at hcl.Range) {
	b.attributes = append(b.attributes, &Attribute{name: name, value: value, at: at})
}

func (b *Block) text(name, value string, at hcl.Range) { b.set(name, cty.StringVal(value), at) }

func (b *Block) add(kind, label string, at hcl.Range) *Block {
	inner := &Block{kind: kind, label: label, at: at, labelAt: at}
	b.blocks = append(b.blocks, inner)
	return inner
}

// Syntax returns the block as the parser of HCL would return it.
func (b *Block) Syntax() *hclsyntax.Block {
	out := &hclsyntax.Block{
		Type: b.kind, TypeRange: b.at, OpenBraceRange: b.at, CloseBraceRange: b.at,
		Body: &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: b.at, EndRange: b.at},
	}
	if b.label != "" || b.kind == "channel" {
		out.Labels, out.LabelRanges = []string{b.label}, []hcl.Range{b.labelAt}
	}
	for _, a := range b.attributes {
		out.Body.Attributes[a.name] = a.Syntax()
	}
	for _, inner := range b.blocks {
		out.Body.Blocks = append(out.Body.Blocks, inner.Syntax())
	}
	return out
}

// Syntax returns the attribute as the parser of HCL would return it.
func (a *Attribute) Syntax() *hclsyntax.Attribute {
	out := &hclsyntax.Attribute{Name: a.name, SrcRange: a.at, NameRange: a.at, EqualsRange: a.at}
	if !a.value.Type().IsTupleType() {
		out.Expr = &hclsyntax.LiteralValueExpr{Val: a.value, SrcRange: a.at}
		return out
	}
	list := &hclsyntax.TupleConsExpr{SrcRange: a.at, OpenRange: a.at}
	for i, v := range a.value.AsValueSlice() {
		list.Exprs = append(list.Exprs, &hclsyntax.LiteralValueExpr{Val: v, SrcRange: a.entries[i]})
	}
	out.Expr = list
	return out
}

// Print writes the blocks in the usual layout.
func Print(path string, blocks []*Block) []byte {
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "# Converted from %s.\n", strings.Map(printable, filepath.Base(path)))
	for _, b := range blocks {
		out.WriteString("\n")
		b.print(&out)
	}
	return hclwrite.Format([]byte(out.String()))
}

// printable replaces characters that a comment on one line cannot have.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '_'
	}
	return r
}

func (b *Block) print(out *strings.Builder) {
	for line := range strings.Lines(b.about) {
		_, _ = fmt.Fprintf(out, "# %s\n", strings.TrimSuffix(line, "\n"))
	}
	if b.kind == "" {
		b.printBody(out)
		return
	}
	out.WriteString(b.kind)
	if b.label != "" {
		out.WriteString(" " + literal(cty.StringVal(b.label)))
	}
	if len(b.attributes)+len(b.blocks) == 0 {
		out.WriteString(" {}\n")
		return
	}
	out.WriteString(" {\n")
	b.printBody(out)
	out.WriteString("}\n")
}

func (b *Block) printBody(out *strings.Builder) {
	for _, a := range b.attributes {
		_, _ = fmt.Fprintf(out, "%s = %s\n", a.name, a.literal())
	}
	for _, inner := range b.blocks {
		inner.print(out)
	}
}

func (a *Attribute) literal() string {
	if !a.channels {
		return literal(a.value)
	}
	if !a.value.Type().IsTupleType() {
		return reference(a.value)
	}
	var all []string
	for _, v := range a.value.AsValueSlice() {
		all = append(all, reference(v))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// reference returns a reference to a channel: channel.NAME if the name allows that.
func reference(v cty.Value) string {
	if name := v.AsString(); hclsyntax.ValidIdentifier(name) {
		return "channel." + name
	}
	return literal(v)
}

func literal(v cty.Value) string { return string(hclwrite.TokensForValue(v).Bytes()) }

// TopLevel returns the attributes of the top level.
func (b *Block) TopLevel() ([]*Attribute, bool) { return b.attributes, b.kind == "" }
