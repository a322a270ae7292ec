package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/fileaccess"
	"github.com/zclconf/go-cty/cty"
)

// Sum returns a checksum: for a file, of its content and of whether other accounts can
// read it, since the configuration warns of that; for a directory, of its list of
// configuration files. It is "" for a missing or empty file.
func Sum(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	if info.IsDir() {
		files, _ := directory(path)
		return sum([]byte(strings.Join(files, "\n")))
	}
	content, err := readRegular(path, maxText)
	if err != nil {
		return unreadable(info)
	}
	return sumOf(path, content)
}

func sumOf(path string, content []byte) string {
	out := sum(content)
	if info, err := os.Stat(path); err == nil && out != "" && isShared(info) {
		out += " shared"
	}
	return out
}

// isShared reports whether other accounts can read a file.
func isShared(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&0o077 != 0
}

// unreadable returns the sum of a pipe, a device or a file that is too large, whose content is
// not read.
func unreadable(info os.FileInfo) string {
	return fmt.Sprintf("%s %d %s", info.Mode().Type(), info.Size(), info.ModTime())
}

func sum(content []byte) string {
	if len(bytes.TrimSpace(content)) == 0 {
		return ""
	}
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}

// Inputs returns the files and directories that were read, each with its [Sum]. If one
// changes, the configuration may change.
func (r Report) Inputs() map[string]string { return r.inputs }

// input reads a file that the configuration depends on, of at most limit bytes, and adds it to
// the inputs, also if it is missing.
func (l *loader) input(path string, limit int64) ([]byte, error) {
	content, given := l.options.Texts[path]
	if given {
		l.inputs[path] = sumOf(path, content)
		return content, nil
	}
	content, err := readRegular(path, limit)
	if err != nil {
		l.inputs[path] = Sum(path)
		return nil, fileaccess.Explain(path, err)
	}
	l.inputs[path] = sumOf(path, content)
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
		content, err := l.input(path, maxValue)
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
