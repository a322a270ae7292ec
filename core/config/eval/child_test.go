package eval

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestMain(m *testing.M) {
	RunEvaluator()
	evaluationTime = 2 * time.Second
	os.Exit(m.Run())
}

// evaluateText returns an evaluator that has evaluated all expressions of a text.
func evaluateText(t *testing.T, text string) *Evaluator {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ev := New(t.Context(), Options{Path: path, Getenv: func(string) (string, bool) { return "", false }})
	ev.Read()
	ev.ReadEnvironment()
	if !ev.Diags.HasErrors() {
		ev.Evaluate(nil)
		ev.evaluateBodies()
	}
	return ev
}

// An expression that needs too much memory or time is soon reported with its line, and does not use the memory
// of this process.
func TestLimitsOfAnEvaluation(t *testing.T) {
	t.Parallel()
	doubled := "locals {\n  a0 = \"" + strings.Repeat("x", 1024) + "\"\n"
	for i := range 40 {
		doubled += fmt.Sprintf("  a%d = \"${local.a%d}${local.a%d}\"\n", i+1, i, i)
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
		"doubling":        {doubled + "}\n", 0, "Evaluation stopped"},
		"indent":          {"locals {\n  a = indent(2000000000, \"\\n\")\n}\n", 2, "Evaluation stopped"},
		"numbers":         {"locals {\n  a = \"${1e300000000 * 1e300000000}\"\n}\n", 2, "Evaluation stopped"},
		"deep JSON":       {"locals {\n  a = jsondecode(\"" + strings.Repeat("[", 100_000) + "\")\n}\n", 2, "nested more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			diags := evaluateText(t, tt.text).Diags
			if len(diags) == 0 || !strings.Contains(diags.Error(), tt.want) || tt.line > 0 && diags[0].Subject.Start.Line != tt.line {
				t.Errorf("got %.300s, want %q in line %d", diags.Error(), tt.want, tt.line)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("the error came after %s, want at most a minute", took)
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapSys > 2<<30 {
				t.Errorf("the heap of this process has grown to %d MiB", m.HeapSys>>20)
			}
		})
	}
}

// A long chain of locals neither exhausts the stack nor takes quadratic time.
func TestManyLocals(t *testing.T) {
	var chain, flat strings.Builder
	chain.WriteString("locals {\n  a0 = 1\n")
	flat.WriteString("locals {\n  a0 = 1\n")
	n := 20_000 / testhelp.Slowdown
	for i := range n {
		fmt.Fprintf(&chain, "  a%d = local.a%d\n", i+1, i)
		fmt.Fprintf(&flat, "  a%d = local.a0\n", i+1)
	}
	// Locals are evaluated in the order of their names: A is the first one, and needs all others.
	if diags := evaluateText(t, fmt.Sprintf("%s  A = local.a%d\n}\n", chain.String(), n)).Diags; !strings.Contains(diags.Error(), "Nested too deeply") {
		t.Error(diags)
	}
	if diags := evaluateText(t, flat.String()+"}\n").Diags; diags.HasErrors() {
		t.Error(diags)
	}
}

func TestLimitsOfAText(t *testing.T) {
	if diags := evaluateText(t, strings.Repeat("# a comment\n", 17<<20/12)).Diags; !strings.Contains(diags.Error(), "larger than 16MiB") {
		t.Error(diags)
	}
	if diags := evaluateText(t, strings.Repeat("a {\n}\n", 10_001)).Diags; !strings.Contains(diags.Error(), "Too many blocks") {
		t.Error(diags)
	}
}
