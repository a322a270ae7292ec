package hclfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// deepTexts returns texts that would exhaust the stack of a parser or evaluator without a limit.
func deepTexts() map[string]string {
	repeat := func(s string) string { return strings.Repeat(s, 5*maxNesting) }
	many := 20_000 / testhelp.Slowdown
	if testhelp.Soak() {
		many = 1_000_000
	}
	return map[string]string{
		"parentheses":          "locals {\n  a = " + strings.Repeat("(", many) + "1" + strings.Repeat(")", many) + "\n}\n",
		"unclosed parentheses": "locals {\n  a = " + repeat("("),
		"brackets":             "locals {\n  a = " + strings.Repeat("[", many) + "\n}\n",
		"mismatched brackets":  "locals {\n  a = " + repeat("([)") + "\n}\n",
		"exclamation marks":    "locals {\n  a = " + strings.Repeat("!", many) + "true\n}\n",
		"minus signs":          "locals {\n  a = " + repeat("- ") + "1\n}\n",
		"minus over lines":     "locals {\n  a = (" + repeat("-\n") + "1)\n}\n",
		"braces":               "locals {\n  a = " + repeat("{a=") + repeat("}") + "\n}\n",
		"for in braces":        "locals {\n  a = " + repeat("{for k, v in {} : k => ") + "1\n}\n",
		"operators in a for":   "locals {\n  a = {\n# for\nfor k, v in {} : k => 1" + repeat("\n+ 1") + "}\n}\n",
		"blocks":               repeat("a {\n"),
		"calls":                "locals {\n  a = " + repeat("lower(") + "1" + repeat(")") + "\n}\n",
		"indexes":              "locals {\n  a = local.b" + repeat("[local.c]") + "\n}\n",
		"splats":               "locals {\n  a = local.b" + repeat("[*]") + "\n}\n",
		"conditions":           "locals {\n  a = " + repeat("true ? 1 : ") + "1\n}\n",
		"sums":                 "locals {\n  a = 1" + repeat(" + 1") + "\n}\n",
		"comparisons":          "locals {\n  a = 1" + repeat(" == 1") + "\n}\n",
		"templates":            "locals {\n  a = " + repeat(`"${`) + "1" + repeat(`}"`) + "\n}\n",
		"directives":           "locals {\n  a = \"" + repeat("%{ if true }") + "\"\n}\n",
		"loops":                "locals {\n  a = \"" + repeat("%{ for x in [] }") + repeat("%{ endfor }") + "\"\n}\n",
		"in a heredoc":         "locals {\n  a = <<EOT\n" + "${" + repeat("(") + "1" + repeat(")") + "}\nEOT\n}\n",
		"in a template":        "locals {\n  a = \"${" + repeat("!") + "true}\"\n}\n",
		"after a large block":  "locals {\n" + strings.Repeat("  # padding\n", 2000) + "}\nlocals {\n  a = " + repeat("(") + "\n}\n",
	}
}

func TestDeeplyNestedTextIsRefused(t *testing.T) {
	for name, text := range deepTexts() {
		t.Run(name, func(t *testing.T) {
			_, parsed := Parse([]byte(text), "a.hcl", hcl.InitialPos)
			_, read := ParseFile([]byte(text), "a.hcl")
			for _, diags := range []hcl.Diagnostics{parsed, read} {
				if !diags.HasErrors() || diags[0].Summary != "Nested too deeply" {
					t.Fatalf("%.200q", diags.Error())
				}
				if at := diags[0].Subject; at == nil || at.Start.Line < 1 || at.Start.Column < 1 {
					t.Errorf("the error has no line and column: %+v", diags[0])
				}
			}
		})
	}
}

// A long text is not refused if it is nested no deeper than the limit.
func TestLongTextIsAccepted(t *testing.T) {
	var b strings.Builder
	n := 10 * maxNesting / testhelp.Slowdown
	b.WriteString("locals {\n")
	for i := range n {
		fmt.Fprintf(&b, "  a%d = [\"${lower(\"a-%d\")}\", { b = -1 + 2 }, (true ? [1] : [2])[0]] # (([[{{\n", i, i)
	}
	b.WriteString("  list = [\n" + strings.Repeat("    { a = [1, 2 - 1] },\n", n) + "  ]\n")
	b.WriteString("  object = {\n" + strings.Repeat("    a = 1 + 1\n", n) + "  }\n")
	b.WriteString("  text = \"" + strings.Repeat("%{ if true }${1}%{ else }%{ endif }", n) + "\"\n")
	b.WriteString("  deep = " + strings.Repeat("(", maxNesting-1) + "1" + strings.Repeat(")", maxNesting-1) + "\n}\n")
	if _, diags := Parse([]byte(b.String()), "a.hcl", hcl.InitialPos); diags.HasErrors() {
		t.Error(diags)
	}
}

// isShallow, which is quick, never accepts a text that the exact count of nesting refuses.
func FuzzIsShallow(f *testing.F) {
	for _, text := range deepTexts() {
		if len(text) < 50_000 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte("a = {\n# x\nfor k, v in {} : k => 1\n+ 1}\n"))
	f.Add([]byte("a {\n b = [\"x\", -1] # (\n}\n// [[\nc = \"\\\"\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tokens, _ := hclsyntax.LexConfig(text, "a.hcl", hcl.InitialPos)
		exact := nesting{levels: []level{{}}}
		deepest := 0
		for i := range tokens {
			exact.add(tokens, i)
			deepest = max(deepest, exact.depth)
		}
		if deepest > 0 && isShallow(text, deepest-1) {
			t.Errorf("a text of %d levels was accepted with a limit of %d", deepest, deepest-1)
		}
	})
}

func BenchmarkNesting(b *testing.B) {
	text := []byte(strings.Repeat("channel \"c\" {\n target = \"http://127.0.0.1\"\n keys = ["+strings.Repeat(`"key-1-2-of-many", `, 20)+"]\n}\n", 100))
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			checkNesting(text, "a.hcl", hcl.InitialPos)
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			_, _ = Parse(text, "a.hcl", hcl.InitialPos)
		}
	})
}
