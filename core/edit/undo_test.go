package edit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/config"
)

// labels returns the labels of the channels of a text; nil if it does not parse or has none.
func labels(text []byte) (all []string) {
	parsed, diags := hclsyntax.ParseConfig(text, "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	for _, b := range parsed.Body.(*hclsyntax.Body).Blocks {
		if b.Type == "channel" && len(b.Labels) == 1 {
			all = append(all, b.Labels[0])
		}
	}
	return all
}

// lastKey returns the place of the last entry of a channel's list of keys.
func (d *Document) lastKey(channel string) *config.Key {
	_, b, err := d.block("channel", channel)
	if err != nil {
		return nil
	}
	list, ok := tupleOf(b, "keys")
	if !ok || len(list.Exprs) == 0 {
		return nil
	}
	return &config.Key{Range: list.Exprs[len(list.Exprs)-1].Range()}
}

// undoes adds a key to each channel, with and without a label, and removes it again. In between
// the key must exist and the text must parse; afterwards nothing may differ except a block
// that was spread over lines and a comma after an entry.
func undoes(t *testing.T, text []byte) {
	t.Helper()
	for _, name := range labels(text) {
		d := &Document{files: []*file{{name: "x.hcl", text: text, was: text}}}
		_, b, err := d.block("channel", name)
		if err != nil || keyBlock(b, "of-the-test") != nil {
			continue
		}
		if err := d.AddKey(name, Key{Value: "a \"key\" ${x}", Label: "of-the-test"}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		between := d.Texts()["x.hcl"]
		_, b, err = d.block("channel", name)
		if err != nil || keyBlock(b, "of-the-test") == nil {
			t.Fatalf("%s: no key in\n%s\nfrom\n%s", name, between, text)
		}
		v, diags := keyBlock(b, "of-the-test").Body.Attributes["value"].Expr.Value(nil)
		if diags.HasErrors() || v.AsString() != "a \"key\" ${x}" {
			t.Fatalf("%s: the key is %#v", name, v)
		}
		if err := d.RemoveKey(name, &config.Key{Label: "of-the-test"}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tokens(text), tokens(d.Texts()["x.hcl"])); diff != "" {
			t.Fatalf("%s: with a label: (-before +after)\n%s\nfrom\n%s", name, diff, text)
		}
		if err := d.AddKey(name, Key{Value: "plain"}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(labels(d.Texts()["x.hcl"])) != len(labels(text)) {
			t.Fatalf("%s: without a label came\n%s\nfrom\n%s", name, d.Texts()["x.hcl"], text)
		}
		if k := d.lastKey(name); k != nil {
			if err := d.RemoveKey(name, k); err != nil || labels(d.Texts()["x.hcl"]) == nil {
				t.Fatalf("%s: %v\n%s", name, err, d.Texts()["x.hcl"])
			}
		}
	}
}

// tokens returns the tokens of a text, comments included, without its layout.
func tokens(text []byte) (all []string) {
	lexed, _ := hclsyntax.LexConfig(text, "x.hcl", hcl.InitialPos)
	for _, t := range lexed {
		if t.Type != hclsyntax.TokenNewline {
			all = append(all, string(t.Bytes))
		}
	}
	return all
}

func TestAdditionsCanBeRemoved(t *testing.T) {
	found := 0
	for _, pattern := range []string{"../../config.hcl.example", "../../examples/*.hcl", "../../examples/*/*.hcl"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found += len(labels(text))
			undoes(t, text)
		}
	}
	undoes(t, []byte(byHand))
	if found < 2 {
		t.Errorf("only %d channels were edited", found)
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(byHand))
	for _, text := range []string{
		"channel \"a\" {}", "channel \"a\" { keys = [] }", "channel \"a\" {\n keys = [ # none\n ]\n}", "channel \"a\" {\n keys = [\"x\" # one\n , \"y\", /* z */ ]\n}",
		"channel \"a\" {\n keys = [<<E\nx\nE\n]\n}", "channel \"a\" {\n target = <<E\nx\nE\n}", "channel \"a\" {\n keys = [\"x\",\n # last\n]\n key \"b\" { value = 1 }\n}",
		"channel a {\r\n keys = [\r\n\"x\"\r\n]\r\n}", "channel \"a\" { key \"b\" { value = 1 } }", "channel \"a\" {\n keys = concat([\"x\"], [\"y\"])\n}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { undoes(t, text) })
}
