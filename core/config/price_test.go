package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

// loadPrices loads a configuration with a channel and a price file, and returns the path of that file.
func loadPrices(t *testing.T, text, file string) (*config.Config, config.Report, string) {
	t.Helper()
	dir := t.TempDir()
	prices := filepath.Join(dir, "prices.json")
	if err := os.WriteFile(prices, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	text += "\nchannel \"a\" {\n  target = \"https://a.example\"\n  keys = [\"sk-1\"]\n  price_factor = 0.5\n}\n"
	cfg, report := loadWith(t, config.Options{Path: filepath.Join(dir, config.FileName), Catalog: builtins{}, Getenv: lookup(nil)}, text)
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
		t.Fatal(report.Lines())
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
	next, _, _ := loadPrices(t, "price_file = \"prices.json\"", `{"gpt-4o": {"input_cost_per_token": 2e-06}}`)
	if changes := diff.Compare(cfg, next); len(changes) != 3 {
		t.Errorf("got %+v, want changes of the history, the price and the price file", changes)
	}
}

func TestInvalidPrices(t *testing.T) {
	for _, tt := range []struct{ text, file, want string }{
		{`price "gpt 5" {}`, `{}`, "The label is one model"},
		{"price \"a\" {}\nprice \"a\" {}", `{}`, "A price for \"a\" is already declared"},
		{`price "a" { input = -1 }`, `{}`, "-1 is out of range"},
		{`price "a" { currency = "US Dollar" }`, `{}`, "a short label"},
		{`price_file = "prices.json"`, `[]`, "it is not a JSON object of models"},
		{`price_file = "prices.json"`, `{}`, "it has no prices"},
		{`price_file = "missing.json"`, `{}`, "missing.json"},
		{`history { max_size = "1MiB" }`, `{}`, "at least 10 MiB"},
		{`history { keep = "0s" }`, `{}`, "greater than 0"},
	} {
		cfg, report, _ := loadPrices(t, tt.text, tt.file)
		if lines := strings.Join(report.Lines(), "\n"); cfg != nil || !strings.Contains(lines, tt.want) {
			t.Errorf("want %q for %s, got\n%s", tt.want, tt.text, lines)
		}
	}
}
