package diff_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/sdk"
)

// catalog has every component, in plugins with this version and build.
type catalog struct{ version, build string }

func (c catalog) Component(_ context.Context, _ sdk.Kind, ref string, _ *config.Plugin) (config.ComponentInfo, error) {
	plugin, name, qualified := strings.Cut(ref, "/")
	if !qualified {
		return config.ComponentInfo{Name: ref}, nil
	}
	return config.ComponentInfo{Plugin: plugin, Name: name, Version: c.version, Build: c.build}, nil
}

func load(t *testing.T, c catalog, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, report := config.Load(t.Context(), config.Options{Path: path, Catalog: c, Getenv: func(string) (string, bool) { return "", false }})
	if cfg == nil {
		t.Fatal(report.Lines())
	}
	return cfg
}

const text = `
channel "a" {
  target = "https://a.test"
  keys   = ["key-1"]
}
channel "b" {
  target = "https://b.test"
  keys   = ["key-2"]
}
route "/v1/**" {
  channels = [channel.a, channel.b]
  strategy "acme/bandit" {}
}
route "/**" {
  channels = [channel.b]
}
plugin "acme" {}
`

// Each case replaces a part of text. A change is written with its settings and its effect.
func TestCompare(t *testing.T) {
	for name, tt := range map[string]struct {
		old, next string
		want      []string
	}{
		"nothing":         {`plugin "acme" {}`, `plugin "acme" {}`, nil},
		"layout":          {`keys   = ["key-1"]`, "# a comment\n  keys = [\n\"key-1\"]", nil},
		"setting":         {`target = "https://a.test"`, "target = \"https://a.test\"\n  weight = 2", []string{`change channel "a" weight: keeps its state`}},
		"key":             {`"key-1"`, `"key-3"`, []string{`change channel "a" keys: keeps its state`}},
		"target":          {"https://a.test", "https://c.test", []string{`change channel "a" target: starts without state: the old state belongs to another target`}},
		"strategy":        {`strategy "acme/bandit" {}`, `strategy "priority" {}`, []string{`change route "/v1/**" strategy: gets a first plan from the new strategy, which continues with the state and turns of the old one`}},
		"channels":        {"channels = [channel.a, channel.b]", "channels = [channel.b, channel.a]", []string{`change route "/v1/**" channels: gets a new plan, which continues with the state and turns of the last one`}},
		"added block":     {`plugin "acme" {}`, "plugin \"acme\" {}\nplugin \"other\" {}", []string{`add plugin "other" : starts when a block uses it`}},
		"removed route":   {"route \"/**\" {\n  channels = [channel.b]\n}", "", []string{`remove route "/**" : requests in flight are finished`}},
		"top level":       {`plugin "acme" {}`, "plugin \"acme\" {}\ndrain = \"5s\"", []string{`change the top level drain: `}},
		"unlabeled block": {`plugin "acme" {}`, "plugin \"acme\" {}\nretry { max_retries = 5 }", []string{`change retry max_retries: `}},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Count(text, tt.old) != 1 {
				t.Fatalf("the text must contain %q exactly once", tt.old)
			}
			next := strings.Replace(text, tt.old, tt.next, 1)
			got := lines(diff.Compare(load(t, catalog{}, text), load(t, catalog{}, next)))
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func lines(changes []diff.Change) (out []string) {
	for _, c := range changes {
		out = append(out, c.String()+" "+strings.Join(c.Fields, ",")+": "+c.Effect)
	}
	return out
}

func TestOrder(t *testing.T) {
	one, two := "channel \"a\" {\n  target = \"https://a.test\"\n  auth = \"none\"\n}\n", "channel \"b\" {\n  target = \"https://b.test\"\n  auth = \"none\"\n}\n"
	routes := "route \"/a\" {\n  channels = [channel.a]\n}\nroute \"/b\" {\n  channels = [channel.b]\n}\n"
	old, next := load(t, catalog{}, one+two+routes), load(t, catalog{}, two+one+routes)
	if d := cmp.Diff([]string{"change routes and channels order: "}, lines(diff.Compare(old, next))); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestUpgradeOfAPlugin(t *testing.T) {
	old := load(t, catalog{"1.0.0", "one"}, text)
	for name, tt := range map[string]struct {
		next catalog
		want []string
	}{
		"same build":    {catalog{"1.0.0", "one"}, nil},
		"other build":   {catalog{"1.0.0", "two"}, []string{`replace plugin "acme" : a new process of version 1.0.0 replaces the old one`}},
		"other version": {catalog{"1.1.0", "two"}, []string{`replace plugin "acme" : version 1.1.0 replaces 1.0.0`}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, lines(diff.Compare(old, load(t, tt.next, text)))); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// Every effect has a text, and its arguments are filled in.
func TestEffects(t *testing.T) {
	for _, code := range diff.Effects() {
		c := diff.Change{}.WithEffect(code, "version", "1.1.0", "old", "1.0.0")
		if c.Effect == "" || strings.ContainsAny(c.Effect, "{}") || c.EffectCode != code {
			t.Errorf("%s: %+v", code, c)
		}
	}
}
