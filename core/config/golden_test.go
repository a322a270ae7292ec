package config_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/aitunnel/aitunnel/core/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Members of an archive with what is expected.
const (
	wantReport    = "want"
	wantConverted = "converted.hcl" // the conversion of an old file
)

// archive is one golden case: files, and the report about them. Its comment describes the case, and may
// have lines that set how it is loaded:
//
//	env NAME=VALUE    an environment variable
//	var NAME=VALUE    a --var
//	path PATH         what is loaded, by default aitunnel.hcl
//	mode OCTAL        the mode of all files, by default 0600
//	hide TEXT         a secret that the report must not contain
type archive struct {
	source    string // the path of the archive
	files     *txtar.Archive
	env, vars map[string]string
	path      string
	mode      os.FileMode
	hide      []string
}

func readArchive(t *testing.T, path string) *archive {
	t.Helper()
	files, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{source: path, files: files, env: map[string]string{}, vars: map[string]string{}, path: config.FileName, mode: 0o600}
	for line := range strings.Lines(string(files.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		name, value, assigned := strings.Cut(rest, "=")
		if (word == "env" || word == "var") && !assigned {
			t.Fatalf("%s: expected NAME=VALUE after %s: %s", path, word, line)
		}
		switch word {
		case "env":
			a.env[name] = value
		case "var":
			a.vars[name] = value
		case "path":
			a.path = rest
		case "mode":
			mode, err := strconv.ParseUint(rest, 8, 32)
			if err != nil {
				t.Fatal(err)
			}
			a.mode = os.FileMode(mode)
		case "hide":
			a.hide = append(a.hide, rest)
		}
	}
	return a
}

// load writes the files into a new directory and loads them from there, so that reports have the
// relative paths that a user would see.
func (a *archive) load(t *testing.T) (*config.Config, config.Report) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range a.files.Files {
		if f.Name == wantReport || f.Name == wantConverted {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.Name, a.mode); err != nil {
			t.Fatal(err)
		}
	}
	cfg, report := config.Load(t.Context(), config.Options{Path: a.path, Vars: a.vars, Catalog: withAcme{}, Getenv: lookup(a.env)})
	if cfg != nil {
		report = checkComponents(t, cfg, report)
	}
	return cfg, report
}

// compareReport compares a report with the one in the archive.
func (a *archive) compareReport(t *testing.T, report config.Report) {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, secret := range a.hide {
		if strings.Contains(out.String(), secret) {
			t.Fatal("the report contains a secret") // which this message must not show
		}
	}
	a.compare(t, wantReport, out.Bytes())
}

// compare compares a text with a member of the archive, or replaces the member with it.
func (a *archive) compare(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		a.files.Files = slices.DeleteFunc(a.files.Files, func(f txtar.File) bool { return f.Name == name })
		a.files.Files = append(a.files.Files, txtar.File{Name: name, Data: got})
		if err := os.WriteFile(a.source, txtar.Format(a.files), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(a.member(name), string(got)); diff != "" {
		t.Errorf("%s (-want +got); to accept it, run go test ./core/config -update\n%s", name, diff)
	}
}

// member returns a member of the archive, "" if there is none.
func (a *archive) member(name string) string {
	for _, f := range a.files.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// place matches the place of an entry in a report.
var place = regexp.MustCompile(`(?m)^  on \S+ line [1-9]\d*, column [1-9]\d*:$`)

// archives returns the absolute paths of the archives in a directory of testdata, since the tests change
// the working directory.
func archives(t testing.TB, dir string) []string {
	t.Helper()
	root, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(root, dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("there are no archives in testdata/%s", dir)
	}
	return paths
}

func caseName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".txtar") }

func testReports(t *testing.T, dir string, check func(*testing.T, *config.Config, config.Report)) {
	t.Helper()
	for _, path := range archives(t, dir) {
		t.Run(caseName(path), func(t *testing.T) {
			a := readArchive(t, path)
			cfg, report := a.load(t)
			a.compareReport(t, report)
			check(t, cfg, report)
			var out bytes.Buffer
			if err := report.Write(&out, false); err != nil {
				t.Fatal(err)
			}
			if n, all := len(place.FindAllString(out.String(), -1)), len(report.Diagnostics()); n != all {
				t.Errorf("%d of %d entries have a file, line and column", n, all)
			}
			for _, d := range report.Diagnostics() {
				if d.Detail == "" {
					t.Errorf("%q does not say what to do", d.Summary)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	testReports(t, "bad", func(t *testing.T, _ *config.Config, report config.Report) {
		if !report.HasErrors() {
			t.Error("the configuration was accepted")
		}
	})
}

func TestWarnings(t *testing.T) {
	testReports(t, "warn", func(t *testing.T, cfg *config.Config, report config.Report) {
		if cfg == nil || report.HasErrors() {
			t.Error("the configuration was refused")
		}
		if report.Empty() {
			t.Error("there is no warning")
		}
	})
}
