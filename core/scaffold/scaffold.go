// Package scaffold writes a new plugin: a Go module that compiles, passes its tests
// and can be installed, so that authors start from something that works.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"text/template"
)

// The templates are named after what they become. "dot." stands for a dot, as
// files that begin with one are not embedded.
//
//go:embed templates
var templates embed.FS

// Kinds are the kinds of component, as named on the command line.
var Kinds = []string{"strategy", "router", "key-selector", "health-checker"}

// SDK is the module that a plugin imports.
const SDK = "github.com/aitunnel/aitunnel/sdk"

// Plugin describes the plugin to write.
type Plugin struct {
	Kind   string // one of Kinds
	Name   string
	Module string // path of the module
	SDKDir string // directory of an SDK to use in place of the released one; empty: none
}

var nameSyntax = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`) })

// CheckName reports what is wrong with the name of a plugin.
func CheckName(name string) error {
	switch {
	case name == "built-in":
		return errors.New("\"built-in\" is the name of the plugin that comes with aitunnel: choose another name")
	case strings.HasPrefix(name, "aitunnel-plugin-"):
		return fmt.Errorf("%q already has the prefix of plugins: use %q", name, strings.TrimPrefix(name, "aitunnel-plugin-"))
	case !nameSyntax().MatchString(name):
		return fmt.Errorf("%q is not a name for a plugin: use a-z, 0-9 and -, such as my-strategy", name)
	}
	return nil
}

// Dir returns the name of a plugin's folder, and of its executable.
func (p Plugin) Dir() string { return "aitunnel-plugin-" + p.Name }

// Block returns the block of a configuration in which the component is named.
func (p Plugin) Block() string {
	switch p.Kind {
	case "health-checker":
		return "health_check"
	case "router":
		return "strategy"
	}
	return strings.ReplaceAll(p.Kind, "-", "_")
}

// Replace returns the SDK's directory as a go.mod writes it.
func (p Plugin) Replace() string {
	dir := filepath.ToSlash(p.SDKDir)
	if strings.ContainsAny(dir, " \t\"'`(),") {
		return fmt.Sprintf("%q", dir)
	}
	return dir
}

// Write writes the plugin below dir, and returns the names of its files. It
// changes nothing if the plugin's folder exists.
func (p Plugin) Write(dir string) (files []string, err error) {
	target := filepath.Join(dir, p.Dir())
	if err := os.Mkdir(target, 0o755); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s already exists: choose another name, or move it away", target)
	} else if err != nil {
		return nil, err
	}
	for _, part := range []string{"common", p.Kind} {
		names, err := p.writeAll(target, path.Join("templates", part))
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(target))
		}
		files = append(files, names...)
	}
	return files, nil
}

func (p Plugin) writeAll(target, from string) (files []string, err error) {
	entries, err := templates.ReadDir(from)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := p.render(path.Join(from, e.Name()))
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(e.Name(), ".tmpl")
		if after, ok := strings.CutPrefix(name, "dot."); ok {
			name = "." + after
		}
		name = strings.ReplaceAll(name, "__", "/")
		if err := os.MkdirAll(filepath.Join(target, path.Dir(name)), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(target, filepath.FromSlash(name)), text, 0o644); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

func (p Plugin) render(file string) ([]byte, error) {
	t, err := template.ParseFS(templates, file)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Option("missingkey=error").Execute(&b, p)
	return b.Bytes(), err
}
