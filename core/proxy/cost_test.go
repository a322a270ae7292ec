package proxy

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/price"
)

// TestCostsInTheRecords checks the costs in the records of requests.
func TestCostsInTheRecords(t *testing.T) {
	usage := `{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"prompt_tokens_details":{"cached_tokens":800}}}`
	read := 0.1
	prices := []price.Price{{Pattern: "sent-*", Input: 1, Output: 10, CacheRead: &read, Currency: "USD"}, {Pattern: "asked", Input: 2, Currency: "EUR"}}
	for name, c := range map[string]struct {
		model, sent, answer string
		want                event.Money
		currency            string
	}{
		"by the model that was sent":      {"asked", "sent-1", usage, 640_000, "USD"},
		"by the model that was asked for": {"asked", "", usage, 1_000_000, "EUR"},
		"no price":                        {"free", "", usage, 0, ""},
		"no tokens":                       {"asked", "", `{"choices":[{"message":{"content":"hi"}}]}`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(cfg *config.Config) {
				cfg.Prices = price.NewBook(prices, nil, config.MatchModel)
				cfg.Channels[0].PriceFactor = 0.5
				if c.sent != "" {
					cfg.Channels[0].ModelMap = map[string]string{c.model: c.sent}
				}
			}, newTestSite(t, reply(200, c.answer)))
			r.post("/v1/chat/completions", `{"model":"`+c.model+`"}`)
			if got := r.last(); got.Cost != c.want || got.Currency != c.currency {
				t.Errorf("%d %s, want %d %s", got.Cost, got.Currency, c.want, c.currency)
			}
			if got := r.last(); got.Dialect != "openai" || got.Endpoint != "generate" {
				t.Errorf("%q %q", got.Dialect, got.Endpoint)
			}
		})
	}
}

func TestTheRecordNamesTheTunnel(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, reply(200, `{"choices":[{"message":{"content":"hi"}}]}`)))
	r.post("/v1/chat/completions", `{"model":"m"}`)
	if got := r.last().Entry; got != "" {
		t.Errorf("%q", got)
	}
	direct := r.server.Config.Handler
	r.server.Config.Handler = ThroughTunnel("vps", direct)
	r.post("/v1/chat/completions", `{"model":"m"}`)
	if got := r.last().Entry; got != "vps" {
		t.Errorf("%q", got)
	}
}
