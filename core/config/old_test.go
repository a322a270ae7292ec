package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
)

// oldName is the name of the earlier program's file.
const oldName = "tunnel.config.yaml"

// converted is the member of an archive with the expected conversion.
const converted = "converted.hcl"

// canary is a secret of a test's configuration, or a part of one.
var canary = regexp.MustCompile(`canary[-\w$]*`)

// TestOldFiles compares the conversions of old files with those expected, and checks that they
// are equivalent, valid and in the usual layout.
func TestOldFiles(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "old", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 20 {
		t.Fatalf("%d files, at least 20 are expected", len(paths))
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			a := readArchive(t, path)
			a.path = oldName
			for _, f := range a.files.Files {
				if f.Name == oldName {
					a.hide = append(a.hide, canary.FindAllString(string(f.Data), -1)...)
				}
			}
			cfg, report := a.load(t)
			a.golden(t, path, report)
			if bad := strings.HasPrefix(name, "bad-"); report.HasErrors() != bad {
				t.Fatalf("has errors: %v, want %v", report.HasErrors(), bad)
			}
			if cfg != nil {
				a.sameConverted(t, path, cfg)
			}
		})
	}
}

// sameConverted loads the conversion of an old file and compares.
func (a *archive) sameConverted(t *testing.T, path string, old *config.Config) {
	t.Helper()
	text, err := os.ReadFile(oldName)
	if err != nil {
		t.Fatal(err)
	}
	out, report := config.Convert(oldName, text)
	if report.HasErrors() {
		t.Fatalf("not converted: %v", report.Lines())
	}
	a.goldenConverted(t, path, out)
	if formatted, _ := config.Format(config.FileName, out); !bytes.Equal(formatted, out) {
		t.Errorf("the conversion is not in the usual layout: %s", cmp.Diff(string(out), string(formatted)))
	}
	if err := os.WriteFile(config.FileName, out, 0o600); err != nil {
		t.Fatal(err)
	}
	next, report := config.Load(t.Context(), config.Options{Path: config.FileName, Catalog: builtins{}, Getenv: lookup(nil)})
	if next == nil {
		t.Fatalf("the conversion is refused: %v", report.Lines())
	}
	if changes := config.Diff(old, next); len(changes) > 0 {
		t.Errorf("the conversion means something else: %+v", changes)
	}
	if old.Path == next.Path || old.Channels[0].Range.Filename != oldName {
		t.Errorf("the place of the channel is %s", old.Channels[0].Range)
	}
}

func (a *archive) goldenConverted(t *testing.T, path string, out []byte) {
	t.Helper()
	if *update {
		a.put(converted, out)
		a.save(t, path)
		return
	}
	if diff := cmp.Diff(a.member(converted), string(out)); diff != "" {
		t.Errorf("run go test -update ./core/config and look at the difference:\n%s", diff)
	}
}

// FuzzOld: reading an old file ends, whatever its content, and its conversion is equivalent.
func FuzzOld(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join("testdata", "old", "*.txtar"))
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil {
			f.Add(text[bytes.IndexByte(text, '\n')+1:])
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		load := func(name string, text []byte) *config.Config {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(nil)})
			_ = report.Write(&bytes.Buffer{}, false)
			return cfg
		}
		old := load(oldName, text)
		out, report := config.Convert(oldName, text)
		_ = report.Lines()
		if old == nil {
			return
		}
		next := load(config.FileName, out)
		if next == nil {
			t.Fatalf("the conversion is refused:\n%s", out)
		}
		if changes := config.Diff(old, next); len(changes) > 0 {
			t.Errorf("the conversion means something else: %+v\n%s", changes, out)
		}
	})
}
