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

// want is the name of the archive member that holds the expected report.
const want = "want"

// archive is one golden case: files and the report about them. Lines of its comment configure
// the load; any other line describes the case.
//
//	env NAME=VALUE    an environment variable
//	var NAME=VALUE    a --var
//	path PATH         what is loaded; aitunnel.hcl if not given
//	mode OCTAL        of every file; 0600 if not given
//	hide TEXT         the report must not hold it
type archive struct {
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
	a := &archive{files: files, env: map[string]string{}, vars: map[string]string{}, path: config.FileName, mode: 0o600}
	for line := range strings.Lines(string(files.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		name, value, _ := strings.Cut(rest, "=")
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

// load writes the files into a directory, changes to it, so that reports have the paths that a
// user would see, and loads them.
func (a *archive) load(t *testing.T) (*config.Config, config.Report) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range a.files.Files {
		if f.Name == want || f.Name == converted {
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
		report = refuse(t, cfg, report)
	}
	return cfg, report
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

// golden compares a report with the archive's, or rewrites it.
func (a *archive) golden(t *testing.T, path string, report config.Report) {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, text := range a.hide {
		if strings.Contains(out.String(), text) {
			t.Errorf("the report shows what it must hide") // and so must this message
		}
	}
	if *update {
		a.put(want, out.Bytes())
		a.save(t, path)
		return
	}
	if diff := cmp.Diff(a.member(want), out.String()); diff != "" {
		t.Errorf("run go test -update ./core/config and look at the difference:\n%s", diff)
	}
}

// member returns a part of the archive, which must exist.
func (a *archive) member(name string) string {
	for _, f := range a.files.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return "(the archive has no " + name + ")"
}

func (a *archive) put(name string, data []byte) {
	a.files.Files = slices.DeleteFunc(a.files.Files, func(f txtar.File) bool { return f.Name == name })
	a.files.Files = append(a.files.Files, txtar.File{Name: name, Data: data})
}

func (a *archive) save(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, txtar.Format(a.files), 0o644); err != nil {
		t.Fatal(err)
	}
}

// place matches a place in a report.
var place = regexp.MustCompile(`(?m)^  on \S+ line [1-9]\d*, column [1-9]\d*:$`)

func goldens(t *testing.T, dir string, least int, check func(*testing.T, *config.Config, config.Report)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < least {
		t.Fatalf("%d archives in testdata/%s, at least %d are expected", len(paths), dir, least)
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a := readArchive(t, path)
			cfg, report := a.load(t)
			a.golden(t, path, report)
			check(t, cfg, report)
			var out bytes.Buffer
			if err := report.Write(&out, false); err != nil {
				t.Fatal(err)
			}
			if n, all := len(place.FindAllString(out.String(), -1)), len(report.Diagnostics()); n != all {
				t.Errorf("%d of %d entries name file, line and column", n, all)
			}
			for _, d := range report.Diagnostics() {
				if d.Detail == "" {
					t.Errorf("%q does not say what would be right", d.Summary)
				}
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	goldens(t, "bad", 42, func(t *testing.T, _ *config.Config, report config.Report) {
		if !report.HasErrors() {
			t.Error("no mistake was found")
		}
	})
}

func TestWarnings(t *testing.T) {
	goldens(t, "warn", 5, func(t *testing.T, cfg *config.Config, report config.Report) {
		if cfg == nil || report.HasErrors() {
			t.Error("the configuration was refused")
		}
		if report.Empty() {
			t.Error("the report is empty")
		}
	})
}
