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
