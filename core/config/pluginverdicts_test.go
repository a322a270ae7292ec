package config_test

import (
	"context"
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
	text := "plugin \"acme\" {}\nchannel \"a\" {\n  target   = \"https://a.test\"\n  auth     = \"none\"\n  verdicts = [\"acme\"]\n}\nchannel \"b\" {\n  target = \"https://b.test\"\n  auth   = \"none\"\n}\n"
	loadRules := func(rules string) (*config.Config, string) {
		cfg, report := loadWith(t, config.Options{Catalog: verdictsOfAcme{builtins{}, rules}, Getenv: lookup(nil)}, text)
		return cfg, strings.Join(report.Lines(), "\n")
	}
	cfg, lines := loadRules("verdict \"acme-full\" {\n  status = 403\n  code   = \"^full$\"\n  means  = \"overloaded\"\n}\n")
	if lines != "" {
		t.Fatal(lines)
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
		if _, lines := loadRules(rules); !strings.Contains(lines, want) || !strings.Contains(lines, ":5:") {
			t.Errorf("want %q in line 5 for the rules %q, got\n%s", want, rules, lines)
		}
	}
}
