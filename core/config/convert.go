package config

import (
	"github.com/aitunnel/aitunnel/core/config/legacy"
	"github.com/aitunnel/aitunnel/core/config/redact"
)

// IsOld reports whether path names a file of the earlier program: see package legacy.
func IsOld(path string) bool { return legacy.Is(path) }

// Convert returns the equivalent of an old file in HCL. The report has what could not be
// carried over.
func Convert(path string, text []byte) ([]byte, Report) {
	old, secrets := &redact.Source{Name: path, Text: text, YAML: true}, &redact.Values{}
	blocks, diags := legacy.Read(old, secrets)
	report := Report{diags: diags, sources: map[string]*redact.Source{path: old}, secrets: secrets}
	if report.HasErrors() {
		return nil, report
	}
	return legacy.Print(path, blocks), report
}

// old reads an old file as if its conversion had been parsed. Reports refer to the lines of
// the old file.
func (l *loader) old(path string, text []byte) {
	old := &redact.Source{Name: path, Text: text, YAML: true}
	l.lastFile, l.sources[path] = path, old
	blocks, diags := legacy.Read(old, l.secrets)
	l.diags = append(l.diags, diags...)
	for _, b := range blocks {
		attributes, top := b.TopLevel()
		if !top {
			l.blocks = append(l.blocks, b.Syntax())
			continue
		}
		for _, a := range attributes {
			l.top = append(l.top, a.Syntax())
		}
	}
}
