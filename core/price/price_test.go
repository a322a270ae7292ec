package price

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

func glob(pattern, model string) bool {
	head, star := strings.CutSuffix(pattern, "*")
	return pattern == model || star && strings.HasPrefix(model, head)
}

func number(n float64) *float64 { return &n }

func TestCost(t *testing.T) {
	file, err := ReadFile([]byte(`{
		"sample_spec": {"input_cost_per_token": 0.0},
		"gpt-4o": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06},
		"whisper": {"input_cost_per_second": 0.0001}
	}`))
	if err != nil || len(file) != 1 {
		t.Fatalf("%v, %v", file, err)
	}
	b := NewBook([]Price{
		{Pattern: "gpt-5*", Input: 1.25, Output: 10, CacheRead: number(0.125), Currency: "USD"},
		{Pattern: "*", Input: 0, Output: 0, PerRequest: 0.04, Currency: "EUR"},
	}, nil, glob)
	withFile := NewBook(b.prices[:1], file, glob)
	none := NewBook(nil, nil, glob)
	for name, c := range map[string]struct {
		book        *Book
		sent, asked string
		factor      float64
		tokens      dialect.Tokens
		want        event.Money
		currency    string
	}{
		"input and output":            {b, "gpt-5", "gpt-5", 1, dialect.Tokens{Input: 1000, Output: 100}, 2_250_000, "USD"},
		"from the cache":              {b, "gpt-5", "gpt-5", 1, dialect.Tokens{Input: 1000, CacheRead: 800, Output: 100}, 1_350_000, "USD"},
		"written to the cache":        {b, "gpt-5", "gpt-5", 1, dialect.Tokens{Input: 1000, CacheWrite: 800}, 1_250_000, "USD"},
		"thought":                     {b, "gpt-5", "gpt-5", 1, dialect.Tokens{Output: 100, Reasoning: 60}, 1_000_000, "USD"},
		"a reseller's share":          {b, "gpt-5", "gpt-5", 0.3, dialect.Tokens{Input: 1000}, 375_000, "USD"},
		"no tokens reported":          {b, "gpt-5", "gpt-5", 1, dialect.Tokens{}, 0, ""},
		"per request, no tokens":      {b, "image-1", "image-1", 1, dialect.Tokens{}, 40_000_000, "EUR"},
		"the model sent counts first": {b, "gpt-5-mini", "other", 1, dialect.Tokens{Input: 1000}, 1_250_000, "USD"},
		"the model asked for":         {withFile, "deployment-7", "gpt-5", 1, dialect.Tokens{Input: 1000}, 1_250_000, "USD"},
		"the file":                    {withFile, "gpt-4o", "gpt-4o", 1, dialect.Tokens{Input: 1000, CacheRead: 1000, Output: 10}, 1_350_000, "USD"},
		"a provider before the name":  {withFile, "openai/gpt-4o", "", 1, dialect.Tokens{Input: 1000}, 2_500_000, "USD"},
		"no price":                    {none, "gpt-5", "gpt-5", 1, dialect.Tokens{Input: 1000}, 0, ""},
		"more cached than sent":       {b, "gpt-5", "gpt-5", 1, dialect.Tokens{Input: 10, CacheRead: 20, CacheWrite: 5}, 1250, "USD"},
	} {
		got, currency, known := c.book.Cost(c.sent, c.asked, c.factor, c.tokens)
		if got != c.want || currency != c.currency || known != (c.currency != "") {
			t.Errorf("%s: %d %q %v, want %d %q", name, got, currency, known, c.want, c.currency)
		}
	}
}

func TestInvalidPriceFiles(t *testing.T) {
	for _, content := range []string{``, `[]`, `{"a": 1}`, `{"gpt": {"input_cost_per_token": -1}}`, `{"whisper": {"input_cost_per_second": 1}}`} {
		if f, err := ReadFile([]byte(content)); err == nil {
			t.Errorf("%s: %v", content, f)
		}
	}
}
