package eval

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/fileaccess"
	"github.com/zclconf/go-cty/cty"
)

// Input reads a file of at most limit bytes on which the configuration depends, and adds it to the inputs, even if
// it is missing.
func (ev *Evaluator) Input(path string, limit int64) ([]byte, error) {
	content, given := ev.Texts[path]
	if given {
		ev.Inputs[path] = hclfile.SumContent(path, content)
		return content, nil
	}
	content, err := hclfile.ReadRegular(path, limit)
	if err != nil {
		ev.Inputs[path] = hclfile.Sum(path)
		return nil, fileaccess.Explain(path, err)
	}
	ev.Inputs[path] = hclfile.SumContent(path, content)
	return content, nil
}

// ReadEnvironment reads env_file. The real environment takes precedence over its values. The setting must be a plain
// string, because the file is read before any expression is evaluated.
func (ev *Evaluator) ReadEnvironment() {
	for _, a := range ev.Top {
		if a.Name != "env_file" {
			continue
		}
		if !ev.withinLimits(a.Expr) {
			return
		}
		v, diags := a.Expr.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			ev.Fail(a.Expr.Range(), `Invalid value for "env_file"`, "Expected a plain quoted string, without functions and references: it is read before everything else.")
			return
		}
		path := ev.ResolvePath(v.AsString())
		content, err := ev.Input(path, hclfile.MaxValue)
		if err != nil {
			ev.Fail(a.Expr.Range(), "Cannot read env_file", wording.Sentence("cannot read the file: "+err.Error()))
			return
		}
		values, err := parseEnvFile(content)
		if err != nil {
			ev.Fail(a.Expr.Range(), "Invalid env_file", wording.Sentence(fmt.Sprintf("the file %s: %s; each line is NAME=value", path, err)))
			return
		}
		real := ev.Getenv
		ev.Getenv = func(name string) (string, bool) {
			if v, ok := real(name); ok {
				return v, true
			}
			v, ok := values[name]
			return v, ok
		}
	}
}

// ResolvePath resolves a path that a user wrote: relative to the directory of the configuration, or in the home
// directory.
func (ev *Evaluator) ResolvePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	dir := ev.Path
	if hclfile.IsPipe(dir) {
		return path
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, path)
}
