package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

func loadPrices(t *testing.T, text, file string) (*config.Config, config.Report, string) {
	t.Helper()
	dir := t.TempDir()
	path, prices := filepath.Join(dir, "aitunnel.hcl"), filepath.Join(dir, "prices.json")
	text += "\nchannel \"a\" {\n  target = \"https://a.example\"\n  keys = [\"sk-1\"]\n  price_factor = 0.5\n}\n"
	for name, content := range map[string]string{path: text, prices: file} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(nil)})
	return cfg, report, prices
}

func TestPricesAndHistory(t *testing.T) {
	cfg, report, prices := loadPrices(t, `
price_file = "prices.json"
history {
  keep     = "2w"
  max_size = "20MiB"
}
price "gpt-5*" {
  input    = 1
  output   = 2
  currency = "CNY"
}`, `{"gpt-4o": {"input_cost_per_token": 1e-06}}`)
	if cfg == nil {
		t.Fatal(report)
	}
	if want := (config.History{Enabled: true, Keep: 14 * 24 * time.Hour, MaxSize: 20 << 20}); cfg.History != want {
		t.Errorf("%+v", cfg.History)
	}
	if cfg.Channels[0].PriceFactor != 0.5 {
		t.Error(cfg.Channels[0].PriceFactor)
	}
	if report.Inputs()[prices] == "" {
		t.Errorf("the price file is not watched: %v", report.Inputs())
	}
	for model, want := range map[string]event.Money{"gpt-5-mini": 3_000_000_000, "gpt-4o": 1_000_000_000, "other": 0} {
		if got, _, _ := cfg.Prices.Cost("", model, 1, dialect.Tokens{Input: 1e6, Output: 1e6}); got != want {
			t.Errorf("%s: %d, want %d", model, got, want)
		}
	}
	dearer, _, _ := loadPrices(t, "price_file = \"prices.json\"", `{"gpt-4o": {"input_cost_per_token": 2e-06}}`)
	if changes := config.Diff(cfg, dearer); len(changes) != 3 {
		t.Errorf("history, price and price file differ: %+v", changes)
	}
}

func TestWrongPrices(t *testing.T) {
	for _, c := range [][3]string{
		{`price "gpt 5" {}`, `{}`, "The label is one model"},
		{"price \"a\" {}\nprice \"a\" {}", `{}`, "A price for \"a\" is already declared"},
		{`price "a" { input = -1 }`, `{}`, "0"},
		{`price "a" { currency = "US Dollar" }`, `{}`, "a short label"},
		{`price_file = "prices.json"`, `[]`, "it is not a JSON object of models"},
		{`price_file = "prices.json"`, `{}`, "it has no prices"},
		{`price_file = "missing.json"`, `{}`, "missing.json"},
		{`history { max_size = "1MiB" }`, `{}`, "at least 10 MiB"},
		{`history { keep = "0s" }`, `{}`, "greater than 0"},
	} {
		cfg, report, _ := loadPrices(t, c[0], c[1])
		text := ""
		for _, d := range report.Diagnostics() {
			text += d.Summary + " " + d.Detail + "\n"
		}
		if cfg != nil || !strings.Contains(text, c[2]) {
			t.Errorf("%s: %s", c[0], text)
		}
	}
}
