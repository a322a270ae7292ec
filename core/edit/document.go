// Package edit makes single changes to the text of a configuration, and keeps comments, order
// and layout of everything else. It finds places with the syntax tree, and writes new text
// with hclwrite. Whether the result is valid is checked by core/config.
package edit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/redact"
)

// Document is the text of a configuration, file by file.
type Document struct {
	files []*file
}

type file struct {
	name string
	text []byte
	body *hclsyntax.Body // of text
	was  []byte
}

// Open reads the files of the configuration at path.
func Open(path string) (*Document, error) {
	if hclfile.IsPipe(path) {
		return nil, fmt.Errorf("the configuration was read from %s, which cannot be written", path)
	}
	names, err := hclfile.Files(path)
	if err != nil {
		return nil, err
	}
	d := &Document{}
	for _, name := range names {
		text, err := hclfile.Read(name)
		if err != nil {
			return nil, err
		}
		d.files = append(d.files, &file{name: name, text: text, was: text})
	}
	return d, nil
}

// Texts returns the contents of the files by name.
func (d *Document) Texts() map[string][]byte {
	out := map[string][]byte{}
	for _, f := range d.files {
		out[f.name] = f.text
	}
	return out
}

// Changed returns the contents of the files that were changed.
func (d *Document) Changed() map[string][]byte {
	out := map[string][]byte{}
	for _, f := range d.files {
		if !bytes.Equal(f.text, f.was) {
			out[f.name] = f.text
		}
	}
	return out
}

// Names returns the names of the files in their order.
func (d *Document) Names() (names []string) {
	for _, f := range d.files {
		names = append(names, f.name)
	}
	return names
}

// Replace replaces the content of a file. The name may be "" if there is only one.
func (d *Document) Replace(name string, text []byte) error {
	if name == "" && len(d.files) == 1 {
		name = d.files[0].name
	}
	for _, f := range d.files {
		if f.name == name {
			f.text, f.body = text, nil
			return nil
		}
	}
	return fmt.Errorf("the configuration has no file %q: it consists of %s", name, strings.Join(d.Names(), ", "))
}

// parse returns the syntax tree.
func (f *file) parse() (*hclsyntax.Body, error) {
	if f.body == nil {
		body, diags := hclfile.Parse(f.text, f.name, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, fmt.Errorf("%s cannot be parsed", f.name)
		}
		f.body = body
	}
	return f.body, nil
}

// splice replaces the bytes from begin to end by text.
func (f *file) splice(begin, end int, text string) {
	var out bytes.Buffer
	out.Write(f.text[:begin])
	out.WriteString(strings.ReplaceAll(text, "\n", f.newline()))
	out.Write(f.text[end:])
	f.text, f.body = out.Bytes(), nil
}

// newline returns the line end that the file uses.
func (f *file) newline() string {
	if bytes.Contains(f.text, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// each calls do with every block of a type.
func (d *Document) each(kind string, do func(*file, *hclsyntax.Block) error) error {
	for _, f := range d.files {
		body, err := f.parse()
		if err != nil {
			return err
		}
		for _, b := range body.Blocks {
			if b.Type == kind {
				if err := do(f, b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// block finds a block by its first label, or by how that is shown if it looks like a key.
func (d *Document) block(kind, label string) (in *file, found *hclsyntax.Block, err error) {
	err = d.each(kind, func(f *file, b *hclsyntax.Block) error {
		if found == nil && len(b.Labels) > 0 && (b.Labels[0] == label || redact.KeyLike(b.Labels[0]) == label) {
			in, found = f, b
		}
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("no file has a block %s %q", kind, label)
	}
	return in, found, err
}

// literal returns a value as HCL.
func literal(v cty.Value) string { return string(hclwrite.TokensForValue(v).Bytes()) }

func text(s string) string { return literal(cty.StringVal(s)) }

// lineStart and lineEnd return the bounds of the line that contains a byte, without its line
// break.
func (f *file) lineStart(at int) int { return bytes.LastIndexByte(f.text[:at], '\n') + 1 }

func (f *file) lineEnd(at int) int {
	i := bytes.IndexByte(f.text[at:], '\n')
	if i < 0 {
		return len(f.text)
	}
	if end := at + i; end > at && f.text[end-1] == '\r' {
		return end - 1
	}
	return at + i
}

// nextLine returns the start of the line after the one that contains a byte.
func (f *file) nextLine(at int) int {
	if i := bytes.IndexByte(f.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(f.text)
}

// indent returns the white space at the start of the line that contains a byte.
func (f *file) indent(at int) string {
	start := f.lineStart(at)
	line := f.text[start:at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// alone reports whether there is nothing but white space, a comma and a comment beside
// the bytes from begin to end on their lines.
func (f *file) alone(begin, end int) bool {
	before := bytes.TrimSpace(f.text[f.lineStart(begin):begin])
	after := bytes.TrimLeft(f.text[end:f.lineEnd(end)], " \t,")
	return len(before) == 0 && (len(bytes.TrimSpace(after)) == 0 || after[0] == '#' || bytes.HasPrefix(after, []byte("//")))
}

// cut removes the lines from begin to end, and one of the two blank lines that
// then follow each other.
func (f *file) cut(begin, end int) {
	begin, end = f.lineStart(begin), f.nextLine(end)
	blank := func(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }
	if before := f.lineStart(max(begin-1, 0)); end < len(f.text) && blank(f.text[before:begin]) && blank(f.text[end:f.nextLine(end)]) {
		end = f.nextLine(end)
	}
	f.splice(begin, end, "")
}
