package hclfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// outline returns the blocks and attributes of bodies with their ranges, sorted.
func outline(bodies []*hclsyntax.Body) (lines []string) {
	for _, body := range bodies {
		_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
			switch n := n.(type) {
			case *hclsyntax.Block:
				lines = append(lines, fmt.Sprintf("block %s %q at %#v", n.Type, n.Labels, n.Range()))
			case *hclsyntax.Attribute:
				v, _ := n.Expr.Value(nil)
				lines = append(lines, fmt.Sprintf("%s = %#v at %#v and %#v", n.Name, v, n.Range(), n.Expr.Range()))
			}
			return nil
		})
	}
	slices.Sort(lines) // since attributes are in a map
	return lines
}

// A text that is parsed in pieces gives the same blocks, attributes and ranges as the whole, or the same
// errors.
func FuzzParsePieces(f *testing.F) {
	for _, text := range []string{
		"a {\n x = 1\n}\n\nb \"c\" {\n y = [1,\n2]\n}\n# é\nc {}\n",
		"a {\n b {\n}\n}\nc {\n}\n",
		"a {\n x = <<EOT\n}\nq {\n}\nEOT\n}\nc {\n}\n",
		"a {\n x = \"${\n{\n}\n}\"\n}\nc {\n}\n",
		"/* a {\n}\nb {\n}\n*/\nc {\n}\n",
		"a {\n x = {\n}\n}\nb {\n}}\n",
		"a {\n}\n}\nb {\n}\n",
		"a {\n x = \"never ends\n}\nb {\n}\n",
		"a {\n x = [\n}\n]\n}\n",
		"# }\na {\n}\n// }\n}\n",
		"x = 1\na {\n}\nx = 2\n",
		"\xef\xbb\xbfa {\n}\nb {\n}\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, want := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
		bodies, diags := parsePieces([]byte(text), "a.hcl", 1)
		if strings.Contains(want.Error(), "Attribute redefined") {
			return // the loader reports duplicates in different pieces
		}
		if diff := cmp.Diff(want.Error(), diags.Error()); diff != "" {
			t.Fatalf("errors (-whole +pieces):\n%s", diff)
		}
		if want.HasErrors() {
			return
		}
		if diff := cmp.Diff(outline([]*hclsyntax.Body{file.Body.(*hclsyntax.Body)}), outline(bodies)); diff != "" {
			t.Fatalf("-whole +pieces:\n%s", diff)
		}
	})
}
