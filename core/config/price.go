package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/price"
)

// History configures the history of requests.
type History struct {
	Enabled bool          `hcl:"enabled,optional" doc:"Keep a history. With false nothing more is written, and existing records stay."`
	Keep    time.Duration `hcl:"keep,optional" doc:"How long the records of requests are kept. Sums are kept for two years."`
	MaxSize int64         `hcl:"max_size,optional" doc:"Maximum size of the file; beyond it, the oldest records are removed."`
}

// Price is the price of some models.
type Price struct {
	Models     string   // a pattern
	Input      float64  `hcl:"input,optional" min:"0" max:"1000000000" example:"1.25" doc:"Per million tokens of the prompt."`
	Output     float64  `hcl:"output,optional" min:"0" max:"1000000000" example:"10" doc:"Per million tokens of the answer."`
	CacheRead  *float64 `hcl:"cache_read,optional" min:"0" max:"1000000000" default:"same as input" sample:"0.125" doc:"Per million tokens of the prompt that were read from the site's cache."`
	CacheWrite *float64 `hcl:"cache_write,optional" min:"0" max:"1000000000" default:"same as input" sample:"1.5" doc:"Per million tokens of the prompt that were written to the site's cache."`
	Reasoning  *float64 `hcl:"reasoning,optional" min:"0" max:"1000000000" default:"same as output" sample:"10" doc:"Per million tokens of the answer that were spent on reasoning."`
	PerRequest float64  `hcl:"per_request,optional" min:"0" max:"1000000000" doc:"Per request that is answered."`
	Currency   string   `hcl:"currency,optional" doc:"A label. Costs in different currencies are added up separately."`
	Range      hcl.Range
}

func defaultPrice() *Price { return &Price{Currency: price.DefaultCurrency} }

func (l *loader) history() {
	if r := l.settings("history"); r != nil {
		r.Decode(&l.config.History)
		r.Done()
		if l.config.History.MaxSize < minHistory {
			r.Wrong(r.Attributes["max_size"], "the history needs at least 10 MiB")
		}
	}
}

// minHistory is the minimum of max_size in bytes.
const minHistory = 10 << 20

// prices reads the price blocks and the price file.
func (l *loader) prices() {
	known := map[string]*Price{}
	var prices []price.Price
	for _, b := range l.TopBlocks("price", "models") {
		p := l.price(b)
		if first := known[p.Models]; first != nil {
			l.Fail(b.DefRange(), "Duplicate price", fmt.Sprintf("A price for %q is already declared at %s:%d.", p.Models, first.Range.Filename, first.Range.Start.Line))
			continue
		}
		known[p.Models] = p
		l.config.prices = append(l.config.prices, p)
		prices = append(prices, price.Price{
			Pattern: p.Models, Input: p.Input, Output: p.Output, CacheRead: p.CacheRead, CacheWrite: p.CacheWrite,
			Reasoning: p.Reasoning, PerRequest: p.PerRequest, Currency: p.Currency,
		})
	}
	l.config.Prices = price.NewBook(prices, l.priceFile(), MatchModel)
}

// CostToday returns what requests for a model to a channel cost by the prices of this configuration, with
// the tokens of all of them together. known is false without a price.
func (c *Config) CostToday(channel, model string, requests int64, t dialect.Tokens) (cost event.Money, currency string, known bool) {
	sent, factor := "", 1.0
	for _, ch := range c.Channels {
		if ch.Name == channel {
			sent, factor = ch.ModelMap[model], ch.PriceFactor
		}
	}
	return c.Prices.CostOfAll(sent, model, factor, requests, t)
}

func (l *loader) price(b *hclsyntax.Block) *Price {
	p := defaultPrice()
	p.Models, p.Range = b.Labels[0], b.DefRange()
	r := l.reader(b, fmt.Sprintf("in price %q", p.Models))
	if p.Models == "" || strings.ContainsAny(p.Models, " ,\t\n") {
		l.Fail(b.LabelRanges[0], "Invalid model", `The label is one model, in which * matches any characters, such as "gpt-5*".`)
	}
	r.Decode(p)
	r.Done()
	if a := r.Attributes["currency"]; a != nil && (p.Currency == "" || len(p.Currency) > 8 || strings.ContainsAny(p.Currency, " ,\t\n")) {
		r.Wrong(a, `expected a short label without spaces, such as "USD" or "CNY"`)
	}
	return p
}

// priceFile reads the price file, and adds it to the inputs.
func (l *loader) priceFile() price.File {
	path := l.config.PriceFile
	if path == "" {
		return nil
	}
	at := l.Start()
	for _, a := range l.Top {
		if a.Name == "price_file" {
			at = a.Expr.Range()
		}
	}
	content, err := l.Input(path, price.MaxFile)
	if err != nil {
		l.Fail(at, "Cannot read the price file", wording.Sentence(err.Error()))
		return nil
	}
	file, err := price.ReadFile(content)
	if err != nil {
		l.Fail(at, "Invalid price file", wording.Sentence(fmt.Sprintf("%s: %s", path, err)))
		return nil
	}
	l.config.priceSum = hclfile.SumText(content)
	return file
}

// PriceBlocks returns the prices of the price blocks, without those of the price file.
func (c *Config) PriceBlocks() []*Price { return c.prices }
