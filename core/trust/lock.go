// Package trust decides which third-party executables may run: those whose hashes
// are in the lock file beside the configuration. A private copy of the verified bytes
// runs, so that nothing can replace them between the check and the start.
package trust

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"

	"github.com/google/renameio/v2/maybe"
	"github.com/hashicorp/hcl/v2/hclsimple"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// FileName is what the lock file is called. It stands beside the configuration.
const FileName = "aitunnel.lock.hcl"

// Platform is that of this program, such as "linux/amd64".
const Platform = runtime.GOOS + "/" + runtime.GOARCH

// Lock is the content of a lock file: what may run, by plugin and platform.
type Lock map[string]map[string]Entry

// Entry is one executable.
type Entry struct {
	Version string // "" where it is not known
	SHA256  string // in hexadecimal
}

type lockFile struct {
	Plugins []lockedPlugin `hcl:"plugin,block"`
}

type lockedPlugin struct {
	Name      string           `hcl:"name,label"`
	Platforms []lockedPlatform `hcl:"platform,block"`
}

type lockedPlatform struct {
	Name    string `hcl:"name,label"`
	Version string `hcl:"version,optional"`
	SHA256  string `hcl:"sha256"`
}

const lockHeader = `# The plugins that may run, by the hash of their executables. Written by
# "aitunnel plugin install" and "aitunnel plugin lock"; keep it beside the
# configuration, and in version control with it.
`

// ReadLock reads a lock file. A missing one is empty.
func ReadLock(path string) (Lock, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Lock{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the lock file cannot be read: %w", err)
	}
	return parseLock(path, text)
}

var digestSyntax = regexp.MustCompile(`^[0-9a-f]{64}$`)

func parseLock(path string, text []byte) (Lock, error) {
	var file lockFile
	if err := hclsimple.Decode(path, text, nil, &file); err != nil {
		return nil, fmt.Errorf("the lock file is damaged: %w; run \"aitunnel plugin lock\" on what you trust after you have removed it", err)
	}
	l := Lock{}
	for _, p := range file.Plugins {
		for _, at := range p.Platforms {
			if !digestSyntax.MatchString(at.SHA256) {
				return nil, fmt.Errorf("the lock file %s is damaged: the sha256 of plugin %q on %s is not 64 hexadecimal digits", path, p.Name, at.Name)
			}
			l.Set(p.Name, at.Name, Entry{at.Version, at.SHA256})
		}
	}
	return l, nil
}

// Set locks an executable, and replaces the one before.
func (l Lock) Set(plugin, platform string, e Entry) {
	if l[plugin] == nil {
		l[plugin] = map[string]Entry{}
	}
	l[plugin][platform] = e
}

// Write replaces the lock file atomically.
func (l Lock) Write(path string) error {
	f := hclwrite.NewEmptyFile()
	for _, name := range slices.Sorted(maps.Keys(l)) {
		f.Body().AppendNewline()
		p := f.Body().AppendNewBlock("plugin", []string{name}).Body()
		for _, platform := range slices.Sorted(maps.Keys(l[name])) {
			e := l[name][platform]
			at := p.AppendNewBlock("platform", []string{platform}).Body()
			if e.Version != "" {
				at.SetAttributeValue("version", cty.StringVal(e.Version))
			}
			at.SetAttributeValue("sha256", cty.StringVal(e.SHA256))
		}
	}
	text := append([]byte(lockHeader), f.Bytes()...)
	if err := maybe.WriteFile(path, hclwrite.Format(text), 0o644); err != nil {
		return fmt.Errorf("the lock file cannot be written: %w", err)
	}
	return nil
}
