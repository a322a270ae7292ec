package trust

import (
	"fmt"
	"maps"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/renameio/v2/maybe"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

const lockHeader = `# The plugins that may run, by the hash of their executables. Written by
# "aitunnel plugin install", "init", "upgrade" and "lock"; keep it beside the
# configuration, and in version control with it.
`

var digestSyntax = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })

// lockFormat is the version of the file format. It is raised when older programs would
// lose important data by writing the file.
const lockFormat = 1

// parseLock reads the text of a lock file. A later version may add attributes and
// blocks: they are ignored, with a warning.
func parseLock(path string, text []byte) (Lock, []string, error) {
	file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	r := lockReader{path: path}
	if diags.HasErrors() {
		return nil, nil, r.damaged(diags[0].Subject, strings.TrimSuffix(diags[0].Summary+": "+diags[0].Detail, "."))
	}
	body := file.Body.(*hclsyntax.Body)
	r.warnUnknown(body, []string{"format"}, "plugin")
	if format := r.format(body); format > lockFormat {
		r.warnings = append(r.warnings, fmt.Sprintf("the lock file %s has format %d, but this aitunnel knows format %d: newer settings in it are ignored", path, format, lockFormat))
	}
	lock := Lock{}
	for _, b := range body.Blocks {
		if b.Type != "plugin" {
			continue
		}
		if len(b.Labels) != 1 {
			return nil, nil, r.damaged(b.DefRange().Ptr(), "a plugin block needs the name of the plugin")
		}
		lock[b.Labels[0]] = r.plugin(b.Body)
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	return lock, r.warnings, nil
}

// lockReader reads blocks of a lock file. err is the first error.
type lockReader struct {
	path     string
	warnings []string
	err      error
}

func (r *lockReader) damaged(at *hcl.Range, reason string) error {
	e := &LockError{Path: r.path, Reason: "is damaged: " + reason + "; restore it from version control, or remove it and run \"aitunnel plugin lock\" for the plugins that you trust"}
	if at != nil {
		e.Line = at.Start.Line
	}
	if r.err == nil {
		r.err = e
	}
	return e
}

func (r *lockReader) plugin(b *hclsyntax.Body) *Plugin {
	r.warnUnknown(b, []string{"source", "signing_key", "archives"}, "platform", "previous")
	p := &Plugin{Release: r.release(b), Source: r.text(b, "source"), SigningKey: r.text(b, "signing_key")}
	for _, inner := range b.Blocks {
		if inner.Type == "previous" {
			r.warnUnknown(inner.Body, []string{"archives"}, "platform")
			previous := r.release(inner.Body)
			p.Previous = &previous
		}
	}
	return p
}

func (r *lockReader) release(b *hclsyntax.Body) Release {
	out := Release{Archives: r.digests(b, "archives"), Platforms: map[string]Entry{}}
	for _, inner := range b.Blocks {
		if inner.Type != "platform" {
			continue
		}
		if len(inner.Labels) != 1 {
			_ = r.damaged(inner.DefRange().Ptr(), "a platform block needs the name of the platform")
			continue
		}
		r.warnUnknown(inner.Body, []string{"version", "sha256"})
		e := Entry{Version: r.text(inner.Body, "version"), SHA256: r.text(inner.Body, "sha256")}
		if !digestSyntax().MatchString(e.SHA256) {
			_ = r.damaged(inner.DefRange().Ptr(), fmt.Sprintf("the sha256 for %s is not 64 hexadecimal digits", inner.Labels[0]))
		}
		out.Platforms[inner.Labels[0]] = e
	}
	return out
}

// format returns the format version of the file.
func (r *lockReader) format(b *hclsyntax.Body) int64 {
	a := b.Attributes["format"]
	if a == nil {
		return lockFormat
	}
	v, diags := a.Expr.Value(nil)
	if !diags.HasErrors() && !v.IsNull() && v.Type() == cty.Number {
		if n, exact := v.AsBigFloat().Int64(); exact == big.Exact && n > 0 {
			return n
		}
	}
	_ = r.damaged(a.Range().Ptr(), "\"format\" is not a number such as 1")
	return lockFormat
}

// checkWritable returns an error if the file at path has a newer format, since data would
// be lost by replacing it.
func checkWritable(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil // it does not exist, or writing it returns the error
	}
	file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	if diags.HasErrors() {
		return nil // that was reported when it was read
	}
	if format := (&lockReader{path: path}).format(file.Body.(*hclsyntax.Body)); format > lockFormat {
		return &LockError{Path: path, Reason: fmt.Sprintf("has format %d, but this aitunnel writes format %d: use the newer aitunnel that wrote it", format, lockFormat)}
	}
	return nil
}

// text returns the value of a string attribute, "" if it is not set.
func (r *lockReader) text(b *hclsyntax.Body, name string) string {
	a := b.Attributes[name]
	if a == nil {
		return ""
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		_ = r.damaged(a.Range().Ptr(), fmt.Sprintf("%q is not a string", name))
		return ""
	}
	return v.AsString()
}

// digests returns the value of an attribute that maps platforms to hashes.
func (r *lockReader) digests(b *hclsyntax.Body, name string) map[string]string {
	a := b.Attributes[name]
	if a == nil {
		return nil
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.CanIterateElements() {
		_ = r.damaged(a.Range().Ptr(), fmt.Sprintf("%q is not a map of hashes", name))
		return nil
	}
	out := map[string]string{}
	for key, value := range v.AsValueMap() {
		if value.IsNull() || value.Type() != cty.String || !digestSyntax().MatchString(value.AsString()) {
			_ = r.damaged(a.Range().Ptr(), fmt.Sprintf("the hash of the archive for %s is not 64 hexadecimal digits", key))
			continue
		}
		out[key] = value.AsString()
	}
	return out
}

// warnUnknown warns about attributes and blocks that this version does not know.
func (r *lockReader) warnUnknown(b *hclsyntax.Body, attributes []string, blocks ...string) {
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		if !slices.Contains(attributes, name) {
			r.warnings = append(r.warnings, fmt.Sprintf("the lock file %s:%d: %q is ignored: it was written by a newer aitunnel", r.path, b.Attributes[name].Range().Start.Line, name))
		}
	}
	for _, inner := range b.Blocks {
		if !slices.Contains(blocks, inner.Type) {
			r.warnings = append(r.warnings, fmt.Sprintf("the lock file %s:%d: the block %q is ignored: it was written by a newer aitunnel", r.path, inner.DefRange().Start.Line, inner.Type))
		}
	}
}

// Write replaces the lock file atomically.
func (l Lock) Write(path string) error {
	if err := checkWritable(path); err != nil {
		return err
	}
	f := hclwrite.NewEmptyFile()
	f.Body().SetAttributeValue("format", cty.NumberIntVal(lockFormat))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		p := l[name]
		f.Body().AppendNewline()
		b := f.Body().AppendNewBlock("plugin", []string{name}).Body()
		setText(b, "source", p.Source)
		setText(b, "signing_key", p.SigningKey)
		p.write(b)
		if p.Previous != nil {
			p.Previous.write(b.AppendNewBlock("previous", nil).Body())
		}
	}
	text := append([]byte(lockHeader), f.Bytes()...)
	if err := maybe.WriteFile(path, hclwrite.Format(text), 0o644); err != nil {
		return fmt.Errorf("the lock file cannot be written: %w", err)
	}
	return nil
}

func (r *Release) write(b *hclwrite.Body) {
	if len(r.Archives) > 0 {
		values := map[string]cty.Value{}
		for platform, sum := range r.Archives {
			values[platform] = cty.StringVal(sum)
		}
		b.SetAttributeValue("archives", cty.MapVal(values))
	}
	for _, platform := range slices.Sorted(maps.Keys(r.Platforms)) {
		at := b.AppendNewBlock("platform", []string{platform}).Body()
		setText(at, "version", r.Platforms[platform].Version)
		setText(at, "sha256", r.Platforms[platform].SHA256)
	}
}

func setText(b *hclwrite.Body, name, value string) {
	if value != "" {
		b.SetAttributeValue(name, cty.StringVal(value))
	}
}
