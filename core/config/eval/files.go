package eval

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/legacy"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
)

// Read parses the files.
func (ev *Evaluator) Read() {
	files, err := ev.files()
	if err != nil {
		ev.failRead(hcl.Range{}, err)
		return
	}
	left := int64(hclfile.MaxText)
	for _, path := range files {
		text, err := ev.text(path, left)
		if err != nil {
			ev.failRead(hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}, err)
			continue
		}
		left -= int64(len(text))
		if path == ev.Path && legacy.Is(path) {
			ev.old(path, text)
			continue
		}
		ev.Parse(path, text)
	}
	if len(ev.Blocks) > maxBlocks {
		ev.Fail(ev.Blocks[maxBlocks].DefRange(), "Too many blocks", fmt.Sprintf("A configuration has at most %d blocks.", maxBlocks))
		ev.Blocks = nil
	}
}

// maxBlocks is the maximum number of blocks, which are compared with each other.
const maxBlocks = 10_000

func (ev *Evaluator) failRead(at hcl.Range, err error) {
	detail := wording.Sentence(err.Error())
	if failed, ok := err.(*fs.PathError); ok { //nolint:errorlint // a wrapped one has an explanation
		detail = fmt.Sprintf("The path %s cannot be read: %v.", failed.Path, failed.Err)
	}
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read the configuration", Detail: detail}
	if at.Filename != "" {
		d.Subject = &at
	}
	ev.Diags = append(ev.Diags, d)
}

// text reads one file. A pipe is not an input, since it never changes.
func (ev *Evaluator) text(path string, limit int64) ([]byte, error) {
	if _, given := ev.Texts[path]; given || path != ev.Path || !hclfile.IsPipe(path) {
		return ev.Input(path, limit)
	}
	text, err := hclfile.ReadPipe(path)
	if err == nil {
		ev.Warn(hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}, "Configuration from a pipe", "It was read once and is kept in memory: a reload does not read it again.")
	}
	return text, err
}

func (ev *Evaluator) files() ([]string, error) {
	if hclfile.IsPipe(ev.Path) {
		return []string{ev.Path}, nil
	}
	ev.Inputs[ev.Path] = hclfile.Sum(ev.Path)
	return hclfile.Files(ev.Path)
}

// Parse parses the text of a file.
func (ev *Evaluator) Parse(path string, text []byte) {
	s := &redact.Source{Name: path, Text: text}
	ev.lastFile = path
	ev.Sources[path] = s
	bodies, diags := hclfile.ParseFile(text, path)
	if diags.HasErrors() {
		s.Broken = true
		ev.Diags = append(ev.Diags, diags...)
		return
	}
	for _, body := range bodies {
		ev.Blocks = append(ev.Blocks, body.Blocks...)
		ev.Top = slices.AppendSeq(ev.Top, maps.Values(body.Attributes))
	}
}

// old reads an old file as if its conversion had been parsed. Reports refer to the lines of
// the old file.
func (ev *Evaluator) old(path string, text []byte) {
	old := &redact.Source{Name: path, Text: text, YAML: true}
	ev.lastFile, ev.Sources[path] = path, old
	blocks, diags := legacy.Read(old, ev.Secrets)
	ev.Diags = append(ev.Diags, diags...)
	for _, b := range blocks {
		attributes, top := b.TopLevel()
		if !top {
			ev.Blocks = append(ev.Blocks, b.Syntax())
			continue
		}
		for _, a := range attributes {
			ev.Top = append(ev.Top, a.Syntax())
		}
	}
}
