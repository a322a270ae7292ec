package config_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// verdictsOfAcme is a catalog whose plugin acme has rules.
type verdictsOfAcme struct {
	builtins
	text string
}

func (v verdictsOfAcme) Verdicts(context.Context, string, *config.Plugin) (text, build string, err error) {
	return v.text, "1", nil
}

func TestVerdictsOfAPlugin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	text := "plugin \"acme\" {}\nchannel \"a\" {\n  target   = \"https://a.test\"\n  auth     = \"none\"\n  verdicts = [\"acme\"]\n}\nchannel \"b\" {\n  target = \"https://b.test\"\n  auth   = \"none\"\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(rules string) (*config.Config, string) {
		cfg, report := config.Load(t.Context(), config.Options{Path: path, Catalog: verdictsOfAcme{builtins{}, rules}})
		var out strings.Builder
		_ = report.Write(&out, false)
		return cfg, out.String()
	}
	cfg, said := load("verdict \"acme-full\" {\n  status = 403\n  code   = \"^full$\"\n  means  = \"overloaded\"\n}\n")
	if said != "" {
		t.Fatal(said)
	}
	rules := cfg.PluginRules(cfg.Channels[0])
	if len(rules) != 1 || rules[0].Origin != verdict.FromPlugin || len(cfg.PluginRules(cfg.Channels[1])) != 0 {
		t.Fatalf("%+v", rules)
	}
	answer := verdict.Answer{Status: 403, Body: []byte(`{"error":{"code":"full"}}`)}
	if got := verdict.New(verdict.Options{Plugin: rules}).Judge(answer); got.Means != verdict.Overloaded || got.Rule != "acme-full" {
		t.Errorf("%+v", got)
	}
	for rules, want := range map[string]string{
		"verdict \"x\" {\n  means = \"nonsense\"\n}\n": `The verdicts of the plugin "acme" are not valid`,
		"":                   "has no verdicts",
		"plugin \"evil\" {}": "are not valid",
	} {
		if _, said := load(rules); !strings.Contains(said, want) || !strings.Contains(said, "line 5") {
			t.Errorf("%q is reported as\n%s", rules, said)
		}
	}
}
