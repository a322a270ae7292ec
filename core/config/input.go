package config

import (
	"fmt"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/fileaccess"
	"github.com/zclconf/go-cty/cty"
)

// Inputs returns the files and directories that were read, each with its sum. If one
// changes, the configuration may change.
func (r Report) Inputs() map[string]string { return r.inputs }

// input reads a file that the configuration depends on, of at most limit bytes, and adds it to
// the inputs, also if it is missing.
func (l *loader) input(path string, limit int64) ([]byte, error) {
	content, given := l.options.Texts[path]
	if given {
		l.inputs[path] = hclfile.SumContent(path, content)
		return content, nil
	}
	content, err := hclfile.ReadRegular(path, limit)
	if err != nil {
		l.inputs[path] = hclfile.Sum(path)
		return nil, fileaccess.Explain(path, err)
	}
	l.inputs[path] = hclfile.SumContent(path, content)
	return content, nil
}

// environment reads env_file, whose values come after those of the real
// environment. It must be a plain string, because it is read before everything else.
func (l *loader) environment() {
	for _, a := range l.top {
		if a.Name != "env_file" {
			continue
		}
		if !l.withinLimits(a.Expr) {
			return
		}
		v, diags := a.Expr.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			l.fail(a.Expr.Range(), `Invalid value for "env_file"`, "Expected a plain quoted string, without functions and references: it is read before everything else.")
			return
		}
		path := l.resolvePath(v.AsString())
		content, err := l.input(path, hclfile.MaxValue)
		if err != nil {
			l.fail(a.Expr.Range(), "Cannot read the file of env_file", wording.Sentence(err.Error()))
			return
		}
		values, err := parseEnvFile(content)
		if err != nil {
			l.fail(a.Expr.Range(), "Invalid file of env_file", wording.Sentence(fmt.Sprintf("the file %s: %s; each line is NAME=value", path, err)))
			return
		}
		real := l.options.Getenv
		l.options.Getenv = func(name string) (string, bool) {
			if v, ok := real(name); ok {
				return v, true
			}
			v, ok := values[name]
			return v, ok
		}
	}
}
