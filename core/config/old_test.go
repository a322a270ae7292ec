package config_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
)

// oldName is the name of the earlier program's file.
const oldName = "tunnel.config.yaml"

// oldSecret matches the secrets in the old files of testdata, or parts of them.
var oldSecret = regexp.MustCompile(`canary[-\w$]*`)

// TestOldFiles compares the reports on old files and their conversions with the expected ones, and checks
// that the conversions are valid, formatted and equivalent.
func TestOldFiles(t *testing.T) {
	for _, path := range archives(t, "old") {
		t.Run(caseName(path), func(t *testing.T) {
			a := readArchive(t, path)
			a.path = oldName
			a.hide = append(a.hide, oldSecret.FindAllString(a.member(oldName), -1)...)
			cfg, report := a.load(t)
			a.compareReport(t, report)
			if bad := strings.HasPrefix(caseName(path), "bad-"); report.HasErrors() != bad {
				t.Fatalf("has errors: %v, want %v", report.HasErrors(), bad)
			}
			if cfg != nil {
				a.checkConversion(t, cfg)
			}
		})
	}
}

// checkConversion converts the old file, and compares the result with the expected text and, when it is
// loaded, with the old configuration.
func (a *archive) checkConversion(t *testing.T, old *config.Config) {
	t.Helper()
	text, err := os.ReadFile(oldName)
	if err != nil {
		t.Fatal(err)
	}
	out, report := config.Convert(oldName, text)
	if report.HasErrors() {
		t.Fatalf("it cannot be converted: %v", report.Lines())
	}
	a.compare(t, wantConverted, out)
	if formatted, _ := config.Format(config.FileName, out); !bytes.Equal(formatted, out) {
		t.Errorf("the conversion is not formatted (-got +formatted):\n%s", cmp.Diff(string(out), string(formatted)))
	}
	next, report := loadWith(t, config.Options{Path: config.FileName, Catalog: builtins{}, Getenv: lookup(nil)}, string(out))
	if next == nil {
		t.Fatalf("the conversion is not valid: %v", report.Lines())
	}
	if changes := diff.Compare(old, next); len(changes) > 0 {
		t.Errorf("the conversion is not equivalent: %+v", changes)
	}
	if got := old.Channels[0].Range.Filename; got != oldName {
		t.Errorf("a channel of the old file is in the file %q, want %q", got, oldName)
	}
}

// FuzzOldFile checks that every text can be read as an old file, and that if it is valid, its conversion
// is equivalent.
func FuzzOldFile(f *testing.F) {
	for _, path := range archives(f, "old") {
		files, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add((&archive{files: files}).member(oldName))
	}
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		load := func(name, text string) (*config.Config, config.Report) {
			return loadWith(t, config.Options{Path: filepath.Join(dir, name), Catalog: builtins{}, Getenv: lookup(nil)}, text)
		}
		old, report := load(oldName, text)
		_ = report.Write(io.Discard, false) // must not panic
		out, report := config.Convert(oldName, []byte(text))
		_ = report.Lines() // must not panic
		if old == nil {
			return
		}
		next, report := load(config.FileName, string(out))
		if next == nil {
			t.Fatalf("the conversion is not valid: %v\n%s", report.Lines(), out)
		}
		if changes := diff.Compare(old, next); len(changes) > 0 {
			t.Errorf("the conversion is not equivalent: %+v\n%s", changes, out)
		}
	})
}
