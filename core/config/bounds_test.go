package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestMain(m *testing.M) {
	config.RunEvaluator()
	os.Exit(m.Run())
}

const oneChannel = "channel \"a\" {\n  target = \"https://a.example\"\n  keys   = [\"key-1\"]\n}\n"

func loadAlone(t *testing.T, text string, env map[string]string) (*config.Config, config.Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(env)})
}

// An expression that needs too much memory or time causes an error at its place, soon, and does
// not use the memory of this process.
func TestEvaluationIsBounded(t *testing.T) {
	t.Parallel()
	doubling := "locals {\n  a0 = \"" + strings.Repeat("x", 1024) + "\"\n"
	for i := range 40 {
		doubling += fmt.Sprintf("  a%d = \"${local.a%d}${local.a%d}\"\n", i+1, i, i)
	}
	thousand := "[" + strings.Repeat("1,", 1000) + "]"
	for name, tt := range map[string]struct {
		text string
		line int
		want string
	}{
		"loops":           {"locals {\n  l = " + thousand + "\n  a = length([for a in local.l : [for b in local.l : [for c in local.l : a]]])\n}\n", 3, "Evaluation stopped"},
		"loop in a block": {"locals {\n  l = " + thousand + "\n}\nlog {\n  file = join(\"\", [for a in local.l : join(\"\", [for b in local.l : join(\"\", [for c in local.l : \"x\"])])])\n}\n", 5, "Evaluation stopped"},
		"template loops":  {"locals {\n  l = " + thousand + "\n  a = \"%{ for a in local.l }%{ for b in local.l }%{ for c in local.l }x%{ endfor }%{ endfor }%{ endfor }\"\n}\n", 3, "Evaluation stopped"},
		"env_file":        {"env_file = [for a in " + thousand + " : [for b in " + thousand + " : [for c in " + thousand + " : a]]][0][0][0]\n", 1, "Evaluation stopped"},
		"doubling":        {doubling + "}\n", 0, "Evaluation stopped"},
		"indent":          {"locals {\n  a = indent(2000000000, \"\\n\")\n}\n", 2, "Evaluation stopped"},
		"numbers":         {"locals {\n  a = \"${1e300000000 * 1e300000000}\"\n}\n", 2, "Evaluation stopped"},
		"deep JSON":       {"locals {\n  a = jsondecode(\"" + strings.Repeat("[", 100_000) + "\")\n}\n", 2, "nested more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			_, report := loadAlone(t, tt.text+oneChannel, nil)
			diags := report.Diagnostics()
			if len(diags) == 0 || !strings.Contains(report.Summary(), tt.want) || tt.line > 0 && diags[0].Line != tt.line {
				t.Errorf("%+.300v, expected %q in line %d", diags, tt.want, tt.line)
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %s", took)
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapSys > 2<<30 {
				t.Errorf("it took %d MiB here", m.HeapSys>>20)
			}
		})
	}
}

func TestLoopsWithinTheBoundsWork(t *testing.T) {
	cfg, report := loadAlone(t, "locals {\n  keys = [for i in range(3) : format(\"key-%03d\", i)]\n}\nchannel \"a\" {\n  target = \"https://a.example\"\n  keys   = local.keys\n}\n", nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	if len(cfg.Channels[0].Keys) != 3 || cfg.Channels[0].Keys[2].Value.Plaintext() != "key-002" {
		t.Errorf("%+v", cfg.Channels[0].Keys)
	}
}

func TestLongTextIsRefused(t *testing.T) {
	if _, report := loadAlone(t, oneChannel+strings.Repeat("# a comment\n", 17<<20/12), nil); !strings.Contains(report.Summary(), "larger than 16MiB") {
		t.Error(report.Summary())
	}
	if _, report := loadAlone(t, oneChannel+strings.Repeat("a {\n}\n", 10_001), nil); !strings.Contains(report.Summary(), "Too many blocks") {
		t.Error(report.Summary())
	}
}

// A long chain of locals neither exhausts the stack nor takes quadratic time.
func TestManyLocals(t *testing.T) {
	var row, flat strings.Builder
	row.WriteString("locals {\n  a0 = 1\n")
	flat.WriteString("locals {\n  a0 = 1\n")
	many := 20_000 / testhelp.Slowdown
	for i := range many {
		fmt.Fprintf(&row, "  a%d = local.a%d\n", i+1, i)
		fmt.Fprintf(&flat, "  a%d = local.a0\n", i+1)
	}
	// The one that is evaluated first, by name, depends on all others.
	if _, report := loadAlone(t, fmt.Sprintf("%s  A = local.a%d\n}\n", row.String(), many)+oneChannel, nil); !strings.Contains(report.Summary(), "Nested too deeply") {
		t.Error(report.Summary())
	}
	if _, report := loadAlone(t, flat.String()+"}\n"+oneChannel, nil); report.HasErrors() {
		t.Error(report.Summary())
	}
}
