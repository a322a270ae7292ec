package edit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/config"
)

// written is a text as people write it, with comments everywhere and its own layout.
const byHand = `# My sites.

proxy { listen = "127.0.0.1:9000" }   # the entry

# The good one.
channel "home" {
	target   = "https://home.example" # paid until May
	weight   = 10
	keys     = ["one", "two"] # both mine

	# The team's.
	key "team" {
		value = "three"
	}

	health_check "http" {}
} # home

channel "spare" { target = "https://spare.example" }

route "/v1/**" {
  channels = [
    channel.home,   # first
    channel["spare"] # then
  ]
}
route "/**" { channels = ["spare"] }
# The end.
`

func open(t *testing.T, text string) (*Document, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

func ptr[T any](v T) *T { return &v }

// replaced returns the text with each old part replaced by the new one after it; each old part
// must occur once.
func replaced(t *testing.T, text string, pieces ...string) string {
	t.Helper()
	for i := 0; i < len(pieces); i += 2 {
		if strings.Count(text, pieces[i]) != 1 {
			t.Fatalf("%q is in the text %d times, want once", pieces[i], strings.Count(text, pieces[i]))
		}
		text = strings.Replace(text, pieces[i], pieces[i+1], 1)
	}
	return text
}

func TestAnEditChangesOneThingOnly(t *testing.T) {
	for _, c := range []struct {
		name   string
		edit   func(*Document) error
		pieces []string
	}{
		{"a key without a label", func(d *Document) error { return d.AddKey("home", Key{Value: "new"}) },
			[]string{`"two"] # both`, `"two", "new"] # both`}},
		{"a key with a label", func(d *Document) error { return d.AddKey("home", Key{Value: `q"${x}%{y}\`, Label: "mine"}) },
			[]string{"\t\tvalue = \"three\"\n\t}\n", "\t\tvalue = \"three\"\n\t}\n\tkey \"mine\" {\n\t  value = \"q\\\"$${x}%%{y}\\\\\"\n\t}\n"}},
		{"a first key", func(d *Document) error { return d.AddKey("spare", Key{Value: "new"}) },
			[]string{`channel "spare" { target = "https://spare.example" }`, "channel \"spare\" {\n  target = \"https://spare.example\"\n  keys   = [\"new\"]\n}"}},
		{"an existing attribute", func(d *Document) error { return d.ChangeChannel("home", Channel{Weight: ptr(2.5)}) },
			[]string{"weight   = 10\n", "weight   = 2.5\n"}},
		{"new attributes", func(d *Document) error {
			return d.ChangeChannel("home", Channel{Fallback: ptr(true), Models: ptr([]string{"a", "b-*"})})
		}, []string{"# both mine\n", "# both mine\n\tfallback = true\n\tmodels   = [\"a\", \"b-*\"]\n"}},
		{"a target with its comment", func(d *Document) error { return d.ChangeChannel("home", Channel{Target: ptr("http://x")}) },
			[]string{`"https://home.example" # paid`, `"http://x" # paid`}},
		{"a removed attribute", func(d *Document) error { return d.ChangeChannel("home", Channel{Models: ptr([]string{})}) }, nil},
		{"all keys", func(d *Document) error {
			return d.ChangeChannel("home", Channel{Keys: &[]Key{{Value: "a"}, {Value: "b", Label: "l"}}})
		}, []string{"\tkeys     = [\"one\", \"two\"] # both mine\n", "\tkeys     = [\"a\"]\n\tkey \"l\" {\n\t  value = \"b\"\n\t}\n", "\tkey \"team\" {\n\t\tvalue = \"three\"\n\t}\n\n", "\n"}},
		{"a removed channel", func(d *Document) error { return d.RemoveChannel("spare") },
			[]string{"channel \"spare\" { target = \"https://spare.example\" }\n\n", "", "    channel[\"spare\"] # then\n", "", `= ["spare"]`, "= []"}},
		{"a new channel", func(d *Document) error {
			return d.AddChannel("third one", Channel{Target: ptr("https://third.example"), Fallback: ptr(true), Keys: &[]Key{{Value: "k"}}}, []string{"/**", "/v1/**"})
		}, []string{
			"channel \"spare\" { target = \"https://spare.example\" }\n", "channel \"spare\" { target = \"https://spare.example\" }\n\nchannel \"third one\" {\n  target   = \"https://third.example\"\n  fallback = true\n  keys     = [\"k\"]\n}\n",
			"channel[\"spare\"] # then\n", "channel[\"spare\"], # then\n    \"third one\",\n",
			`= ["spare"]`, `= ["spare", "third one"]`}},
	} {
		for _, newline := range []string{"\n", "\r\n"} {
			d, path := open(t, strings.ReplaceAll(byHand, "\n", newline))
			if err := c.edit(d); err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			got := string(d.Texts()[path])
			want := strings.ReplaceAll(replaced(t, byHand, c.pieces...), "\n", newline)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", c.name, diff)
			}
			if _, diags := hclsyntax.ParseConfig([]byte(got), "", hcl.InitialPos); diags.HasErrors() {
				t.Errorf("%s: %v", c.name, diags)
			}
		}
	}
}

func TestListsKeepTheirLayout(t *testing.T) {
	for _, c := range []struct{ list, pushed, first, last string }{
		{`[]`, `["new"]`, "", ""},
		{`["a"]`, `["a", "new"]`, `[]`, `[]`},
		{`["a", "b",]`, `["a", "b", "new"]`, `["b",]`, `["a",]`},
		{`[ "a" , "b" ]`, `[ "a" , "b", "new" ]`, `[ "b" ]`, `[ "a" ]`},
		{"[\n    \"a\", # A, first\n    \"b\"\n  ]", "[\n    \"a\", # A, first\n    \"b\",\n    \"new\",\n  ]", "[\n    \"b\"\n  ]", "[\n    \"a\", # A, first\n  ]"},
		{"[\n    \"a\",\n    \"b\", # B\n    # no more\n  ]", "[\n    \"a\",\n    \"b\", # B\n    \"new\",\n    # no more\n  ]", "[\n    \"b\", # B\n    # no more\n  ]", "[\n    \"a\",\n    # no more\n  ]"},
		{"[\"a\",\n   \"b\" /* , */]", "[\"a\",\n   \"b\", \"new\" /* , */]", "[\"b\" /* , */]", "[\"a\" /* , */]"},
	} {
		text := "channel \"x\" {\n  keys = " + c.list + " # ours\n}\n"
		for what, want := range map[string]string{"push": c.pushed, "first": c.first, "last": c.last} {
			if want == "" {
				continue
			}
			d, path := open(t, text)
			f, b, err := d.block("channel", "x")
			if err != nil {
				t.Fatal(err)
			}
			list, _ := tupleOf(b, "keys")
			switch what {
			case "push":
				f.push(list, `"new"`)
			case "first":
				f.drop(list, 0)
			case "last":
				f.drop(list, len(list.Exprs)-1)
			}
			if diff := cmp.Diff(strings.Replace(text, c.list, want, 1), string(d.Texts()[path])); diff != "" {
				t.Errorf("%s of %q: (-want +got)\n%s", what, c.list, diff)
			}
		}
	}
}

func TestAKeyIsRemovedByItsPlace(t *testing.T) {
	d, path := open(t, byHand)
	_, b, err := d.block("channel", "home")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := tupleOf(b, "keys")
	if err := d.RemoveKey("home", &config.Key{Range: list.Exprs[0].Range()}); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveKey("home", &config.Key{Label: "team"}); err != nil {
		t.Fatal(err)
	}
	want := replaced(t, byHand, `["one", "two"]`, `["two"]`, "\tkey \"team\" {\n\t\tvalue = \"three\"\n\t}\n\n", "\n")
	if diff := cmp.Diff(want, string(d.Texts()[path])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	at := hcl.Range{Filename: path, Start: hcl.Pos{Line: 3}}
	if err := d.RemoveKey("home", &config.Key{Range: at}); err == nil || !strings.Contains(err.Error(), path+":3") {
		t.Errorf("a key that is computed: %v", err)
	}
}

func TestMissingThingsAreReported(t *testing.T) {
	d, _ := open(t, byHand)
	for want, err := range map[string]error{
		`channel "none"`:            d.AddKey("none", Key{Value: "x"}),
		`no route "/none"`:          d.addToRoutes("home", []string{"/none"}),
		`block channel "removed"`:   d.RemoveChannel("removed"),
		`no file "other.hcl": it`:   d.Replace("other.hcl", nil),
		`block channel "unchanged"`: d.ChangeChannel("unchanged", Channel{Weight: ptr(1.0)}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if len(d.Changed()) != 0 {
		t.Error("something was changed nevertheless")
	}
}

// TestADirectoryIsEditedFileByFile: additions go to the file with the blocks of the same kind.
func TestADirectoryIsEditedFileByFile(t *testing.T) {
	dir := t.TempDir()
	texts := map[string]string{
		"10-proxy.hcl": "proxy {}\n", "20-channels.hcl": "channel \"a\" {\n  target = \"https://a.example\"\n  keys   = [\"k\"]\n}\n",
		"30-routes.hcl": "route \"/**\" { channels = [channel.a] }", "notes.txt": "no configuration",
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AddChannel("b", Channel{Target: ptr("https://b.example"), Keys: &[]Key{{Value: "k2"}}}, []string{"/**"}); err != nil {
		t.Fatal(err)
	}
	if err := d.AddKey("a", Key{Value: "k3"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"20-channels.hcl": "channel \"a\" {\n  target = \"https://a.example\"\n  keys   = [\"k\", \"k3\"]\n}\n\nchannel \"b\" {\n  target = \"https://b.example\"\n  keys   = [\"k2\"]\n}\n",
		"30-routes.hcl":   "route \"/**\" { channels = [channel.a, channel.b] }",
	}
	got := map[string]string{}
	for name, text := range d.Changed() {
		got[filepath.Base(name)] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := d.Replace("", []byte("x")); err == nil {
		t.Error("a text for one of several files, without a name")
	}
}

func TestDeeplyNestedTextIsNotEdited(t *testing.T) {
	d, _ := open(t, "locals {\n  a = "+strings.Repeat("(", 100_000)+"\n}\n")
	if err := d.AddKey("home", Key{Value: "x"}); err == nil {
		t.Error("a text that exhausts the parser's stack was edited")
	}
}

// TestABlockIsFoundByItsMaskedName, as lists show a name that looks like a key.
func TestABlockIsFoundByItsMaskedName(t *testing.T) {
	const name, shown = "sk-live-0123456789abcdef", "sk-*****************cdef"
	d, _ := open(t, "channel \""+name+"\" {\n  target = \"https://a.test\"\n  keys = [\"k-1\"]\n}\nroute \"/**\" {\n  channels = [channel[\""+name+"\"]]\n}\n")
	weight := 3.0
	if err := d.ChangeChannel(shown, Channel{Weight: &weight}); err != nil {
		t.Fatal(err)
	}
	for _, text := range d.Texts() {
		if !strings.Contains(string(text), "weight = 3") || !strings.Contains(string(text), "channel \""+name+"\"") {
			t.Errorf("%s", text)
		}
	}
	if err := d.RemoveChannel(shown); err != nil {
		t.Fatal(err)
	}
	for _, text := range d.Texts() {
		if strings.Contains(string(text), name) {
			t.Errorf("%s", text)
		}
	}
}
