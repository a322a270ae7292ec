package edit

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// place names a block, which is looked up again after each change of the text.
type place struct {
	document *Document
	kind     string
	label    string
}

func (p place) find() (*file, *hclsyntax.Block, error) { return p.document.block(p.kind, p.label) }

// set sets an attribute to a value.
func (p place) set(name, value string) error {
	f, b, err := p.find()
	if err != nil {
		return err
	}
	if a := b.Body.Attributes[name]; a != nil {
		r := a.Expr.Range()
		f.splice(r.Start.Byte, r.End.Byte, value)
		return nil
	}
	if f, b, err = p.open(); err != nil {
		return err
	}
	last := lastAttribute(b)
	if last == nil {
		f.splice(b.OpenBraceRange.End.Byte, b.OpenBraceRange.End.Byte, "\n"+p.inner(f, b)+name+" = "+value)
		return nil
	}
	// Align the equals sign with that of the line above.
	padding := ""
	if n := last.EqualsRange.Start.Column - last.NameRange.Start.Column - 1; n > len(name) {
		padding = strings.Repeat(" ", n-len(name))
	}
	at := f.lineEnd(last.Expr.Range().End.Byte)
	f.splice(at, at, "\n"+f.indent(last.NameRange.Start.Byte)+name+padding+" = "+value)
	return nil
}

// remove removes an attribute, with its line if nothing else is on it.
func (p place) remove(name string) error {
	f, b, err := p.find()
	if err != nil {
		return err
	}
	a := b.Body.Attributes[name]
	if a == nil {
		return nil
	}
	begin, end := a.SrcRange.Start.Byte, a.Expr.Range().End.Byte
	if f.alone(begin, end) {
		f.cut(begin, end)
	} else {
		f.splice(begin, end, "")
	}
	return nil
}

// open finds the block. If it is written on one line, which can have only one attribute, it is
// spread over several.
func (p place) open() (*file, *hclsyntax.Block, error) {
	f, b, err := p.find()
	if err != nil || b.OpenBraceRange.Start.Line != b.CloseBraceRange.Start.Line {
		return f, b, err
	}
	begin, end := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	outer := f.indent(b.TypeRange.Start.Byte)
	inside := string(bytes.TrimSpace(f.text[begin:end]))
	if inside != "" {
		inside = "\n" + outer + "  " + inside
	}
	f.splice(begin, end, inside+"\n"+outer)
	return p.find()
}

// inner returns the indentation of the block's content.
func (p place) inner(f *file, b *hclsyntax.Block) string {
	for _, a := range b.Body.Attributes {
		if a.NameRange.Start.Line > b.OpenBraceRange.Start.Line {
			return f.indent(a.NameRange.Start.Byte)
		}
	}
	return f.indent(b.TypeRange.Start.Byte) + "  "
}

// lastAttribute returns the attribute that ends last.
func lastAttribute(b *hclsyntax.Block) (last *hclsyntax.Attribute) {
	for _, a := range b.Body.Attributes {
		if last == nil || a.Expr.Range().End.Byte > last.Expr.Range().End.Byte {
			last = a
		}
	}
	return last
}

// add adds a block to this one: after those of its type, or else after the attributes.
func (p place) add(kind, label string, attributes [][2]string) error {
	f, b, err := p.open()
	if err != nil {
		return err
	}
	at := b.OpenBraceRange.End.Byte
	if last := lastAttribute(b); last != nil {
		at = f.lineEnd(last.Expr.Range().End.Byte)
	}
	for _, inside := range b.Body.Blocks {
		if inside.Type == kind {
			at = f.lineEnd(inside.CloseBraceRange.End.Byte)
		}
	}
	indent := p.inner(f, b)
	f.splice(at, at, "\n"+indent+strings.ReplaceAll(written(kind, label, attributes), "\n", "\n"+indent))
	return nil
}

// part is a block without a label, inside another.
type part struct {
	kind       string
	attributes [][2]string
}

// written returns a block in the usual layout, without a line break at its end. Parts
// without attributes are left out.
func written(kind, label string, attributes [][2]string, parts ...part) string {
	var out strings.Builder
	out.WriteString(kind + " " + text(label) + " {\n" + writtenLines("  ", attributes))
	for _, p := range parts {
		if len(p.attributes) > 0 {
			out.WriteString("  " + p.kind + " {\n" + writtenLines("    ", p.attributes) + "  }\n")
		}
	}
	return out.String() + "}"
}

// writtenLines returns attributes as lines.
func writtenLines(indent string, attributes [][2]string) string {
	widest := 0
	for _, a := range attributes {
		widest = max(widest, len(a[0]))
	}
	var out strings.Builder
	for _, a := range attributes {
		out.WriteString(indent + a[0] + strings.Repeat(" ", widest-len(a[0])) + " = " + a[1] + "\n")
	}
	return out.String()
}
